"""The direct engine beside Docker and Buildah: an image from the same sources, after the same changes."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.harness import Row, megabytes
from bench.ways import Article, Direct, Engine, Way, example
from bench.wire import Meter, metered_registry
from scripts.containers import private_containers
from scripts.dockerd import private_daemon
from scripts.standins import SLIM, load, standins
from tests.support.docker_build import cpu_torch, docker_builds
from tests.support.programs import caller

ARTICLE = Path(__file__).resolve().parent.parent / "examples" / "article" / "Dockerfile.multistage"
ADDED = "python-slugify"
QUICK_RUNS = 5
WHOLE = "direct engine, wheels whole"
"""Nothing trimmed, stripped or compiled: what is left is what the article's file does, too."""
ARTICLES = "article's file, Docker"
Figures = dict[str, "Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds to build and to push, and what the push moved in both directions, in bytes."""

    build: float
    push: float
    moved: int


def engine_rows() -> list[Row]:
    with ways() as found, metered_registry() as meter:
        return list(_rows({way.name: figures(way, meter) for way in found}))


@contextmanager
def ways() -> Iterator[list[Way]]:
    """Give every way, with what it needs running: the first is the one the others are compared with."""
    with private_daemon() as host, private_containers() as storage:
        load(host)
        docker = caller("/usr/bin/docker", "--host", host)
        buildah = caller("buildah", env={**os.environ, **storage})
        (archive,) = standins([SLIM])
        buildah("pull", "--quiet", f"docker-archive:{archive}")
        with docker_builds(host, constraints=cpu_torch()) as builds:
            at_docker = {"DOCKER_HOST": host, "PATH": f"/usr/bin:{os.environ['PATH']}"}
            chroot = {**storage, "BUILDAH_ISOLATION": "chroot"}
            plain = ("--tls-verify=false",)
            yield [
                Direct("direct engine", example("direct")),
                Direct(WHOLE, example("direct-whole", trim='"none"', strip="false", bytecode='"none"')),
                Article(ARTICLES, example("article"), ARTICLE, docker, builds),
                Engine("emitted file, Docker", example("emitted"), "docker", docker, at_docker),
                Engine("emitted file, Buildah", example("buildah"), "buildah", buildah, chroot, plain),
            ]


def figures(way: Way, meter: Meter) -> Figures:
    """Measure one way after each kind of change; what was built is kept but for the cold build."""
    way.build()  # fetches
    way.forget()
    steps: dict[str, tuple[int, Callable[[], None]]] = {
        "cold": (1, lambda: None),
        "nothing changed": (QUICK_RUNS, lambda: None),
        "application changed": (QUICK_RUNS, lambda: append(way.project / "app" / "main.py", "# changed")),
        f"{ADDED} added": (1, lambda: append(way.project / "requirements-base.txt", ADDED)),
    }
    return {
        name: typical([measured(way, change, meter) for _ in range(runs)])
        for name, (runs, change) in steps.items()
    }


def typical(runs: list[Figure]) -> Figure:
    build, push = (
        statistics.median(times) for times in zip(*((run.build, run.push) for run in runs), strict=True)
    )
    return Figure(build, push, max(run.moved for run in runs))


def measured(way: Way, change: Callable[[], None], meter: Meter) -> Figure:
    change()
    started = time.perf_counter()
    way.build()
    built, before = time.perf_counter(), meter.sent + meter.received
    way.push(f"127.0.0.1:{meter.port}")
    return Figure(built - started, time.perf_counter() - built, meter.sent + meter.received - before)


def append(file: Path, line: str) -> None:
    with file.open("a") as stream:
        stream.write(f"{line}\n")


def _rows(measured: dict[str, Figures]) -> Iterator[Row]:
    (_, direct), *others = measured.items()
    for step, own in direct.items():
        for name, found in measured.items():
            figure = found[step]
            pushed = f"{figure.push:.2f} s, {megabytes(figure.moved)}"
            yield (f"{step}: {name}", f"{figure.build:.2f} s", "")
            yield ("  then pushed", pushed, "")
        if step == "cold":
            yield (
                "  article's file, as long as wheels whole",
                ratios(measured[ARTICLES][step], measured[WHOLE][step]),
                "≥ 10",
            )
        for name, found in others:
            figure = found[step]
            yield (
                f"  {name}: times as long, with the push, bytes",
                ratios(figure, own),
                _BARS.get((step, name), ""),
            )


def ratios(figure: Figure, own: Figure) -> str:
    together = (figure.build + figure.push) / (own.build + own.push)
    return f"{figure.build / own.build:.1f}, {together:.1f}, {figure.moved / own.moved:.1f} x"


_BARS = {
    ("cold", ARTICLES): "≥ 10",
    (f"{ADDED} added", ARTICLES): "≥ 40, bytes ≥ 100",
    ("application changed", ARTICLES): "≥ 1",
}
