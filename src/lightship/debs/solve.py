"""The closure of a set of packages: everything that Depends and Pre-Depends ask for, and nothing else."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from lightship.debs.index import Package, PackageIndex
from lightship.debs.model import InstalledDeb, LockedDeb
from lightship.debs.relations import Alternatives, Relation
from lightship.debs.unneeded import is_unneeded
from lightship.errors import ResolutionError

_PRIORITIES = ("required", "important", "standard", "optional", "extra")


def solve(
    index: PackageIndex, names: Iterable[str], *, architecture: str, installed: Iterable[InstalledDeb] = ()
) -> tuple[Package, ...]:
    """Choose packages that satisfy each other, sorted by name; the same for any order of `names`.

    As apt does, it takes the newest version that will do; an alternative that is chosen already, else the
    first that exists and excludes nothing chosen; and never goes back on a choice. Recommends are not
    followed, and dependencies of `debs.unneeded` are cut. What is `installed` already counts as chosen, and
    is not in the answer.

    Raises:
        ResolutionError: if a name or dependency cannot be satisfied, or two packages exclude each other;
            `detail` is the chain of who wanted it.

    """
    there = {package.name: _as_package(package) for package in installed}
    solver = _Solver(index, architecture, frozenset(there), dict(there))
    for name in sorted(set(names), key=lambda name: (not index.candidates(name), name)):
        solver.ask(name)
    solver.run()
    chosen = tuple(solver.chosen[name] for name in sorted(solver.chosen))
    _check_conflicts(chosen, solver)
    return tuple(package for package in chosen if package.name not in there)


def _as_package(installed: InstalledDeb) -> Package:
    deb = LockedDeb(installed.name, installed.version, installed.architecture, path="", size=0, sha256="")
    return Package(deb, provides=tuple(Relation(name, "=", version) for name, version in installed.provides))


@dataclass(slots=True)
class _Solver:
    index: PackageIndex
    architecture: str
    installed: frozenset[str]
    chosen: dict[str, Package] = field(default_factory=dict)
    wanted_by: dict[str, str] = field(default_factory=dict)
    queue: deque[Package] = field(default_factory=deque)
    open: deque[tuple[Package, Alternatives]] = field(default_factory=deque)

    def ask(self, name: str) -> None:
        """Choose a package that the user named, real or, where there is no such package, virtual."""
        options = self.index.candidates(name) or self._options((Relation(name),))
        if options and (options[0].name == name or not self._is_met((Relation(name),))):
            self._choose(options[0], "")
        elif not self._is_met((Relation(name),)):
            raise _unknown(name, self.index)

    def run(self) -> None:
        """Follow what leaves no choice first, so that alternatives find more chosen already."""
        while self.queue or self.open:
            while self.queue:
                self._follow(self.queue.popleft())
            if self.open:
                wanter, group = self.open.popleft()
                if not self._is_met(group):
                    self._choose(self._require(wanter, group)[0], wanter.name)

    def chain(self, name: str) -> str:
        """Say who wanted a package, up to the one that was asked for."""
        links = [name]
        while links[-1] in self.wanted_by and self.wanted_by[links[-1]] not in ("", *links):
            links.append(self.wanted_by[links[-1]])
        return " ← ".join(links)

    def _follow(self, package: Package) -> None:
        for group in package.depends:
            if is_unneeded(package.name, group) or self._is_met(group):
                continue
            options = self._require(package, group)
            if len(options) == 1:
                self._choose(options[0], package.name)
            else:
                self.open.append((package, group))

    def _choose(self, package: Package, wanter: str) -> None:
        if package.name in self.chosen:
            return
        self.chosen[package.name] = package
        self.wanted_by[package.name] = wanter
        self.queue.append(package)

    def _is_met(self, group: Alternatives) -> bool:
        return any(
            relation.admits(version)
            for relation in self._native(group)
            for package in self.chosen.values()
            for version in package.provided(relation.name)
        )

    def _options(self, group: Alternatives) -> list[Package]:
        """Packages that satisfy the group, the best first, one per name."""
        found: dict[str, Package] = {}
        for relation in self._native(group):
            for package in self._satisfying(relation):
                if package.name not in self.chosen:
                    found.setdefault(package.name, package)
        chosen = tuple(self.chosen.values())
        return sorted(found.values(), key=lambda package: any(_clash(package, other) for other in chosen))

    def _native(self, group: Alternatives) -> list[Relation]:
        return [relation for relation in group if relation.architecture in ("", self.architecture)]

    def _require(self, package: Package, group: Alternatives) -> list[Package]:
        options = self._options(group)
        if not options:
            raise self._unmet(package, group)
        return options

    def _satisfying(self, relation: Relation) -> list[Package]:
        real = [each for each in self.index.candidates(relation.name) if relation.admits(each.version)]
        virtual = [
            package
            for package in self.index.providers(relation.name)
            if package.name != relation.name
            and any(relation.admits(version) for version in package.provided(relation.name))
        ]
        return real[:1] + sorted(virtual, key=lambda package: (_rank(package), package.name))

    def _unmet(self, package: Package, group: Alternatives) -> ResolutionError:
        text = " | ".join(map(str, group))
        for relation in group:
            if relation.name in self.installed:
                raise self._outdated(package, group, self.chosen[relation.name])
        there = [each for relation in group for each in self.index.candidates(relation.name)[:1]]
        offers = ", ".join(f"{each.name} {each.version}" for each in there)
        return ResolutionError(
            f"nothing satisfies {text}, which {package.name} {package.version} needs",
            hint=f"the archive offers {offers}" if offers else "check the suite and the mirror's components",
            detail=f"needed by {self.chain(package.name)}",
        )

    def _outdated(self, package: Package, group: Alternatives, there: Package) -> ResolutionError:
        return ResolutionError(
            f"{package.name} {package.version} needs {' | '.join(map(str, group))}, "
            f"and the base has {there.name} {there.version}",
            hint="take a newer image as base",
            detail=f"needed by {self.chain(package.name)}",
        )


def _rank(package: Package) -> int:
    return _PRIORITIES.index(package.priority) if package.priority in _PRIORITIES else len(_PRIORITIES)


def _clash(one: Package, other: Package) -> bool:
    return _excludes(one, other) or _excludes(other, one)


def _excludes(one: Package, other: Package) -> bool:
    """Conflicts and Breaks; a package never excludes itself, so it may provide what it conflicts with."""
    return one.name != other.name and any(
        relation.admits(version) for relation in one.conflicts for version in other.provided(relation.name)
    )


def _check_conflicts(chosen: tuple[Package, ...], solver: _Solver) -> None:
    for one in chosen:
        for other in chosen if one.conflicts else ():
            if _excludes(one, other):
                raise ResolutionError(
                    f"{one.name} {one.version} and {other.name} {other.version} exclude each other",
                    hint="leave one of them out of the packages that you ask for",
                    detail=f"needed by {solver.chain(one.name)}, and by {solver.chain(other.name)}",
                )


def _unknown(name: str, index: PackageIndex) -> ResolutionError:
    near = difflib.get_close_matches(name, {each for each in index.names() if each[:2] == name[:2]}, n=3)
    return ResolutionError(
        f"the archive has no package {name!r}",
        hint=f"did you mean {' or '.join(near)}?" if near else "check its name and the suite",
    )
