"""Modules to `.pyc` files (PEP 552, unchecked hash), by the Python that will run them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from lightship.errors import StageError
from lightship.fs.atomic import unlinked
from lightship.fs.entries import Entry, Kind
from lightship.fs.tree import with_parents
from lightship.plan.bytecode import compiled_path
from lightship.platform import Platform

LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
_SCRIPT = Path(__file__).with_name("compile_probe.py")
_LENGTH = 4
"""Bytes of the number before whatever passes between us and the script."""


class Compiler(Struct, frozen=True):
    """A Python in a root of Debian packages, for this machine; `scratch` is a folder for what comes and goes.

    Its own loader starts it, with its own libraries: it needs no sandbox and nothing of the host. What it
    compiles is not run. One process compiles one layer, while we still read its sources. No module's bytecode
    depends on their order, or on what else is compiled.
    """

    root: Path
    platform: Platform
    python: str
    scratch: Path

    @contextmanager
    def compiled(
        self, entries: Iterable[Entry], modules: Collection[str] | None
    ) -> Iterator[Iterator[Entry]]:
        """Give the `.pyc` files of those entries that are named in `modules` (of all, if None).

        Raises:
            StageError: if the compiler does not run, or the disk is full.

        """
        wanted = None if modules is None else frozenset(modules)
        with unlinked(self.scratch) as results, unlinked(self.scratch) as complaints:
            with self._running(results, complaints) as process:
                paths = _send_all(_sources(entries, wanted), process)
            if process.returncode:
                complaints.seek(0)
                raise self._failed(complaints.read().decode("utf-8", "replace"))
            yield with_parents(self._results(paths, results))

    def _running(self, results: BinaryIO, complaints: BinaryIO) -> subprocess.Popen[bytes]:
        library = f"{self.root}/usr/lib/{self.platform.multiarch}"
        loader = f"{library}/{LOADERS[self.platform.machine]}"
        options = ("-S", "-s", "-P", "-B", "-X", "utf8")
        try:
            return subprocess.Popen(
                [loader, "--library-path", library, self._program, *options, str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=results,
                stderr=complaints,
                cwd="/",
                # The order of sets may depend on the seed, and marshal writes them in their order.
                env={"PYTHONHOME": f"{self.root}/usr", "PYTHONHASHSEED": "0"},
            )
        except OSError as error:
            raise self._failed(str(error)) from error

    def _results(self, paths: Sequence[str], results: BinaryIO) -> Iterator[Entry]:
        """Give what is in the results, which are in the order of `paths`, by path."""
        found: dict[str, _Part] = {}
        offset = 0
        for path in paths:
            length = int.from_bytes(os.pread(results.fileno(), _LENGTH, offset), "little")
            offset += _LENGTH
            if length:
                found[compiled_path(path, self.python)] = _Part(results, length, offset)
            offset += length
        for place, part in sorted(found.items()):
            yield Entry(place, Kind.FILE, 0o644, part)

    def _failed(self, said: str) -> StageError:
        return StageError(
            f"Python {self.python} could not compile",
            where=self._program,
            hint='set bytecode = "none" in [tool.lightship] to go without',
            detail=said,
        )

    @property
    def _program(self) -> str:
        return f"{self.root}/usr/bin/python{self.python}"


class _Part(Struct, frozen=True):
    """Bytes of an open file, few enough to be read at once."""

    file: BinaryIO
    size: int
    offset: int

    def chunks(self) -> Iterator[bytes]:
        yield os.pread(self.file.fileno(), self.size, self.offset)


def _sources(entries: Iterable[Entry], wanted: frozenset[str] | None) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        chosen = entry.path.endswith(".py") if wanted is None else entry.path in wanted
        if chosen and entry.content is not None:
            yield entry.path, b"".join(entry.content.chunks())


def _send_all(sources: Iterable[tuple[str, bytes]], process: subprocess.Popen[bytes]) -> list[str]:
    """Give sources to the script, as far as it takes them, and list their paths."""
    assert process.stdin is not None  # noqa: S101 - a pipe
    paths = []
    try:
        with suppress(BrokenPipeError), process.stdin as stream:  # what ends early says why
            for path, source in sources:
                paths.append(path)
                for part in (f"/{path}".encode("utf-8", "surrogatepass"), source):
                    stream.write(len(part).to_bytes(_LENGTH, "little"))
                    stream.write(part)
    except BaseException:
        process.kill()
        raise
    return paths
