"""Debian packages that wheels need: found from what their ELF files ask for, and said of what they do not."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightship import __version__
from lightship.build.bases import Base
from lightship.build.cache import Memo
from lightship.build.machine import Machine
from lightship.debs.model import LockedDeb
from lightship.debs.providers import Provider, find_providers
from lightship.debs.suite import Suite
from lightship.digest import Digest, of_value
from lightship.elf import ElfInfo
from lightship.loader import is_optional
from lightship.platform import Platform
from lightship.wheels.dlopen import Hint, hints_for
from lightship.wheels.fetch import fetch_wheels, wheel_path
from lightship.wheels.model import LockedLibrary, LockedWheel
from lightship.wheels.needs import RULES, Need, read_elves, system_needs

if TYPE_CHECKING:
    from lightship.project.detect import Project
    from lightship.wheels.lock import LockedBuilder
    from lightship.wheels.model import LockedSdist


@dataclass(frozen=True, slots=True)
class SystemPackages:
    """The packages of an image for one platform, and which wheels asked for some of them.

    `warnings` and `notes` are for the person: what is not found, and what can only be guessed.
    """

    debs: tuple[LockedDeb, ...]
    libraries: tuple[LockedLibrary, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def add_libraries(
    base: Base,
    wheels: Collection[LockedWheel],
    machine: Machine,
    beside: Collection[LockedWheel] = (),
) -> SystemPackages:
    """Resolve a base's packages, and those whose shared libraries the wheels need and do not bring.

    Wheels `beside` them bring libraries, too; what those need is in the base already.

    Raises:
        ResolutionError: if a package cannot be satisfied.
        NetworkError, IntegrityError: if a wheel or the suite's Contents cannot be had or trusted.

    """
    present = {deb.name for deb in base.debs}.union(base.installed)
    names = {wheel.name for wheel in wheels}
    laid_out = _needs(_elves([*beside, *wheels], machine), base.platform, machine)
    needs = [need for need in laid_out if need.wheel in names and need.soname not in base.libraries]
    hints = hints_for(names)
    suite = base.suite if needs or hints else None
    if suite is None:
        return SystemPackages(base.debs, (), tuple(_unknown(needs)), ())
    providers = _providers(suite, {need.soname for need in needs}, present, machine)
    wanted = [need for need in needs if not is_optional(need.file)]
    libraries = tuple(_locked(wanted, providers, present))
    debs = base.with_packages({library.package for library in libraries})
    present = {deb.name for deb in debs}.union(base.installed)
    warnings = (
        *_unresolved(wanted, providers, suite),
        *_ambiguous(wanted, providers),
        *_unseen(hints, suite, present, base.libraries, machine),
    )
    return SystemPackages(debs, libraries, warnings, tuple(_optional(needs, providers, present)))


def built_for_libraries(
    project: Project,
    variant: str,
    base: Base,
    builder: LockedBuilder | None,
    sdists: Sequence[LockedSdist],
    machine: Machine,
) -> tuple[LockedWheel, ...]:
    """Build what has no wheel, if there is a builder for it; see `build_for_libraries`."""
    if builder is None:
        return ()
    from lightship.build.compiling import build_for_libraries, root_on

    return build_for_libraries(project, variant, builder, sdists, root_on(base, builder), machine)


def _needs(
    elves: Mapping[LockedWheel, Mapping[str, ElfInfo]], platform: Platform, machine: Machine
) -> tuple[Need, ...]:
    """Say what wheels need, as `system_needs`; remembered, for most changes add no wheel with libraries."""
    native = {wheel: infos for wheel, infos in elves.items() if infos}
    key = of_value(
        ["needs", __version__, RULES, str(platform), sorted((it.name, it.sha256) for it in native)]
    )
    memo = Memo(machine.home.cache / "elves")
    return memo.get_or_make(key, tuple[Need, ...], lambda: system_needs(native, platform))


def _providers(
    suite: Suite, sonames: Collection[str], present: Collection[str], machine: Machine
) -> Mapping[str, Provider]:
    """Choose packages, as `find_providers`; remembered, for that reads the whole of a suite's indexes."""
    indexes = [suite.digest, suite.contents.digest, str(suite.platform)]
    key = of_value(["providers", __version__, *indexes, sorted(sonames), sorted(present)])
    memo = Memo(machine.home.cache / "debian")
    return memo.get_or_make(key, dict[str, Provider], lambda: dict(find_providers(suite, sonames, present)))


def _elves(wheels: Collection[LockedWheel], machine: Machine) -> dict[LockedWheel, Mapping[str, ElfInfo]]:
    """Read every wheel's ELF files, each wheel once, ever."""
    memo = Memo(machine.home.cache / "elves")
    keys = {wheel: of_value(["elves", RULES, wheel.sha256]) for wheel in wheels}
    found: dict[LockedWheel, Mapping[str, ElfInfo]] = {
        wheel: elves
        for wheel, key in keys.items()
        if (elves := memo.get(key, dict[str, ElfInfo])) is not None
    }
    if len(found) < len(keys):
        found |= _read({wheel: key for wheel, key in keys.items() if wheel not in found}, memo, machine)
    return found


def _read(
    keys: Mapping[LockedWheel, Digest], memo: Memo, machine: Machine
) -> dict[LockedWheel, Mapping[str, ElfInfo]]:
    archives = machine.home.archives
    fetch_wheels(
        keys,
        transport=machine.transport,
        archives=archives,
        offline=machine.offline,
        reporter=machine.reporter,
    )
    sizes = {wheel: wheel_path(archives, wheel).stat().st_size for wheel in keys}
    with (
        machine.reporter.task("looking for shared libraries", sum(sizes.values())) as task,
        ThreadPoolExecutor(os.cpu_count() or 2) as pool,
    ):

        def read(wheel: LockedWheel) -> Mapping[str, ElfInfo]:
            elves = read_elves(wheel_path(archives, wheel), wheel, scratch=archives)
            memo.put(keys[wheel], elves)
            task.advance(sizes[wheel])
            return elves

        order = sorted(keys, key=lambda wheel: (-sizes[wheel], wheel))  # the longest first: it ends last
        return dict(zip(order, pool.map(read, order), strict=True))


def _locked(
    needs: Iterable[Need], providers: Mapping[str, Provider], present: Collection[str]
) -> Iterator[LockedLibrary]:
    """Give the first file of each wheel for each library that nothing else brings."""
    seen: set[tuple[str, str]] = set()
    for need in sorted(needs):
        package = providers[need.soname].package
        if package and package not in present and (need.soname, need.wheel) not in seen:
            seen.add((need.soname, need.wheel))
            yield LockedLibrary(package, need.soname, need.wheel, need.file)


def _unresolved(needs: Sequence[Need], providers: Mapping[str, Provider], suite: Suite) -> Iterator[str]:
    for soname, provider in sorted(providers.items()):
        asking = [need for need in needs if need.soname == soname]
        if provider.package or not asking:
            continue
        more = f" and {len(asking) - 1} more" if len(asking) > 1 else ""
        lies = (
            f"only where the loader does not look (in {_list(provider.others)})"
            if provider.others
            else f"in no package of Debian {suite.name} for {suite.platform}"
        )
        yield (
            f"{soname} is {lies}, and {asking[0].wheel} needs it ({asking[0].file}{more}): "
            "`lightship verify` shows whether the image can do without"
        )


def _ambiguous(needs: Sequence[Need], providers: Mapping[str, Provider]) -> Iterator[str]:
    asked = {need.soname for need in needs}
    for soname, provider in sorted(providers.items()):
        if provider.package and provider.others and soname in asked:
            yield (
                f"{soname} is in {provider.package} as in {_list(provider.others)}; the first is taken: "
                "to have another one, name it in `runtime-packages`"
            )


def _optional(
    needs: Sequence[Need], providers: Mapping[str, Provider], present: Collection[str]
) -> Iterator[str]:
    """Name packages that only parts need which are tried and done without; one line for each package."""
    first: dict[str, Need] = {}
    for need in needs:
        package = providers[need.soname].package
        if is_optional(need.file) and package and package not in present:
            first.setdefault(package, need)
    for package, need in sorted(first.items()):
        yield (
            f"{need.file} of {need.wheel}, which is tried and done without, needs {need.soname}: "
            f"add {package} to `runtime-packages` if the service uses it"
        )


def _unknown(needs: Iterable[Need]) -> Iterator[str]:
    """Say what a base lacks that no packages can join; once for each library."""
    first: dict[str, Need] = {}
    for need in needs:
        if not is_optional(need.file):
            first.setdefault(need.soname, need)
    for soname, need in sorted(first.items()):
        yield (
            f"{soname} is not in the base, and {need.wheel} needs it ({need.file}); Debian packages cannot "
            "join this base: take an image that has it"
        )


def _unseen(
    hints: Mapping[str, Hint],
    suite: Suite,
    present: Collection[str],
    there: Collection[str],
    machine: Machine,
) -> Iterator[str]:
    """Name packages for what is loaded with dlopen or started as a program (`dlopen.toml`)."""
    sonames = {name for hint in hints.values() for name in hint.libraries}
    programs = {f"usr/bin/{name}" for hint in hints.values() for name in hint.programs}
    libraries = _providers(suite, sonames, present, machine)
    owners = suite.contents.find_paths(programs)
    for name, hint in sorted(hints.items()):
        if hint.instead:
            yield f"{name} opens windows, and brings a display's libraries for it: {hint.instead} does not"
        for soname in hint.libraries:
            package = libraries[soname].package
            if package and package not in present and soname not in there:
                yield f"{name} loads {soname} with dlopen: add {package} to `runtime-packages`"
        for program in hint.programs:
            packages = [owner.package for owner in owners.get(f"usr/bin/{program}", ())]
            if packages and not any(package in present for package in packages):
                yield f"{name} runs {program}: add {packages[0]} to `runtime-packages`"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
