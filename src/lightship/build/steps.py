"""One function for each kind of layer: from locked archives and files to entries."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct, field

from lightship.build.bytecode import Compiler
from lightship.debs.model import LockedDeb
from lightship.debs.trim import base_trimmer
from lightship.digest import Digest, hex_of, parse_digest
from lightship.errors import StageError
from lightship.fs.entries import Entry, FileContent, Kind, directory, regular, symlink
from lightship.fs.tree import with_parents
from lightship.plan.model import (
    BaseLayer,
    BytecodeLayer,
    EnvironmentLayer,
    FilesLayer,
    MadeLayer,
    PackagesLayer,
    ToolsLayer,
    WheelsLayer,
)
from lightship.plan.stages import StageLayer
from lightship.platform import Platform
from lightship.project.sources import SourceFile


class Inputs(Struct, frozen=True):
    """Where the bytes are: archives by SHA-256 (hexadecimal), and the project's folder.

    `outputs` has the roots of stages and images, by the digests of their origins; `compiler` is there where
    bytecode is to be made.
    """

    archives: Mapping[str, Path]
    folder: Path
    outputs: Mapping[Digest, Path] = field(default_factory=dict)
    compiler: Compiler | None = None


@contextmanager
def layer_entries(layer: MadeLayer, inputs: Inputs) -> Iterator[Iterator[Entry]]:
    """Open what a layer is made from, and give its entries while the block lasts."""
    with ExitStack() as stack:
        match layer:
            case PackagesLayer():
                yield _packages(layer, inputs)
            case BaseLayer():
                yield _base(layer, inputs)
            case ToolsLayer():
                yield _tools(layer, inputs)
            case EnvironmentLayer():
                yield _environment(layer)
            case WheelsLayer():
                from lightship.build.installing import install_wheels  # for changed sources not needed

                yield install_wheels(layer, inputs.archives, stack)
            case StageLayer():
                yield _stage(layer, inputs)
            case FilesLayer():
                yield _files(layer, inputs)
            case BytecodeLayer():
                assert inputs.compiler is not None  # noqa: S101 - the pipeline's own promise
                sources = stack.enter_context(layer_entries(layer.of, inputs))
                yield stack.enter_context(inputs.compiler.compiled(sources, layer.modules))


def _base(layer: BaseLayer, inputs: Inputs) -> Iterator[Entry]:
    from lightship.debs.base import base_entries

    pairs = [(package, inputs.archives[package.sha256]) for package in layer.packages]
    return base_entries(pairs, platform=Platform(layer.architecture), trimmed_by=base_trimmer(layer.trim))


def _tools(layer: ToolsLayer, inputs: Inputs) -> Iterator[Entry]:
    from lightship.debs.ldcache import Library
    from lightship.debs.tools import BaseTree, tools_entries

    cached = None if layer.cached is None else [Library(*item) for item in layer.cached]

    def tree(packages: tuple[LockedDeb, ...], trim: tuple[str, ...]) -> BaseTree:
        pairs = [(package, inputs.archives[package.sha256]) for package in packages]
        return BaseTree(pairs, Platform(layer.architecture), base_trimmer(trim), cached)

    return tools_entries(
        tree(layer.below, layer.trim_below), tree((*layer.below, *layer.packages), layer.trim)
    )


def _packages(layer: PackagesLayer, inputs: Inputs) -> Iterator[Entry]:
    from lightship.debs.base import added_entries
    from lightship.debs.ldcache import Library

    return added_entries(
        [(package, inputs.archives[package.sha256]) for package in layer.packages],
        platform=Platform(layer.architecture),
        trimmed_by=base_trimmer(layer.trim),
        cached=[Library(*item) for item in layer.cached],
    )


def _environment(layer: EnvironmentLayer) -> Iterator[Entry]:
    """Lay out a virtual environment without distributions, and the user."""
    from lightship.debs.accounts import GROUPS, USERS

    account = f"{layer.user}:x:{layer.uid}:{layer.gid}::/nonexistent:/usr/sbin/nologin\n"
    workdir = layer.workdir.strip("/")
    yield from with_parents(
        [
            regular("etc/group", ((layer.groups or GROUPS) + f"{layer.user}:x:{layer.gid}:\n").encode()),
            regular("etc/passwd", ((layer.users or USERS) + account).encode()),
            *virtual_environment(layer.prefix, layer.python, layer.interpreter),
            *([directory(workdir)] if workdir else []),
        ]
    )


def virtual_environment(prefix: str, python: str, interpreter: str = "") -> Iterator[Entry]:
    """Lay out what `python -m venv --without-pip` makes; of Debian's Python where no interpreter is named."""
    program = interpreter or f"/usr/bin/python{python}"
    settings = (
        f"home = {posixpath.dirname(program)}\ninclude-system-site-packages = false\nversion = {python}\n"
    )
    yield symlink(f"{prefix}/bin/python", program)
    yield symlink(f"{prefix}/bin/python3", "python")
    yield symlink(f"{prefix}/bin/python{python}", "python")
    yield regular(f"{prefix}/pyvenv.cfg", settings.encode())


def _stage(layer: StageLayer, inputs: Inputs) -> Iterator[Entry]:
    from lightship.build.outputs import output_entries

    root = inputs.outputs[layer.origin.digest]
    copied = (output_entries(root, path, place, layer.origin) for path, place in layer.copies)
    # What two of them write is there once; the later one wins, as with `COPY`.
    return with_parents({entry.path: entry for entries in copied for entry in entries}.values())


def _files(layer: FilesLayer, inputs: Inputs) -> Iterator[Entry]:
    root = layer.workdir.strip("/")
    return with_parents(_file(file, posixpath.join(root, file.path), inputs.folder) for file in layer.files)


def _file(file: SourceFile, path: str, folder: Path) -> Entry:
    if file.link:
        return symlink(path, file.link)
    content = Unchanged(folder / file.path, file.size, sha256=hex_of(parse_digest(file.digest)))
    return Entry(path, Kind.FILE, 0o755 if file.executable else 0o644, content)


class Unchanged(FileContent, frozen=True):
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
