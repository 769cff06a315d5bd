"""What Lightship costs, in seconds and bytes, beside other ways in the same run. Run it with `make bench`.

`python -m bench.run PART ...` runs some parts alone, by the names of their functions without `_rows`.

Figures are medians; a ratio is the median of ratios of runs taken in turn, so it holds when the machine's
speed drifts. Everything lies under `.bench/`, and archives stay there: every figure is for fetched archives.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from bench.builders import builder_rows
from bench.caches import cache_rows
from bench.empty import empty_rows
from bench.engines import engine_rows
from bench.fleet import fleet_rows
from bench.harness import (
    BENCH,
    HOME,
    Row,
    Run,
    copy_example,
    forget_layers,
    lightship,
    megabytes,
    ratio,
    repeat,
    seconds,
    show,
)
from bench.inspections import inspection_rows
from bench.pushes import push_rows
from bench.remotes import remote_rows
from bench.sizes import size_rows
from bench.starts import start_rows

WHOLE, PROJECT = BENCH / "whole" / "pharmabot", BENCH / "project" / "pharmabot"
"""The example with nothing left out and nothing compiled, for like to meet like; and as it is."""
PROJECT_LOCK = PROJECT / "pylock.cpu.toml"
ADDED = "python-slugify"
RUNS, SLOW_RUNS = 7, 3


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that servers, mounts, links are let go
    parts = {_name(part): part for part in PARTS}
    wanted = sys.argv[1:] or list(parts)
    if unknown := set(wanted) - set(parts):
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(parts)}")
    copy_example(WHOLE, trim='"none"', strip="false", bytecode='"none"')
    copy_example(PROJECT)
    show([("what", "measured", "bar")])
    for name in wanted:
        show(parts[name]())


def _name(part: Callable[[], list[Row]]) -> str:
    return part.__name__.removesuffix("s").removesuffix("_row")


def cold_rows() -> list[Row]:
    """From fetched archives to a finished layout, and the same wheels by unzip, tar and gzip -6."""
    whole, default, ratios, memory = [], [], [], []
    for _ in range(SLOW_RUNS):
        forget_layers()
        run = lightship("build", WHOLE, "--offline")
        by_hand = unzip_tar_gzip()
        whole.append(run.seconds)
        memory.append(run.memory)
        ratios.append(by_hand / run.seconds)
        forget_layers()
        default.append(lightship("build", PROJECT, "--offline").seconds)
    return [
        ("cpu, wheels whole, nothing built → finished layout", seconds(whole), "< 10 s"),
        ("  unzip, tar, gzip -6 of its wheels takes times as long", ratio(ratios), "≥ 8 x"),
        ("  peak memory", megabytes(max(memory)), "< 300 MB"),
        ("  as it is: trimmed, stripped, with bytecode", seconds(default), ""),
    ]


def added_rows() -> list[Row]:
    """One small requirement more: its lock made beforehand, and within the command; archives are fetched."""
    before, after = PROJECT_LOCK.read_bytes(), b""
    requirements = PROJECT / "requirements-base.txt"
    original = requirements.read_text()

    def back() -> None:
        requirements.write_text(original)
        PROJECT_LOCK.write_bytes(before)
        lightship("build", PROJECT, "--offline")

    def added(*options: str) -> Run:
        forget_layers()
        back()
        requirements.write_text(f"{original}{ADDED}\n")
        if after:
            PROJECT_LOCK.write_bytes(after)
        return lightship("build", PROJECT, "--json", *options)

    relocked = [added().seconds for _ in range(RUNS)]
    after = PROJECT_LOCK.read_bytes()
    runs = [added("--offline") for _ in range(RUNS)]
    back()
    return [
        (f"one requirement added ({ADDED})", seconds([run.seconds for run in runs]), "< 2 s"),
        ("  its lock made within, whole command", seconds(relocked), "< 1.16 s"),
        ("  new layers", megabytes(max(json.loads(run.output)["added"] for run in runs)), "< 3 MB"),
    ]


def app_rows() -> list[Row]:
    source = PROJECT / "app" / "main.py"
    original = source.read_text()

    def change(number: int) -> None:
        source.write_text(f"{original}\n# change {number} at {time.time_ns()}\n")

    times = [run.seconds for run in repeat(lambda: lightship("build", PROJECT), RUNS, before=change)]
    source.write_text(original)
    return [("only app/ changed, whole command", seconds(times), "< 0.4 s")]


def idle_rows() -> list[Row]:
    lightship("build", PROJECT)
    times = [run.seconds for run in repeat(lambda: lightship("build", PROJECT), RUNS)]
    return [("nothing changed, whole command", seconds(times), "< 0.25 s")]


def help_row() -> list[Row]:
    times = [run.seconds for run in repeat(lambda: lightship("--help"), RUNS)]
    return [("lightship --help", seconds(times), "< 0.15 s")]


def unzip_tar_gzip() -> float:
    """Seconds to make one compressed tar of the wheels as by hand; tar and gzip run side by side."""
    folder = BENCH / "by-hand"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    wheels = locked_wheels()
    started = time.perf_counter()
    for wheel in wheels:
        subprocess.run(["unzip", "-q", "-o", wheel, "-d", folder], check=True)
    archive = BENCH / "by-hand.tar.gz"
    subprocess.run(["tar", "-C", folder, "-I", "gzip -6", "-cf", archive, "."], check=True)
    return time.perf_counter() - started


def locked_wheels() -> list[Path]:
    """The fetched wheels of the lock: of those it lists for a distribution, the one that was chosen."""
    packages = tomllib.loads((WHOLE / "pylock.cpu.toml").read_text())["packages"]
    digests = [wheel["hashes"]["sha256"] for package in packages for wheel in package["wheels"]]
    archives = (HOME / "cache" / "archives" / "sha256" / digest for digest in digests)
    return [path for path in archives if path.is_file()]


PARTS = (
    *(size_rows, cold_rows, added_rows, app_rows, idle_rows, help_row, builder_rows, start_rows),
    cache_rows,
    engine_rows,
    push_rows,
    remote_rows,
    fleet_rows,
    empty_rows,
    inspection_rows,
)

if __name__ == "__main__":
    main()
