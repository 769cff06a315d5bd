"""A start that is not recorded yet, as sources tell it: what is imported by what the application imports.

It is followed module by module, and only modules on the way are fetched. What is imported by other means than
statements is missed, and so is what requests import, which a recorded start has from the project's check.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lightship.fs.entries import Content, Entry
from lightship.inspect.oracle.gathers import Bring
from lightship.inspect.oracle.imports import Importing
from lightship.plan.model import EnvironmentLayer, Plan
from lightship.project.start import Start
from lightship.wheels.archive import Member
from lightship.wheels.environment import Environment

VERSION = 1
"""Part of every key under which such starts are remembered: raised when imports are followed otherwise."""
_WORKERS = 8
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_MAIN = "__main__"


@dataclass(frozen=True, slots=True)
class _Module:
    """A source; `package` is what its relative imports start at, `owner` the distribution, if any."""

    path: str
    owner: str
    content: Content
    package: tuple[str, ...]


@dataclass(slots=True)
class Modules:
    """The modules of an image by their names; of those that are `compiled`, nothing can be read.

    `on_demand` says of names of modules that were read what is imported when they are asked for.
    `site`, `library` and `workdir` are the folders that they are looked for in. `program` is the path of what
    is started, which may be a source itself.
    """

    site: str
    library: str
    workdir: str
    program: str
    sources: dict[str, _Module] = field(default_factory=dict)
    compiled: set[str] = field(default_factory=set)
    on_demand: dict[str, str] = field(default_factory=dict)

    def add(self, entries: Iterable[Entry], owner: str = "") -> None:
        roots = (self.site, f"{self.library}lib-dynload/", self.library, self.workdir)
        for entry in entries:
            if entry.content is None:
                continue
            if entry.path == self.program:
                self.sources[_MAIN] = _Module(entry.path, "", entry.content, ())
            elif root := next((root for root in roots if entry.path.startswith(root)), ""):
                self._add(_Module(entry.path, owner, entry.content, ()), entry.path[len(root) :])

    def _add(self, module: _Module, path: str) -> None:
        *folders, file = path.split("/")
        name, _, ending = file.partition(".")
        if ending == "py":
            parts = folders if name == "__init__" else [*folders, name]
            made = _Module(module.path, module.owner, module.content, tuple(folders))
            self.sources[".".join(parts)] = made
        elif ending.endswith("so"):
            self.compiled.add(".".join([*folders, name]))

    def is_there(self, name: str) -> bool:
        top = name.partition(".")[0]
        return name in self.sources or name in self.compiled or top in sys.stdlib_module_names

    def imported(self, name: str) -> Iterator[str]:
        """Name the sources that importing a module runs: those of its packages, and its own."""
        parts = name.split(".")
        names = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        yield from (name for name in names if name in self.sources)


def modules_of(plan: Plan) -> Modules:
    """Give the places of a plan's modules, whose base is a suite's; there are no modules yet."""
    (environment,) = (layer for layer in plan.layers if isinstance(layer, EnvironmentLayer))
    return Modules(
        site=f"{Environment(environment.prefix, environment.python).site_packages}/",
        library=f"usr/lib/python{environment.python}/",
        workdir=f"{environment.workdir.strip('/')}/",
        program=f"{environment.prefix}/bin/{posixpath.basename(next(iter(plan.execution.argv), ''))}",
    )


def guess_start(plan: Plan, python: str, modules: Modules, bring: Bring) -> Start | None:
    """Follow imports from the application's modules and the command; None where a module cannot be read.

    Raises:
        IntegrityError, NetworkError: what `bring` and reading modules raise.

    """
    words = [name for word in plan.execution.argv for name in _DOTTED.findall(word)]
    own = [name for name, module in modules.sources.items() if module.path.startswith(modules.workdir)]
    found = _follow(modules, [_MAIN, *own, *words], bring)
    if found is None:
        return None
    imported = sorted((modules.sources[name] for name in found), key=lambda module: module.path)
    paths: dict[str, list[str]] = {}
    for module in imported:
        root = modules.site if module.owner else modules.library
        if module.path.startswith(root):
            paths.setdefault(module.owner, []).append(module.path[len(root) :])
    return Start(
        python=python,
        distributions={wheel.name: wheel.version for wheel in sorted(plan.wheels)},
        standard_library=tuple(paths.pop("", ())),
        modules={owner: tuple(paths[owner]) for owner in sorted(paths)},
    )


def _follow(modules: Modules, names: Iterable[str], bring: Bring) -> set[str] | None:
    found: set[str] = set()
    asked = set(names)
    wave = {source for name in asked for source in modules.imported(name)}
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="imports") as pool:
        while wave:
            if not all(pool.map(bring, _by_wheel(modules, wave))):
                return None
            found |= wave
            asked.update(name for source in wave for name in _names(modules, source))
            named = _with_demanded(modules, asked)
            wave = {source for name in named for source in modules.imported(name)} - found
    return found


def _with_demanded(modules: Modules, asked: set[str]) -> set[str]:
    """Add what is imported because it is asked for, which may be another name of that kind."""
    while more := {modules.on_demand[name] for name in asked & modules.on_demand.keys()} - asked:
        asked |= more
    return asked


def _by_wheel(modules: Modules, names: Iterable[str]) -> list[list[Member]]:
    """Sort what must be fetched by wheels: each is read in one thread."""
    wheels: dict[int, list[Member]] = {}
    for name in names:
        content = modules.sources[name].content
        if isinstance(content, Member):
            wheels.setdefault(id(content.handle), []).append(content)
    return list(wheels.values())


def _names(modules: Modules, source: str) -> list[str]:
    module = modules.sources[source]
    own = module.path.startswith(modules.workdir)
    reading = Importing(module.package, modules.is_there, everywhere=own)
    text = b"".join(module.content.chunks())
    modules.on_demand |= {f"{source}.{name}": place for name, place in reading.on_demand(text).items()}
    return reading.names(text)
