"""What of an image comes from the one that it builds on, as a Dockerfile's FROM would have it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lightship.debs.model import LockedDeb
from lightship.plan.base import BaseImage, BaseSummary
from lightship.plan.model import EnvironmentLayer, ImageLayer, LayerPlan, PackagesLayer

_BASE = "org.opencontainers.image.base"
_ABOUT_ITSELF = ("org.opencontainers.image.", "io.lightship.")
"""Labels that speak of the base, and would be wrong of what is built on it."""


def summary(base: BaseImage) -> BaseSummary:
    """Give what later steps need to know of a base."""
    facts = base.facts
    names = tuple(package.name for package in facts.packages)
    return BaseSummary(base.reference, base.digest, base.python.version, facts.glibc, names, facts.debian)


def layers_on(
    base: BaseImage, suite: str, debs: tuple[LockedDeb, ...], trim: tuple[str, ...]
) -> Iterator[LayerPlan]:
    """Yield the base's own layers, and one with the packages that join it, if any do."""
    for number, record in enumerate(base.layers, 1):
        yield ImageLayer(base.reference, base.digest, record, number, len(base.layers))
    if debs:
        yield PackagesLayer(suite, base.architecture, debs, trim, base.facts.cached)


def environment_on(base: BaseImage, layer: EnvironmentLayer) -> EnvironmentLayer:
    """Let an environment use the base's Python, and add its user to those of the base."""
    users = _without(base.facts.users, layer.user)
    groups = _without(base.facts.groups, layer.user)
    return replace(layer, interpreter=base.python.path, users=users, groups=groups)


def labels_of(base: BaseImage) -> dict[str, str]:
    """Give the base's labels, and those that name it (image spec, annotations.md)."""
    kept = {key: text for key, text in base.execution.labels.items() if not key.startswith(_ABOUT_ITSELF)}
    return {**kept, f"{_BASE}.name": base.reference, f"{_BASE}.digest": base.digest}


def _without(text: str, name: str) -> str:
    """Drop the line of a name from passwd(5) or group(5): the service's own takes its place."""
    return "".join(f"{line}\n" for line in text.splitlines() if line and line.split(":")[0] != name)
