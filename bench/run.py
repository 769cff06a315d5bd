"""What Lightship costs, in seconds and bytes, beside other ways in the same run. Run it with `make bench`.

Figures are medians; a ratio is the median of ratios of runs taken in turn, so it holds when the machine's
speed drifts. Everything lies under `.bench/`, and archives stay there: every figure is for fetched archives.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".bench"
PROJECT, TRIMMED, HOME = BENCH / "whole" / "pharmabot", BENCH / "safe" / "pharmabot", BENCH / "home"
LIGHTSHIP = Path(sys.executable).with_name("lightship")
ADDED = "python-slugify"
RUNS, SLOW_RUNS = 7, 3
Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall seconds, largest resident set in bytes, standard output."""

    seconds: float
    memory: int
    output: bytes


def main() -> None:
    prepare()
    sizes = [
        *size_rows(PROJECT, "none", "wheels whole", ("110 MB", "35 MB")),
        *size_rows(PROJECT, "cpu", "wheels whole", ("", "")),
        *size_rows(TRIMMED, "none", "trimmed", ("", "")),
        *size_rows(TRIMMED, "cpu", "trimmed", ("", "")),
    ]
    rows = [*cold_rows(), *added_rows(), *app_rows(), *idle_rows(), help_row()]
    print(f"\n{'what':58}{'measured':>14}{'bar':>12}")
    for what, measured, bar in (*rows, *sizes):
        print(f"{what:58}{measured:>14}{bar:>12}")


def size_rows(project: Path, variant: str, how: str, bars: tuple[str, str]) -> list[Row]:
    image = json.loads(lightship("build", project, "--variant", variant, "--json").output)
    return [
        (f"{variant}, {how}, {key}", megabytes(image[key]), bar)
        for key, bar in zip(("unpacked", "compressed"), bars, strict=True)
    ]


def cold_rows() -> list[Row]:
    """From fetched archives to a finished layout, and the same wheels by unzip, tar and gzip -6."""
    ours, ratios, memory = [], [], []
    for _ in range(SLOW_RUNS):
        forget_layers()
        run = lightship("build", PROJECT, "--offline")
        by_hand = unzip_tar_gzip()
        ours.append(run.seconds)
        memory.append(run.memory)
        ratios.append(by_hand / run.seconds)
    return [
        ("cpu, nothing built → finished layout", seconds(ours), "< 10 s"),
        ("  unzip, tar, gzip -6 of its wheels takes times as long", ratio(ratios), "≥ 8 x"),
        ("  peak memory", megabytes(max(memory)), "< 300 MB"),
    ]


def added_rows() -> list[Row]:
    """One small requirement more, its lock made and its archives fetched beforehand."""
    before = (PROJECT / "pylock.cpu.toml").read_bytes()
    requirements = PROJECT / "requirements-base.txt"
    original = requirements.read_text()
    requirements.write_text(f"{original}{ADDED}\n")
    lightship("build", PROJECT)
    after = (PROJECT / "pylock.cpu.toml").read_bytes()
    times, news = [], []
    for _ in range(RUNS):
        forget_layers()
        requirements.write_text(original)
        (PROJECT / "pylock.cpu.toml").write_bytes(before)
        lightship("build", PROJECT, "--offline")
        requirements.write_text(f"{original}{ADDED}\n")
        (PROJECT / "pylock.cpu.toml").write_bytes(after)
        run = lightship("build", PROJECT, "--offline", "--json")
        times.append(run.seconds)
        news.append(json.loads(run.output)["added"])
    requirements.write_text(original)
    (PROJECT / "pylock.cpu.toml").write_bytes(before)
    lightship("build", PROJECT, "--offline")
    return [
        (f"one requirement added ({ADDED})", seconds(times), "< 2 s"),
        ("  new layers", megabytes(max(news)), "< 3 MB"),
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


def help_row() -> Row:
    times = [run.seconds for run in repeat(lambda: lightship("--help"), RUNS)]
    return ("lightship --help", seconds(times), "< 0.15 s")


def prepare() -> None:
    """Lay out the example twice: as it is, and with nothing of its wheels left out, for like to meet like."""
    ignore = shutil.ignore_patterns("__pycache__", "tests", ".*_cache")
    for folder in (PROJECT, TRIMMED):
        shutil.copytree(ROOT / "examples" / "pharmabot", folder, ignore=ignore, dirs_exist_ok=True)
    file = PROJECT / "pyproject.toml"
    file.write_text(file.read_text().replace("[tool.lightship]\n", '[tool.lightship]\ntrim = "none"\n'))


def forget_layers() -> None:
    """Back to nothing built: only archives and what was read from locks stay."""
    shutil.rmtree(HOME / "data", ignore_errors=True)
    shutil.rmtree(HOME / "cache" / "layers", ignore_errors=True)


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
    packages = tomllib.loads((PROJECT / "pylock.cpu.toml").read_text())["packages"]
    digests = [wheel["hashes"]["sha256"] for package in packages for wheel in package["wheels"]]
    archives = (HOME / "cache" / "archives" / "sha256" / digest for digest in digests)
    return [path for path in archives if path.is_file()]


def repeat(
    measure: Callable[[], Run], count: int, *, before: Callable[[int], None] = lambda _number: None
) -> list[Run]:
    runs = []
    for number in range(count):
        before(number)
        runs.append(measure())
    return runs


def lightship(*arguments: object) -> Run:
    """Run the command as a whole process, and take the kernel's own account of it."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [LIGHTSHIP, *map(str, arguments)],
        env={**os.environ, "LIGHTSHIP_HOME": str(HOME)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = process.stdout.read(), process.stderr.read()  # type: ignore[union-attr]
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"lightship {' '.join(map(str, arguments))} failed:\n{errors.decode()}{output.decode()}")
    elapsed = time.perf_counter() - started
    return Run(elapsed, usage.ru_maxrss * 1024, output)


def seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s"


def ratio(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} x"


def megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"


if __name__ == "__main__":
    main()
