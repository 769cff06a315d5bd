"""From an empty machine to the first healthy answer, over links of two speeds."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

from bench.harness import BENCH, ROOT, Row, copy_example, lightship, megabytes, running, seconds
from bench.links import NETWORK, Link, linked_registry
from scripts.dockerd import private_daemon
from scripts.ports import free_port
from scripts.snapshotter import snapshotter
from scripts.standins import SLIM, load
from tests.support.containerd import container, private_containerd
from tests.support.docker_build import cpu_torch, docker_builds
from tests.support.programs import Run, caller

SPEEDS = {"1 Gbit/s": 1000, "100 Mbit/s": 100}
RUNS = {"none": 3}
"""How often a variant is measured: once, unless it is small."""
WITHIN = 240.0
ARTICLE = ROOT / "examples" / "article" / "Dockerfile.variants"
FOLDER = BENCH / "empty"
Way = Callable[[], float]
"""Fetches an image to an empty machine and starts it; gives when it answered (`perf_counter`)."""
Ready = Callable[[], AbstractContextManager[Way]]
"""Empties the machine for a way, which may use it while the block lasts."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that can be emptied: a Docker daemon and a home for Lightship, which know a registry."""

    docker: Run
    registry: str

    def environ(self) -> dict[str, str]:
        return {"LIGHTSHIP_HOME": str(FOLDER / "home"), "LIGHTSHIP_PLAIN_HTTP": self.registry}

    def forget(self) -> None:
        self.docker("image", "prune", "--all", "--force")
        shutil.rmtree(FOLDER / "home", ignore_errors=True)

    def with_docker(self, image: str, *command: str) -> float:
        """Pull and run with Docker."""
        self.docker("pull", "--quiet", image)
        with self.container(image, *command) as port:
            return healthy(port)

    @contextmanager
    def container(self, image: str, *command: str) -> Iterator[int]:
        port = free_port()
        options = ("--network", "host", "--env", f"PORT={port}")
        asked = [part.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for part in command]
        name = self.docker("run", "--detach", *options, image, *asked).strip()
        try:
            yield port
        finally:
            self.docker("rm", "--force", name)

    def with_lightship(self, image: str) -> float:
        """Pull and run with Lightship."""
        port = free_port()
        lightship("pull", image, "--quiet", environ=self.environ())
        with running(image, "--env", f"PORT={port}", home=FOLDER / "home"):
            return healthy(port)

    def lazily(self, ctr: Run, image: str) -> float:
        """Mount and run with containerd and stargz-snapshotter."""
        port = free_port()
        ctr("images", "rpull", "--plain-http", image)
        with container(ctr, image, "--env", f"PORT={port}", log=FOLDER / "service.log"):
            return healthy(port)


def empty_rows() -> list[Row]:
    """Measure the variant that `BENCH_VARIANT` names; `none` is small, and so is the time that this takes.

    A lazy start is timed from an empty containerd beside a snapshotter as it comes: what is not read then it
    fetches later.
    """
    variant = os.environ.get("BENCH_VARIANT", "none")
    shutil.rmtree(FOLDER, ignore_errors=True)
    with (
        linked_registry(FOLDER / "registry") as (link, registry),
        private_daemon("--insecure-registry", NETWORK) as host,
    ):
        machine = Machine(caller("/usr/bin/docker", "--host", host), registry.host)
        article, command = _push_article(machine, host, variant)
        lazy, ours = (
            _push_ours(machine, variant, *options) for options in (("estargz", "--record"), ("plain",))
        )
        ways = {
            "the article's image, Docker": _emptied(machine, lambda: machine.with_docker(article, *command)),
            "this image, Docker": _emptied(machine, lambda: machine.with_docker(ours)),
            "this image, Lightship": _emptied(machine, lambda: machine.with_lightship(ours)),
            "this image, lazily": _with_containerd(machine, lazy),
        }
        rows: list[Row] = []
        for speed, megabits in SPEEDS.items():
            link.limit(megabits)
            rows += _compare(f"{variant}, {speed}", link, ways, RUNS.get(variant, 1))
        return rows


def _compare(title: str, link: Link, ways: dict[str, Ready], runs: int) -> Iterator[Row]:
    """Measure all ways in turn: the time, and what came over the link by then."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    moved: dict[str, list[int]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, ready in ways.items():
            with ready() as way:
                before, started = link.received(), time.perf_counter()
                times[name].append(way() - started)
                moved[name].append(link.received() - before)
    for name, found in times.items():
        said = f"{seconds(found)}, {megabytes(statistics.median(moved[name]))}"
        yield (f"{title}: {name}", said, "")


def _emptied(machine: Machine, way: Way) -> Ready:
    @contextmanager
    def ready() -> Iterator[Way]:
        machine.forget()
        yield way

    return ready


def _with_containerd(machine: Machine, image: str) -> Ready:
    program = snapshotter()

    @contextmanager
    def ready() -> Iterator[Way]:
        with private_containerd(program, "-plain-http", machine.registry) as ctr:
            yield lambda: machine.lazily(ctr, image)

    return ready


def _push_article(machine: Machine, host: str, variant: str) -> tuple[str, list[str]]:
    """Build the article's image with Docker, and push it; give its name and its command."""
    load(host, [SLIM])
    name, project = f"{machine.registry}/article:{variant}", copy_example(FOLDER / "article" / "pharmabot")
    with docker_builds(host, constraints=cpu_torch()) as build:
        text = ARTICLE.read_text().replace("FROM python:3.11 AS", f"FROM {SLIM.tag} AS")
        file = FOLDER / ARTICLE.name
        file.write_text(text)
        build(project, file, tag=name, build_args={"TORCH_VARIANT": variant})
    machine.docker("push", "--quiet", name)
    command: list[str] = json.loads(
        machine.docker("image", "inspect", "--format", "{{json .Config.Cmd}}", name)
    )
    machine.docker("builder", "prune", "--all", "--force")
    return name, command


def _push_ours(machine: Machine, variant: str, kind: str, *more: str) -> str:
    name = f"{machine.registry}/{kind}:{variant}"
    project = copy_example(BENCH / "project" / "pharmabot")
    options = ("--variant", variant, "--tag", f"empty-{kind}:{variant}", "--format", kind, "--quiet", *more)
    lightship("build", project, *options, "--push", name, environ={"LIGHTSHIP_PLAIN_HTTP": machine.registry})
    return name


def healthy(port: int) -> float:
    """Wait for the first healthy answer; give its time (`perf_counter`)."""
    end = time.perf_counter() + WITHIN
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.perf_counter() < end:
        with suppress(OSError, http.client.HTTPException):
            opener.open(f"http://127.0.0.1:{port}/health").close()
            return time.perf_counter()
        time.sleep(0.02)
    sys.exit(f"nothing answers at {port}")
