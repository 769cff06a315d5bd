"""What asking about an image in a registry moves, on a machine that has never seen it.

The example's variant `none` in two releases, of which the second changed the application: as it is, with a
scan beside it, with a bill of materials beside it, and as eStargz.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

from bench.engines import append
from bench.harness import BENCH, Row, copy_example, lightship, megabytes
from bench.wire import Meter, metered_registry

FOLDER = BENCH / "remotes"
PROJECT, ASKING = FOLDER / "pharmabot", FOLDER / "home"
WAYS = {
    "as it is": (),
    "with a scan": ("--attest", "scan"),
    "with an SBOM": ("--attest", "cyclonedx"),
    "eStargz": ("--format", "estargz"),
}
COMMANDS = ("inspect", "diff", "sbom")


def remote_rows() -> list[Row]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    copy_example(PROJECT)
    with metered_registry() as meter:
        for release in (1, 2):
            for number, options in enumerate(WAYS.values()):
                name = f"127.0.0.1:{meter.port}/way-{number}:{release}"
                lightship("build", PROJECT, "--variant", "none", "--quiet", "--push", name, *options)
            append(PROJECT / "app" / "main.py", "# changed")
        return list(_rows(meter))


def _rows(meter: Meter) -> Iterator[Row]:
    for command in COMMANDS:
        for number, way in enumerate(WAYS):
            if (command == "sbom") or way != "with an SBOM":
                moved, seconds = _asked(meter, command, number)
                title = f"{command} of the variant none, {way}"
                yield (title, f"{megabytes(moved)}, {seconds:.1f} s", "")
        yield from _again(meter, command)


def _asked(meter: Meter, command: str, number: int, *options: str) -> tuple[int, float]:
    """Ask from an empty home; gives bytes in both directions, and seconds."""
    shutil.rmtree(ASKING, ignore_errors=True)
    return _run(meter, command, number, *options)


def _run(meter: Meter, command: str, number: int, *options: str) -> tuple[int, float]:
    names = [f"127.0.0.1:{meter.port}/way-{number}:{release}" for release in (1, 2)]
    before, started = meter.moved, time.perf_counter()
    asked = names if command == "diff" else names[:1]
    lightship(command, *asked, "--json", *options, environ={"LIGHTSHIP_HOME": str(ASKING)})
    return meter.moved - before, time.perf_counter() - started


def _again(meter: Meter, command: str) -> Iterator[Row]:
    _asked(meter, command, 0, "--full")
    moved, seconds = _run(meter, command, 0)
    yield ("  again, where its layers are known", f"{megabytes(moved)}, {seconds:.1f} s", "")
