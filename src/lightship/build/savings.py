"""What trimming saves: bytes by rule, counted in the archives that are fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.written import archive_path, fetched_of
from lightship.debs import trim as debs_trim
from lightship.debs.model import LockedDeb
from lightship.digest import of_value
from lightship.plan.model import BaseLayer, LayerPlan, Plan, ToolsLayer, WheelsLayer
from lightship.wheels import trim as wheels_trim
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedWheel

if TYPE_CHECKING:
    from lightship.slim import Trimmer

VERSION = 1
"""Part of every key: raised when savings are counted in another way."""
Sizes = dict[str, int]
"""Bytes that are left out of one archive, by rule."""


class Saving(msgspec.Struct, frozen=True):
    """What one rule leaves out of an image: bytes of its files, unpacked, and of which packages they are."""

    rule: str
    bytes: int
    packages: tuple[str, ...]
    reason: str
    proof: str


class Savings(msgspec.Struct, frozen=True):
    """The rules that leave something out, the biggest first; `uncounted` archives are not fetched yet."""

    rules: tuple[Saving, ...] = ()
    uncounted: int = 0

    @property
    def bytes(self) -> int:
        return sum(saving.bytes for saving in self.rules)


class _Source(Struct, frozen=True):
    """A fetched archive that some rule concerns; `recipe` decides what is counted in it."""

    package: str
    recipe: list[object]
    count: Callable[[], Sizes]


def count_savings(plan: Plan, home: Home) -> Savings:
    """Add up what the plan's rules leave out; remembered, for every archive has to be read once."""
    archives = [*(deb.sha256 for deb in plan.debs), *(wheel.sha256 for wheel in plan.wheels)]
    fetched = {sha256: archive_path(home, sha256) for sha256 in fetched_of(home, archives)}
    sources = [source for layer in _layers(plan) for source in _sources(layer, fetched)]
    uncounted = len(archives) - len(fetched)
    key = of_value([VERSION, uncounted, [source.recipe for source in sources]])
    memo = Memo(home.cache / "savings")
    return memo.get_or_make(key, Savings, lambda: Savings(_add_up(sources, memo), uncounted))


def _add_up(sources: Iterable[_Source], memo: Memo) -> tuple[Saving, ...]:
    total: Counter[str] = Counter()
    packages: dict[str, list[str]] = {}
    for source in sources:
        for rule, size in memo.get_or_make(of_value(source.recipe), Sizes, source.count).items():
            total[rule] += size
            packages.setdefault(rule, []).append(source.package)
    rules = {rule.name: rule for rule in (*debs_trim.RULES, *wheels_trim.RULES, wheels_trim.NOT_OPENED)}
    return tuple(
        Saving(name, size, tuple(packages[name]), rules[name].reason, rules[name].proof)
        for name, size in sorted(total.items(), key=lambda item: (-item[1], item[0]))
    )


def _layers(plan: Plan) -> Iterator[LayerPlan]:
    """Give the layers; what a base leaves out and a target's tools bring back is not left out."""
    tools = [layer for layer in plan.layers if isinstance(layer, ToolsLayer)]
    for layer in plan.layers:
        if isinstance(layer, BaseLayer) and tools:
            trim = tuple(name for name in layer.trim if name in tools[0].trim)
            yield msgspec.structs.replace(layer, trim=trim)
        else:
            yield layer


def _sources(layer: LayerPlan, fetched: dict[str, Path]) -> Iterator[_Source]:
    if isinstance(layer, BaseLayer | ToolsLayer) and layer.trim:
        rules: list[object] = [rule.essence() for rule in debs_trim.rules_named(layer.trim)]
        trimmer = cache(partial(debs_trim.base_trimmer, layer.trim))  # only where something is counted
        for deb in layer.packages:
            if path := fetched.get(deb.sha256):
                yield _Source(deb.name, [deb.sha256, rules], partial(_in_deb, deb, path, trimmer))
    elif isinstance(layer, WheelsLayer):
        for wheel in layer.wheels:
            own = [
                rule.essence() for rule in wheels_trim.rules_named(layer.trim) if rule.concerns(wheel.name)
            ]
            kept = [layer.keep[wheel.name]] if wheel.name in layer.keep else []
            if (own or kept) and (path := fetched.get(wheel.sha256)):
                count = partial(_in_wheel, wheel, path, layer)
                yield _Source(wheel.name, [wheel.sha256, layer.prefix, layer.python, own, *kept], count)


def _in_deb(deb: LockedDeb, path: Path, trimmer: Callable[[], Trimmer]) -> Sizes:
    from lightship.debs.skeleton import merged
    from lightship.debs.unpack import data_members

    trimmed_by, members = trimmer(), data_members(path, package=deb.name)
    return _by_rule((trimmed_by(merged(member.path)), member.size) for member in members)


def _in_wheel(wheel: LockedWheel, path: Path, layer: WheelsLayer) -> Sizes:
    from lightship.wheels.archive import open_wheel
    from lightship.wheels.install import installed

    trimmed_by = layer.trimmer(wheel.name)
    with path.open("rb") as stream:
        archive = open_wheel(stream, name=wheel.filename)
        environment = Environment(layer.prefix, layer.python)
        site = f"{environment.site_packages}/"
        entries = installed(archive, wheel, environment)
        return _by_rule(
            (trimmed_by(entry.path[len(site) :]), entry.size)
            for entry in entries
            if entry.path.startswith(site)
        )


def _by_rule(files: Iterable[tuple[str, int]]) -> Sizes:
    sizes: Counter[str] = Counter()
    for rule, size in files:
        if rule:
            sizes[rule] += size
    return dict(sizes)
