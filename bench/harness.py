"""What the measurements share: the command as a whole process, a home of their own, figures as text."""

from __future__ import annotations

import compileall
import os
import shutil
import signal
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".bench"
HOME = BENCH / "home"
LIGHTSHIP = Path(sys.executable).with_name("lightship")
Row = tuple[str, str, str]
"""What was measured, the figure, the bar that it should meet."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall seconds, largest resident set in bytes, standard output."""

    seconds: float
    memory: int
    output: bytes


def compile_ourselves() -> None:
    """Compile what Lightship runs from, as pip does when it installs.

    Else each run would compile again what was edited or installed since without leaving bytecode.
    """
    for folder in (ROOT / "src", sysconfig.get_path("purelib")):
        compileall.compile_dir(folder, quiet=2)


def copy_example(folder: Path, **settings: str) -> Path:
    """Copy the example, its locks and records aside, with some top-level settings of its own."""
    ignore = shutil.ignore_patterns("__pycache__", "tests", ".*_cache")
    shutil.copytree(ROOT / "examples" / "pharmabot", folder, ignore=ignore, dirs_exist_ok=True)
    file = folder / "pyproject.toml"
    lines = [line for line in file.read_text().splitlines() if line.partition(" = ")[0] not in settings]
    at = lines.index("[tool.lightship]") + 1
    lines[at:at] = [f"{name} = {value}" for name, value in settings.items()]
    file.write_text("\n".join(lines) + "\n")
    return folder


def forget_layers() -> None:
    """Back to nothing built: only archives and what was read from locks stay."""
    shutil.rmtree(HOME / "data", ignore_errors=True)
    shutil.rmtree(HOME / "cache" / "layers", ignore_errors=True)


def repeat(
    measure: Callable[[], Run], count: int, *, before: Callable[[int], None] = lambda _number: None
) -> list[Run]:
    runs = []
    for number in range(count):
        before(number)
        runs.append(measure())
    return runs


def lightship(*arguments: object, environ: Mapping[str, str] | None = None) -> Run:
    """Run the command as a whole process, and take the kernel's own account of it."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [LIGHTSHIP, *map(str, arguments)],
        env={**os.environ, "LIGHTSHIP_HOME": str(HOME), **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = process.stdout.read(), process.stderr.read()  # type: ignore[union-attr]
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"lightship {' '.join(map(str, arguments))} failed:\n{errors.decode()}{output.decode()}")
    elapsed = time.perf_counter() - started
    return Run(elapsed, usage.ru_maxrss * 1024, output)


@contextmanager
def running(image: str, *options: str, home: Path = HOME) -> Iterator[float]:
    """Run an image's service; give the time (`perf_counter`) of its start."""
    environ = {**os.environ, "LIGHTSHIP_HOME": str(home)}
    with (BENCH / "service.log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen([LIGHTSHIP, "run", image, *options], env=environ, stdout=log, stderr=log)
        try:
            yield started
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def show(rows: Iterable[Row]) -> None:
    for what, measured, bar in rows:
        print(f"{what:58}{measured:>22}{bar:>20}", flush=True)


def seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s"


def ratio(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} x"


def megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"
