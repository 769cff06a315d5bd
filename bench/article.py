"""The article's Dockerfiles, built by Docker and measured. Run it with `make bench-article`.

Sizes are Docker's own, and those of `docker save | gzip`. Times are of one build each: with an empty build
cache, after a change of the application, and after one more requirement. The bases are there beforehand;
packages come from where pip and apt are configured to look, torch in its CPU build where a folder of wheels
has one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.harness import LIGHTSHIP
from scripts.dockerd import private_daemon
from scripts.standins import STANDINS, load
from tests.support.docker_build import DockerBuilds, cpu_torch, docker_builds
from tests.support.programs import Run, caller

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = ROOT / "examples" / "article"
ADDED = "python-slugify"


@dataclass(frozen=True, slots=True)
class Case:
    """One of the article's ways to build the service; `mended`, after `lightship lint --fix`."""

    name: str
    file: str
    mended: bool = False
    build_args: dict[str, str] = field(default_factory=dict)


CASES = (
    Case("naive", "Dockerfile.naive"),
    Case("slim", "Dockerfile.slim"),
    Case("slim, mended", "Dockerfile.slim", mended=True),
    Case("multi-stage", "Dockerfile.multistage"),
    Case("multi-stage, mended", "Dockerfile.multistage", mended=True),
    Case("site-packages", "Dockerfile.site-packages"),
    Case("none", "Dockerfile.variants", build_args={"TORCH_VARIANT": "none"}),
    Case("none, mended", "Dockerfile.variants", mended=True, build_args={"TORCH_VARIANT": "none"}),
)


def main() -> None:
    given = os.environ.get("DOCKER_HOST")
    if given:
        measure(given)
        return
    with private_daemon() as host:
        measure(host)


def measure(host: str) -> None:
    load(host)
    docker = caller("/usr/bin/docker", "--host", host)
    header = ("size", "gzip", "cold", "app changed", f"{ADDED} added")
    print(f"{'image':20}" + "".join(f"{title:>22}" for title in header), flush=True)
    for standin in STANDINS:
        print(row(standin.tag, size(docker, standin.tag), compressed(host, standin.tag)), flush=True)
    with docker_builds(host, constraints=cpu_torch()) as build:
        for case in CASES:
            print(f"{case.name:20}", end="", flush=True)
            for figure in case_figures(case, build, docker):
                print(f"{figure:>22}", end="", flush=True)
            print()


@contextmanager
def prepared(case: Case) -> Iterator[tuple[Path, Path]]:
    """Copy the service and the case's Dockerfile; gives both."""
    with tempfile.TemporaryDirectory(prefix="article-") as name:
        project = Path(name) / "pharmabot"
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "pylock.*")
        shutil.copytree(ROOT / "examples" / "pharmabot", project, ignore=ignored)
        file = Path(name) / case.file
        shutil.copy(ARTICLE / case.file, file)
        if case.mended:
            subprocess.run(
                [LIGHTSHIP, "lint", "--fix", "--context", project, file], capture_output=True, check=False
            )
        yield project, file


def case_figures(case: Case, build: DockerBuilds, docker: Run) -> Iterator[str]:
    """Figures as they come: some take minutes."""
    tag = f"article:{case.name.replace(', ', '-')}"
    with prepared(case) as (project, file):

        def timed() -> str:
            started = time.perf_counter()
            build(project, file, tag=tag, build_args=case.build_args)
            return f"{time.perf_counter() - started:.1f} s"

        docker("builder", "prune", "--all", "--force")
        cold = timed()
        yield from (size(docker, tag), compressed(build.docker_host, tag), cold)
        for changed, line in (("app/main.py", "# changed"), ("requirements-base.txt", ADDED)):
            with (project / changed).open("a") as stream:
                stream.write(f"{line}\n")
            yield timed()
    docker("image", "rm", "--force", tag)


def size(docker: Run, tag: str) -> str:
    return megabytes(int(docker("image", "inspect", "--format", "{{.Size}}", tag)))


def compressed(host: str, tag: str) -> str:
    """What gzip makes of the saved image: about what a registry stores and a client pulls."""
    pipe = f"/usr/bin/docker --host {host} save {tag} | gzip | wc --bytes"
    done = subprocess.run(["sh", "-c", pipe], check=True, stdout=subprocess.PIPE)
    return megabytes(int(done.stdout))


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def row(name: str, *figures: str) -> str:
    return f"{name:20}" + "".join(f"{figure:>22}" for figure in figures)


if __name__ == "__main__":
    main()
