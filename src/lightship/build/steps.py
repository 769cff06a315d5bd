"""One function for each kind of layer: from locked archives and files to entries."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.debs.trim import base_trimmer
from lightship.digest import hex_of, parse_digest
from lightship.errors import StageError
from lightship.fs.entries import Entry, FileContent, Kind, directory, regular, symlink
from lightship.fs.tree import with_parents
from lightship.plan.model import BaseLayer, EnvironmentLayer, FilesLayer, LayerPlan, ToolsLayer, WheelsLayer
from lightship.platform import Platform
from lightship.project.sources import SourceFile
from lightship.wheels.archive import open_wheel
from lightship.wheels.environment import Environment
from lightship.wheels.install import installed
from lightship.wheels.trim import wheel_trimmer


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the bytes are: archives by SHA-256 (hexadecimal), and the project's folder."""

    archives: Mapping[str, Path]
    folder: Path


@contextmanager
def layer_entries(layer: LayerPlan, inputs: Inputs) -> Iterator[Iterator[Entry]]:
    """Open what a layer is made from, and give its entries while the block lasts."""
    with ExitStack() as stack:
        match layer:
            case BaseLayer():
                yield _base(layer, inputs)
            case ToolsLayer():
                yield _tools(layer, inputs)
            case EnvironmentLayer():
                yield _environment(layer)
            case WheelsLayer():
                yield _wheels(layer, inputs, stack)
            case FilesLayer():
                yield _files(layer, inputs)


def _base(layer: BaseLayer, inputs: Inputs) -> Iterator[Entry]:
    from lightship.debs.base import base_entries

    pairs = [(package, inputs.archives[package.sha256]) for package in layer.packages]
    return base_entries(pairs, platform=Platform(layer.architecture), trimmed_by=base_trimmer(layer.trim))


def _tools(layer: ToolsLayer, inputs: Inputs) -> Iterator[Entry]:
    from lightship.debs.tools import BaseTree, tools_entries

    def tree(packages: tuple[LockedDeb, ...], trim: tuple[str, ...]) -> BaseTree:
        pairs = [(package, inputs.archives[package.sha256]) for package in packages]
        return BaseTree(pairs, Platform(layer.architecture), base_trimmer(trim))

    return tools_entries(
        tree(layer.below, layer.trim_below), tree((*layer.below, *layer.packages), layer.trim)
    )


def _environment(layer: EnvironmentLayer) -> Iterator[Entry]:
    """Lay out what `python -m venv --without-pip` makes, and the user."""
    from lightship.debs.accounts import GROUPS, USERS

    python = f"/usr/bin/python{layer.python}"
    settings = f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {layer.python}\n"
    account = f"{layer.user}:x:{layer.uid}:{layer.gid}::/nonexistent:/usr/sbin/nologin\n"
    workdir = layer.workdir.strip("/")
    yield from with_parents(
        [
            regular("etc/group", (GROUPS + f"{layer.user}:x:{layer.gid}:\n").encode()),
            regular("etc/passwd", (USERS + account).encode()),
            symlink(f"{layer.prefix}/bin/python", python),
            symlink(f"{layer.prefix}/bin/python3", "python"),
            symlink(f"{layer.prefix}/bin/python{layer.python}", "python"),
            regular(f"{layer.prefix}/pyvenv.cfg", settings.encode()),
            *([directory(workdir)] if workdir else []),
        ]
    )


def _wheels(layer: WheelsLayer, inputs: Inputs, stack: ExitStack) -> Iterator[Entry]:
    environment = Environment(layer.prefix, layer.python)
    opened = []
    for wheel in layer.wheels:
        stream = stack.enter_context(inputs.archives[wheel.sha256].open("rb"))
        opened.append((open_wheel(stream, name=wheel.filename), wheel))
    streams = [
        list(installed(archive, wheel, environment, wheel_trimmer(layer.trim, wheel.name)))
        for archive, wheel in opened
    ]
    last = {entry.path: number for number, entries in enumerate(streams) for entry in entries}
    kept = (
        entry
        for number, entries in enumerate(streams)
        for entry in {entry.path: entry for entry in entries}.values()
        if last[entry.path] == number
    )
    return with_parents(kept)


def _files(layer: FilesLayer, inputs: Inputs) -> Iterator[Entry]:
    root = layer.workdir.strip("/")
    return with_parents(_file(file, posixpath.join(root, file.path), inputs.folder) for file in layer.files)


def _file(file: SourceFile, path: str, folder: Path) -> Entry:
    if file.link:
        return symlink(path, file.link)
    content = Unchanged(folder / file.path, file.size, sha256=hex_of(parse_digest(file.digest)))
    return Entry(path, Kind.FILE, 0o755 if file.executable else 0o644, content)


@dataclass(frozen=True, slots=True)
class Unchanged(FileContent):
    """A project's file that must still be what it was when the plan was made."""

    sha256: str = ""

    def chunks(self) -> Iterator[bytes]:
        state = hashlib.sha256()
        for chunk in FileContent.chunks(self):
            state.update(chunk)
            yield chunk
        if state.hexdigest() != self.sha256:
            raise StageError(
                "the file changed while the image was built", where=str(self.path), hint="run it again"
            )
