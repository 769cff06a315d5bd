"""Every Dockerfile that can be written for the example, built by Docker and by Buildah, started and proven.

`make built-files` takes an hour or two; `.venv/bin/python -m bench.files --engine docker --variant none`
does a part of it. Each image is built on the stand-ins, started without a network, asked for `/health` and
for embeddings, and verified. Seconds are those of the engine's build: of a variant's and style's first target
from nothing but pip's cache, of the others with what they share.

The `cuda` variant takes the place of `cu126`: its torch is what the index has, which for Linux is a CUDA
build, as PyTorch's own indexes are not reached from everywhere. It needs 25 GB of disk.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.harness import BENCH, HOME, ROOT, copy_example, forget_layers, lightship, megabytes
from lightship.dockerfile.emit.model import STYLES
from scripts.containers import private_containers
from scripts.dockerd import private_daemon
from scripts.standins import SLIM, load, standins
from tests.support.docker_build import (
    ACCEPTED,
    BuildahBuilds,
    DockerBuilds,
    buildah_builds,
    docker_builds,
)
from tests.support.programs import Run, caller

ENGINES = ("docker", "buildah")
VARIANTS = ("none", "onnx-int8", "onnx", "cpu", "cuda")
TARGETS = ("production", "development")
CHECK = ROOT / "examples" / "pharmabot" / "checks" / "embedding.py"
WITHIN = 120.0
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/health', timeout=5).status)"
CU126 = '[tool.lightship.variants.cu126]\nrequirements = ["requirements-base.txt", "requirements-torch-cu126.txt"]\ntorch = "cu126"\n'  # noqa: E501
CUDA = CU126.replace(".cu126]", ".cuda]").replace('torch = "cu126"\n', "")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of the matrix is built."""

    engines: Sequence[str]
    variants: Sequence[str]
    styles: Sequence[str]
    targets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with storage of its own: what builds, and the client that starts what was built.

    `environ` tells Lightship where the engine is, `base` is the stand-in's name in its storage, and
    `tidying` are the client's commands that leave of all builds what was fetched.
    """

    name: str
    build: DockerBuilds | BuildahBuilds
    client: Run
    environ: dict[str, str]
    base: str
    tidying: Sequence[Sequence[str]]

    def tidy(self) -> None:
        for command in self.tidying:
            self.client(*command)


def main() -> None:
    chosen = _chosen()
    project = example(BENCH / "files" / "pharmabot")
    for variant in chosen.variants:
        record(project, variant)
    named = [word for variant in chosen.variants for word in ("--variant", variant)]
    header = ("build", "size", "healthy in", "warnings")
    print(f"{'image':44}" + "".join(f"{title:>12}" for title in header), flush=True)
    for name in chosen.engines:
        with engine_called(name) as engine:
            for style in chosen.styles:
                lightship("dockerfile", project, "--portable", "--force", "--style", style, *named)
                for variant in chosen.variants:
                    rows(engine, project, style, variant, chosen.targets)


def example(folder: Path) -> Path:
    """Copy the example, with the CUDA build of torch that the index has."""
    copy_example(folder)
    file = folder / "pyproject.toml"
    text = file.read_text()
    if CU126 not in text:
        sys.exit(f"{file}: the variant cu126 is not as it was")
    file.write_text(text.replace(CU126, CUDA))
    return folder


def record(project: Path, variant: str) -> None:
    """Record a start once, which the direct engine does as it builds; of its image nothing is kept."""
    if not (project / f"start.{variant}.json").is_file():
        lightship("build", project, "--variant", variant)
        forget_layers()
        shutil.rmtree(HOME / "cache" / "roots")


def rows(engine: Engine, project: Path, style: str, variant: str, targets: Sequence[str]) -> None:
    """Build the targets, start and verify each, and forget them."""
    seconds = {
        target: built(engine, project, tag_of(style, variant, target), variant, target) for target in targets
    }
    engine.tidy()
    for target in targets:
        tag = tag_of(style, variant, target)
        size = int(engine.client("image", "inspect", "--format", "{{.Size}}", tag))
        started = healthy_after(engine.client, tag)
        warnings = verified(engine, tag)
        engine.client("image", "rm", "--force", tag)
        where = f"{engine.name} {style} {variant} {target}"
        figures = f"{seconds[target]:.1f} s", megabytes(size), f"{started:.1f} s", warnings
        print(f"{where:44}" + "".join(f"{figure:>12}" for figure in figures), flush=True)


def tag_of(style: str, variant: str, target: str) -> str:
    return f"localhost/files:{style}-{variant}-{target}"


def built(engine: Engine, project: Path, tag: str, variant: str, target: str) -> float:
    """Build one target; gives seconds."""
    arguments = {"TORCH_VARIANT": variant, "PYTHON_IMAGE": engine.base, "BUILDER_IMAGE": engine.base}
    started = time.perf_counter()
    engine.build(project, project / "Dockerfile", tag=tag, target=target, build_args=arguments)
    return time.perf_counter() - started


def healthy_after(client: Run, tag: str) -> float:
    """Start the image, ask it for its health and for embeddings; gives the seconds until it was healthy."""
    started = time.monotonic()
    patient = ("--env", "EMBEDDING_TIMEOUT=120")  # as in the project's check: models are loaded first
    container = client("run", "--detach", "--network", "none", *patient, tag).strip()
    try:
        while True:
            with contextlib.suppress(AssertionError):
                if client("exec", container, "python", "-c", ASK).strip() == "200":
                    break
            if time.monotonic() > started + WITHIN:
                sys.exit(f"{tag} is not healthy:\n{client('logs', container)}")
            time.sleep(0.3)
        seconds = time.monotonic() - started
        client("exec", "--interactive", container, "python", "-", stdin=CHECK)
        return seconds
    finally:
        client("rm", "--force", container)


def verified(engine: Engine, tag: str) -> str:
    """Verify the image, what its base brings aside; gives its warnings. An error ends the program."""
    ignored = [word for rule in ACCEPTED for word in ("--ignore", rule)]
    run = lightship("verify", tag, "--engine", engine.name, "--json", *ignored, environ=engine.environ)
    findings = json.loads(run.output)["findings"]
    return str(len({finding["rule"] for finding in findings if finding["severity"] == "warning"}))


@contextlib.contextmanager
def engine_called(name: str) -> Iterator[Engine]:
    with docker() if name == "docker" else buildah() as engine:
        yield engine


@contextlib.contextmanager
def docker() -> Iterator[Engine]:
    with private_daemon() as host, docker_builds(host) as build:
        load(host, [SLIM])
        environ = {"DOCKER_HOST": host, "PATH": f"/usr/bin:{os.environ['PATH']}"}
        prune = ("builder", "prune", "--all", "--force", "--filter", "type=regular")
        yield Engine("docker", build, caller("/usr/bin/docker", "--host", host), environ, SLIM.tag, [prune])


@contextlib.contextmanager
def buildah() -> Iterator[Engine]:
    with (
        private_containers() as storage,
        buildah_builds({**os.environ, **storage, "BUILDAH_LAYERS": "true"}) as build,
    ):
        environ = {**os.environ, **storage}
        (archive,) = standins([SLIM])
        caller("buildah", env=environ)("pull", "--quiet", f"docker-archive:{archive}")
        podman = caller("podman", env=environ)
        yield Engine(
            "buildah", build, podman, storage, f"localhost/{SLIM.tag}", [("image", "prune", "--force")]
        )


def _chosen() -> Chosen:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    found = {}
    for option, known in (("engine", ENGINES), ("variant", VARIANTS), ("style", STYLES), ("target", TARGETS)):
        parser.add_argument(f"--{option}", action="append", choices=known, dest=f"{option}s")
        found[f"{option}s"] = known
    given = vars(parser.parse_args())
    return Chosen(**{name: given[name] or known for name, known in found.items()})


if __name__ == "__main__":
    main()
