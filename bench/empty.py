"""From an empty machine to the first healthy answer, over links of two speeds."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bench.harness import BENCH, ROOT, Row, copy_example, lightship, running, seconds
from bench.links import NETWORK, linked_registry
from scripts.dockerd import private_daemon
from scripts.ports import free_port
from scripts.standins import SLIM, load
from tests.support.docker_build import cpu_torch, docker_builds
from tests.support.estargz import PREFETCH, read
from tests.support.programs import Run, caller

SPEEDS = {"1 Gbit/s": 1000, "100 Mbit/s": 100}
RUNS = 3
WITHIN = 240.0
ARTICLE = ROOT / "examples" / "article" / "Dockerfile.variants"
FOLDER = BENCH / "empty"
Bytes = list[tuple[str, int, int]]
"""Parts of blobs: a blob's URL, and its bytes from a first to a last."""


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
        started = time.perf_counter()
        self.docker("pull", "--quiet", image)
        with self.container(image, *command) as port:
            return healthy(port) - started

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
        started, port = time.perf_counter(), free_port()
        lightship("pull", image, "--quiet", environ=self.environ())
        with running(image, "--env", f"PORT={port}", home=FOLDER / "home"):
            return healthy(port) - started

    def lazily_at_least(self, parts: Bytes, image: str) -> float:
        """Fetch what a lazy start needs first, as four at once; then start what is there already."""
        started = time.perf_counter()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(_fetch, parts))
        fetched = time.perf_counter() - started
        self.docker("pull", "--quiet", image)
        started = time.perf_counter()
        with self.container(image) as port:
            return fetched + healthy(port) - started


def empty_rows() -> list[Row]:
    """Measure the variant that `BENCH_VARIANT` names; `none` is small, and so is the time that this takes."""
    variant = os.environ.get("BENCH_VARIANT", "none")
    shutil.rmtree(FOLDER, ignore_errors=True)
    with (
        linked_registry(FOLDER / "registry") as (link, registry),
        private_daemon("--insecure-registry", NETWORK) as host,
    ):
        machine = Machine(caller("/usr/bin/docker", "--host", host), registry.host)
        article, command = _push_article(machine, host, variant)
        ours, lazy = (_push_ours(machine, variant, kind) for kind in ("plain", "estargz"))
        parts = _first_parts(lazy, registry.host)
        ways: dict[str, Callable[[], float]] = {
            "the article's image, Docker": lambda: machine.with_docker(article, *command),
            "this image, Docker": lambda: machine.with_docker(ours),
            "this image, Lightship": lambda: machine.with_lightship(ours),
            "this image, lazily: at least": lambda: machine.lazily_at_least(parts, lazy),
        }
        rows: list[Row] = []
        for speed, megabits in SPEEDS.items():
            link.limit(megabits)
            rows += _compare(f"{variant}, {speed}", machine, ways)
        return rows


def _compare(title: str, machine: Machine, ways: dict[str, Callable[[], float]]) -> Iterator[Row]:
    """Measure all ways in turn, each from an empty machine."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, way in ways.items():
            machine.forget()
            times[name].append(way())
    for name, found in times.items():
        yield (f"{title}: {name}", seconds(found), "")


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


def _push_ours(machine: Machine, variant: str, kind: str) -> str:
    name = f"{machine.registry}/{kind}:{variant}"
    project = copy_example(BENCH / "project" / "pharmabot")
    options = ("--variant", variant, "--tag", f"empty-{kind}:{variant}", "--format", kind, "--quiet")
    lightship("build", project, *options, "--push", name, environ={"LIGHTSHIP_PLAIN_HTTP": machine.registry})
    return name


def _first_parts(image: str, host: str) -> Bytes:
    """List what stargz-snapshotter reads before a container runs: files in front of layers, and tables."""
    name, _, tag = image.removeprefix(f"{host}/").partition(":")
    base = f"http://{host}/v2/{name}"
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    found: Bytes = []
    for layer in json.loads(_get(f"{base}/manifests/{tag}", accept))["layers"]:
        url = f"{base}/blobs/{layer['digest']}"
        lazy = read(_get(url))
        ends = [entry["offset"] for entry in lazy.entries if entry["name"] == PREFETCH]
        found += [(url, 0, end - 1) for end in ends if end]
        found.append((url, lazy.offset, len(lazy.blob) - 1))
    return found


def _fetch(part: tuple[str, int, int]) -> None:
    url, first, last = part
    _get(url, {"Range": f"bytes={first}-{last}"})


def _get(url: str, headers: dict[str, str] | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers=headers or {})) as answer:  # noqa: S310 - http
        data: bytes = answer.read()
        return data


def healthy(port: int) -> float:
    """Wait for the first healthy answer; give its time (`perf_counter`)."""
    end = time.perf_counter() + WITHIN
    while time.perf_counter() < end:
        with suppress(OSError, http.client.HTTPException):
            _get(f"http://127.0.0.1:{port}/health")
            return time.perf_counter()
        time.sleep(0.02)
    sys.exit(f"nothing answers at {port}")
