"""A push after a change of the application, measured in turn: seconds, and bytes on the wire."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.engines import ARTICLES, Figure, append, measured, ways
from bench.harness import Row, lightship, megabytes, ratio
from bench.ways import VARIANT, Way, example
from bench.wire import metered_registry

RUNS = 7


@dataclass(frozen=True, slots=True)
class OneCommand:
    """`lightship build --push`: all of it counts as the push."""

    name: str
    project: Path

    def forget(self) -> None:
        pass

    def build(self) -> None:
        pass

    def push(self, registry: str) -> None:
        options = ("--variant", VARIANT, "--tag", "bench:one", "--quiet")
        lightship("build", self.project, *options, "--push", f"{registry}/one:cpu")


def push_rows() -> list[Row]:
    with ways() as every, metered_registry() as meter:
        (article,) = (way for way in every if way.name == ARTICLES)
        found: tuple[Way, ...] = (every[0], OneCommand("build --push", example("one")), article)
        for way in found:
            measured(way, lambda: None, meter)
        times: dict[str, list[Figure]] = {way.name: [] for way in found}
        for _ in range(RUNS):
            for way in found:
                change = partial(append, way.project / "app" / "main.py", "# changed")
                times[way.name].append(measured(way, change, meter))
        (image,) = json.loads(lightship("compare", "bench:direct", "--json").output)["images"]
        ours, together, docker = (times[way.name] for way in found)
        return _rows(ours, together, docker, image["compressed"])


def _rows(direct: list[Figure], one: list[Figure], docker: list[Figure], size: int) -> list[Row]:
    moved = max(figure.moved for figure in (*direct, *one))
    pushes = [other.push / own.push for own, other in zip(direct, docker, strict=True)]
    both = [_together(other) / _together(own) for own, other in zip(one, docker, strict=True)]
    return [
        ("application changed: lightship build, then push", _steps(direct), ""),
        ("  in one command, build --push", f"{statistics.median(map(_together, one)):.2f} s", ""),
        ("  bytes on the wire", megabytes(moved), ""),
        ("  as part of the image", f"{100 * moved / size:.3f} %", "< 1 %"),
        ("application changed: docker build, then docker push", _steps(docker), ""),
        ("  bytes on the wire", megabytes(max(figure.moved for figure in docker)), ""),
        ("  docker push takes times as long as lightship push", ratio(pushes), ""),
        ("  both steps take times as long as build --push", ratio(both), "≥ 1 x"),
    ]


def _steps(figures: Sequence[Figure]) -> str:
    build, push = (
        statistics.median(times) for times in zip(*((f.build, f.push) for f in figures), strict=True)
    )
    return f"{build:.2f} + {push:.2f} s"


def _together(figure: Figure) -> float:
    return figure.build + figure.push
