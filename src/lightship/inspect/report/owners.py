"""To whom each file of an image belongs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lightship.inspect.report.debs import Deb
from lightship.inspect.report.dists import PACKAGE_FOLDERS, Dist
from lightship.inspect.report.model import Group
from lightship.inspect.report.surface import Placed

_BYTECODE = re.compile(r"^(.*/)?__pycache__/([^/]+)\.[a-z]+-\d+(?:\.opt-\d)?\.pyc$")
_PYTHON_PACKAGE = re.compile(
    r"(?:lib)?python3(?:\.\d+)?(?:t64)?(?:-minimal|-stdlib|-dev|-venv|-distutils|-lib2to3)?"
)
_BESIDE_LIBRARY = (
    "bin/2to3",
    "bin/idle",
    "bin/pydoc",
    "bin/python",
    "lib/libpython",
    "lib/pkgconfig/python",
    "share/man/man1/python",
)
_LIBRARY = re.compile(r"^((?:.*/)?)lib/python(\d+\.\d+)/os\.py$")


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody whom files belong to; `place` is a folder of the image, absolute, where there is one."""

    id: str
    group: Group
    name: str
    version: str = ""
    summary: str = ""
    place: str = ""


@dataclass(slots=True)
class Ownership:
    """Owners by id, and the id of each file's owner by path."""

    owners: dict[str, Owner] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)

    def give(self, owner: Owner, paths: Iterable[str]) -> None:
        """Let an owner have those paths that are nobody's yet."""
        self.owners.setdefault(owner.id, owner)
        for path in paths:
            self.of.setdefault(path, owner.id)


def assign(
    files: Sequence[Placed], debs: Mapping[str, Deb], dists: Mapping[str, Dist], workdir: str
) -> Ownership:
    """Give every file an owner.

    Args:
        files: what can be seen.
        debs: Debian packages by the ids that they get.
        dists: Python distributions by the ids that they get.
        workdir: the image's working directory without its leading `/`; what no package has there is the
            application.

    """
    found = Ownership()
    paths = frozenset(placed.path for placed in files)
    for name, deb in debs.items():
        found.give(_debian(name, deb), deb.paths & paths)
    for name, dist in dists.items():
        found.give(_python(name, dist), dist.paths & paths)
    infos = {dist.info: found.owners[name] for name, dist in dists.items()}
    for path in paths:
        if path not in found.of and (owner := infos.get(posixpath.dirname(path))):
            found.give(owner, (path,))
    _give_bytecode(found, paths)
    for version, prefix in _runtimes(paths):
        place = f"/{prefix}".rstrip("/")
        owner = Owner(f"runtime:{place}", Group.RUNTIME, f"Python {version}", version, place=place)
        if own := [path for path in paths - found.of.keys() if _is_of_runtime(path, prefix, version)]:
            found.give(owner, own)
    for path in sorted(paths - found.of.keys()):
        found.give(_folder(path, workdir), (path,))
    return found


def _debian(identity: str, deb: Deb) -> Owner:
    group = Group.RUNTIME if _PYTHON_PACKAGE.fullmatch(deb.name) else Group.DEBIAN
    return Owner(identity, group, deb.name, deb.version, deb.summary)


def _python(identity: str, dist: Dist) -> Owner:
    return Owner(identity, Group.PYTHON, dist.name, dist.version, dist.summary, f"/{dist.folder}")


def _give_bytecode(found: Ownership, paths: frozenset[str]) -> None:
    """Give bytecode to whom its source belongs (PEP 3147)."""
    for path in paths - found.of.keys():
        if (source := source_of(path)) and source in found.of:
            found.of[path] = found.of[source]


def source_of(path: str) -> str:
    """Name the module that a file of `__pycache__` was compiled from; empty for any other file."""
    match = _BYTECODE.match(path)
    return f"{match[1] or ''}{match[2]}.py" if match else ""


def _runtimes(paths: frozenset[str]) -> list[tuple[str, str]]:
    """Find Pythons by their `os.py`: version and prefix, which ends with `/` or is empty."""
    found = (_LIBRARY.match(path) for path in paths)
    return sorted((match[2], match[1]) for match in found if match)


def _is_of_runtime(path: str, prefix: str, version: str) -> bool:
    if not path.startswith(prefix):
        return False
    inner = path.removeprefix(prefix)
    if inner.startswith(f"lib/python{version}/"):
        return inner.split("/")[2] not in PACKAGE_FOLDERS
    return inner.startswith((*_BESIDE_LIBRARY, f"include/python{version}"))


def _folder(path: str, workdir: str) -> Owner:
    """Make the owner of a path that no package has: a folder of the application, or one of the root's."""
    if workdir and path.startswith(f"{workdir}/"):
        inner = path.removeprefix(f"{workdir}/").split("/")
        name = posixpath.join(f"/{workdir}", *inner[:-1][:1])
        return Owner(f"application:{name}", Group.APPLICATION, name, place=name)
    name = "/" + "/".join(path.split("/")[:-1][:2])
    return Owner(f"unowned:{name}", Group.UNOWNED, name, place=name)
