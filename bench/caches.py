"""What the layer cache saves: an empty machine builds and pushes from a registry that has the layers."""

from __future__ import annotations

import shutil

from bench.harness import BENCH, Row, lightship, megabytes, seconds
from bench.wire import metered_registry

PROJECT, EMPTY = BENCH / "project" / "pharmabot", BENCH / "empty-machine"
RUNS = 5


def cache_rows() -> list[Row]:
    """Fill a cache from the usual home, then build with nothing but the project, its lock and its record."""
    with metered_registry() as meter:
        names = f"127.0.0.1:{meter.port}/team"
        filled = lightship(
            *("build", PROJECT, "--locked", "--push", f"{names}/first:1", "--cache-to", f"{names}/cache")
        )
        times, moved = [], []
        for number in range(RUNS):
            shutil.rmtree(EMPTY, ignore_errors=True)
            before = meter.moved
            options = ("--push", f"{names}/service-{number}:1", "--cache-from", f"{names}/cache")
            run = lightship("build", PROJECT, "--locked", *options, environ={"LIGHTSHIP_HOME": str(EMPTY)})
            times.append(run.seconds)
            moved.append(meter.moved - before)
    shutil.rmtree(EMPTY)
    return [
        ("cpu, first push, and the layer cache filled", seconds([filled.seconds]), ""),
        ("cpu, empty machine, layers cached: built and pushed", seconds(times), "< 2 s"),
        ("  bytes sent and received in all", megabytes(max(moved)), "< 1 MB"),
    ]
