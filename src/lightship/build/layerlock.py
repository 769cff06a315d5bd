"""Layers recorded in a lock: made once here, so that whoever takes them from elsewhere can check them."""

from __future__ import annotations

from collections.abc import Collection

from lightship.build.image import Built
from lightship.build.locks import lock_file, read_text
from lightship.build.machine import Machine
from lightship.build.making import Request, build_project
from lightship.fs.atomic import write_bytes
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.wheels.layers import LockedLayer, locked_layer, with_layers


def record_layers(
    project: Project, variant: str, machine: Machine, targets: Collection[str] = (PRODUCTION,)
) -> int:
    """Make the images of a current lock, for every platform, and record their packages' layers in it.

    What the lock recorded before does not count. Gives the number of layers.

    Raises:
        CheckError: if the lock is stale.
        LightshipError: as building does; then the lock records no layers.

    """
    path = lock_file(project, variant)
    text = with_layers(read_text(path.read_bytes(), path), {})
    write_bytes(path, text.encode())
    found: dict[Platform, dict[str, LockedLayer]] = {}
    for platform in project.platforms:
        rows = found.setdefault(platform, {})
        for target in dict.fromkeys((PRODUCTION, *targets)):
            request = Request(variant=variant, platform=platform, target=target, locked=True)
            rows |= _rows(build_project(project, request, machine)[1])
    layers = {platform: tuple(rows.values()) for platform, rows in found.items()}
    write_bytes(path, with_layers(text, layers).encode())
    return sum(map(len, layers.values()))


def _rows(built: Built) -> dict[str, LockedLayer]:
    group = set(built.group)
    return {
        layer.key: locked_layer(layer.title, layer.key, layer.record)
        for layer in built.layers
        if layer.key in group
    }
