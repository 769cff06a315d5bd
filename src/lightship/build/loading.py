"""Proof that stripped libraries load: each is loaded in the image, and one that fails, as it was before."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec.structs import replace

from lightship.build.home import Home
from lightship.build.sandbox import RunRequest, Sandbox, Volume
from lightship.build.steps import Inputs, layer_entries
from lightship.build.written import archive_path, written_paths
from lightship.errors import StageError
from lightship.oci.model import Execution
from lightship.plan.model import WheelsLayer
from lightship.slim import is_library

_PLACE = "/run/lightship"


@dataclass(frozen=True, slots=True)
class Loading:
    """An unpacked image with stripped layers, whose libraries are to be loaded by its `python`."""

    layers: Collection[WheelsLayer]
    root: Path
    execution: Execution
    python: str
    sandbox: Sandbox
    home: Home

    def prove(self) -> int:
        """Load every library of a wheel; give their number.

        What does not load before it is stripped either is no fault: it waits for a driver, or for a library
        that the service loads first.

        Raises:
            StageError: if stripping broke one.

        """
        paths = [path for layer in self.layers for path in self._libraries(layer)]
        failing = self._failing(paths, ())
        if failing:
            with tempfile.TemporaryDirectory(dir=self.home.cache) as folder:
                originals = dict(self._originals(frozenset(failing), Path(folder)))
                volumes = [Volume(where, f"/{path}", read_only=True) for path, where in originals.items()]
                broken = sorted(set(failing) - set(self._failing(failing, volumes)))
            if broken:
                raise StageError(
                    f"stripping broke {', '.join(broken)}",
                    hint="set strip = false in [tool.lightship], and tell the makers of Lightship",
                )
        return len(paths)

    def _libraries(self, layer: WheelsLayer) -> Iterator[str]:
        for wheel in layer.wheels:
            for path in written_paths(layer, wheel, self.home):
                if is_library(path) and (self.root / path).is_file():
                    yield path

    def _failing(self, paths: Sequence[str], volumes: Sequence[Volume]) -> list[str]:
        script = files("lightship.build").joinpath("load_probe.py").read_text("utf-8")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing, tempfile.TemporaryFile() as log:
            listing.writelines(f"/{path}\n" for path in paths)
            listing.flush()
            listed = Volume(Path(listing.name), f"{_PLACE}/libraries", read_only=True)
            argv = (self.python, "-S", "-P", "-c", script, listed.container)
            request = RunRequest(self.root, self.execution, argv, volumes=(*volumes, listed), network=False)
            running = self.sandbox.start(request, stdout=subprocess.PIPE, stderr=log)
            with running.output as stream:
                answer = stream.read()
            if running.wait():
                log.seek(0)
                raise StageError("libraries could not be tried", detail=log.read().decode("utf-8", "replace"))
        return [path.removeprefix("/") for path in msgspec.json.decode(answer, type=list[str])]

    def _originals(self, wanted: frozenset[str], folder: Path) -> Iterator[tuple[str, Path]]:
        for layer in self.layers:
            whole = replace(layer, strip=False)
            archives = {wheel.sha256: archive_path(self.home, wheel.sha256) for wheel in layer.wheels}
            with layer_entries(whole, Inputs(archives, folder)) as entries:
                for entry in entries:
                    if entry.path in wanted and entry.content is not None:
                        where = folder / str(len(list(folder.iterdir())))
                        _write(where, entry.content.chunks())
                        yield entry.path, where


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with path.open("wb") as out:
        out.writelines(chunks)
