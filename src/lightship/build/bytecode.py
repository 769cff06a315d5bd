"""Modules to `.pyc` files (PEP 552, unchecked hash), by the Python that will run them."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from lightship.errors import StageError
from lightship.fs.atomic import storage_error
from lightship.fs.entries import Entry, FileContent, Kind
from lightship.fs.tree import with_parents
from lightship.oci.unpack import remove_tree
from lightship.plan.bytecode import compiled_path
from lightship.platform import Platform

LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}


@dataclass(frozen=True, slots=True)
class Compiler:
    """A Python in a root of Debian packages, for this machine; `scratch` is a folder for what comes and goes.

    Its own loader starts it, with its own libraries: it needs no sandbox and nothing of the host. What it
    compiles is not run. One process compiles one layer, in the order of names: what marshal writes may depend
    on what else the process has in memory.
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
        try:
            self.scratch.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=self.scratch, prefix=".tmp-"))
        except OSError as error:
            raise storage_error(error, self.scratch) from error
        try:
            wanted = None if modules is None else frozenset(modules)
            sources = _write_sources(entries, wanted, folder)
            self._run([(f"{folder}/{n}.py", f"{folder}/{n}.pyc", f"/{path}") for n, path in sources])
            yield with_parents(self._results(sources, folder))
        finally:
            remove_tree(folder)

    def _run(self, jobs: list[tuple[str, str, str]]) -> None:
        library = f"{self.root}/usr/lib/{self.platform.multiarch}"
        loader = f"{library}/{LOADERS[self.platform.machine]}"
        python = f"{self.root}/usr/bin/python{self.python}"
        script = files("lightship.build").joinpath("compile_probe.py").read_text("utf-8")
        options = ("-S", "-s", "-P", "-B", "-W", "ignore", "-X", "utf8")
        try:
            subprocess.run(
                [loader, "--library-path", library, python, *options, "-c", script],
                input=json.dumps(jobs).encode(),
                capture_output=True,
                check=True,
                cwd="/",
                # The order of sets may depend on the seed, and marshal writes them in their order.
                env={"PYTHONHOME": f"{self.root}/usr", "PYTHONHASHSEED": "0"},
            )
        except (OSError, subprocess.CalledProcessError) as error:
            said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error).encode()
            raise StageError(
                f"Python {self.python} could not compile",
                where=python,
                hint='set bytecode = "none" in [tool.lightship] to go without',
                detail=said.decode("utf-8", "replace"),
            ) from error

    def _results(self, sources: list[tuple[int, str]], folder: Path) -> Iterator[Entry]:
        for number, path in sources:
            result = folder / f"{number}.pyc"
            if result.is_file():
                place = compiled_path(path, self.python)
                yield Entry(place, Kind.FILE, 0o644, FileContent(result, result.stat().st_size))


def _write_sources(
    entries: Iterable[Entry], wanted: frozenset[str] | None, folder: Path
) -> list[tuple[int, str]]:
    """Write the sources to numbered files, and give their numbers and paths, by path."""
    found: list[tuple[int, str]] = []
    for entry in entries:
        chosen = entry.path.endswith(".py") if wanted is None else entry.path in wanted
        if chosen and entry.content is not None:
            found.append((len(found), entry.path))
            with (folder / f"{found[-1][0]}.py").open("wb") as out:
                for chunk in entry.content.chunks():
                    out.write(chunk)
    return sorted(found, key=lambda item: item[1])
