"""What was taken out of an image is missed by nothing: proven once, here or by whoever made its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from lightship.build.cache import Memo
from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.digest import Digest, of_value
from lightship.errors import UsageError
from lightship.oci.record import Compression
from lightship.plan.model import Plan, WheelsLayer, layer_key
from lightship.plan.trimming import TRACED
from lightship.project.detect import Project

if TYPE_CHECKING:
    from lightship.build.sandbox import Sandbox
    from lightship.oci.layout import LayoutImage


def loading_key(layer: WheelsLayer) -> Digest:
    """Give the key under which it is remembered that the libraries of a stripped layer load."""
    return of_value(["loading", layer_key(layer, Compression.GZIP)])


def start_key(project: Project, image: LayoutImage) -> Digest:
    """Give the key under which it is remembered that a traced image starts."""
    return of_value(["start", image.manifest.config.digest, msgspec.to_builtins(project.config.check)])


def proofs(machine: Machine) -> Memo:
    """Give the proofs that succeeded on this machine."""
    return Memo(machine.home.cache / "proofs")


def prove(
    project: Project, plan: Plan, built: Built, machine: Machine, find_sandbox: Callable[[], Sandbox]
) -> tuple[str, ...]:
    """Prove what the configuration asks for and nobody has proven; gives remarks on what cannot be.

    Raises:
        StageError: if stripping broke a library.
        StartError: if a traced image does not start.
        UsageError: if a traced image cannot be started here.

    """
    notes = _prove_loading(project, plan, built, machine, find_sandbox) if project.config.strip else ()
    if project.config.trim == TRACED:
        _prove_start(project, built, machine, find_sandbox)
    return notes


def _prove_start(
    project: Project, built: Built, machine: Machine, find_sandbox: Callable[[], Sandbox]
) -> None:
    image = machine.home.images.image(built.descriptor)
    key = start_key(project, image)
    if proofs(machine).get(key, bool) or machine.shared.proven(key):
        return
    from lightship.build.proving import prove_start

    sandbox = find_sandbox()
    machine.shared.bring(machine.home.images, built.hits)
    proofs(machine).put(key, prove_start(project, image, sandbox, machine))


def _prove_loading(
    project: Project, plan: Plan, built: Built, machine: Machine, find_sandbox: Callable[[], Sandbox]
) -> tuple[str, ...]:
    """Load the libraries of stripped layers that were not proven before; where nothing can be run, say so."""
    wheels = [
        (layer, made.hit)
        for layer, made in zip(plan.layers, built.layers, strict=True)
        if isinstance(layer, WheelsLayer)
    ]
    memo = proofs(machine)
    unproven = {
        key: layer for layer, hit in wheels if hit is None and not memo.get(key := loading_key(layer), bool)
    }
    others = sum(hit is not None and layer.strip and not hit.proven for layer, hit in wheels)
    notes = (f"stripped libraries of {others} layers of the cache were tried by nobody",) if others else ()
    if not unproven:
        return notes
    from lightship.build.proving import prove_loading, stripped_libraries

    loadable = [layer for layer in unproven.values() if stripped_libraries(layer, machine.home)]
    if loadable:
        try:
            sandbox = find_sandbox()
        except UsageError as error:
            return (*notes, f"stripped libraries were not tried: {error.message}")
        machine.shared.bring(machine.home.images, built.hits)
        image = machine.home.images.image(built.descriptor)
        prove_loading(project, loadable, image, sandbox, machine)
    for key in unproven:
        memo.put(key, value=True)
    return notes
