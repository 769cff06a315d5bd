"""What images of the example weigh, by Lightship's account and by Docker's, and whether they serve."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.harness import BENCH, ROOT, Row, copy_example, lightship, megabytes, running
from scripts.dockerd import private_daemon
from tests.support.programs import caller

CHECK = ROOT / "examples" / "pharmabot" / "checks" / "embedding.py"
WITHIN = 240.0


@dataclass(frozen=True, slots=True)
class Case:
    """An image: a variant of the example with settings of its own, and the bars its sizes should meet."""

    name: str
    variant: str
    settings: dict[str, str]
    bars: tuple[str, str]
    options: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return f"size-{self.name}:{self.variant}"


WHOLE = {"trim": '"none"', "strip": "false", "bytecode": '"none"'}
TRACED = {"trim": '"traced"'}
CASES = (
    Case("whole", "none", WHOLE, ("110 MB", "35 MB")),
    Case("whole", "cpu", WHOLE, ("", "")),
    Case("project", "none", {}, ("105 MB", "33 MB")),
    Case("project", "onnx-int8", {}, ("290 MB", "100 MB")),
    Case("project", "onnx", {}, ("", "")),
    Case("project", "cpu", {}, ("", "")),
    Case("safe", "cpu", {"strip": "false"}, ("1160 MB", "370 MB")),
    Case("traced", "cpu", TRACED, ("880 MB", "")),
    Case("traced-zstd", "cpu", TRACED, ("880 MB", "290 MB"), ("--compression", "zstd")),
)


def size_rows() -> list[Row]:
    with private_daemon() as host:
        return [row for case in CASES for row in case_rows(case, host)]


def case_rows(case: Case, host: str) -> list[Row]:
    """Build it; give `lightship compare`'s sizes and Docker's; start it, and ask it for embeddings."""
    project = copy_example(BENCH / case.name / "pharmabot", **case.settings)
    lightship("build", project, "--variant", case.variant, "--tag", case.tag, "--quiet", *case.options)
    (image,) = json.loads(lightship("compare", case.tag, "--json").output)["images"]
    rows = [
        (f"{case.variant}, {case.name}, {key}", megabytes(image[key]), f"≤ {bar}" if bar else "")
        for key, bar in zip(("unpacked", "compressed"), case.bars, strict=True)
    ]
    started = json.loads(lightship("verify", case.tag, "--start", "--json", "--timeout", int(WITHIN)).output)[
        "seconds_to_healthy"
    ]
    embed(case.tag)
    return [
        *rows,
        ("  `docker images` after --load", docker_size(case, host), ""),
        ("  verified, embeddings right, healthy after", f"{started:.1f} s", ""),
    ]


def docker_size(case: Case, host: str) -> str:
    """What Docker says of the loaded image."""
    project = BENCH / case.name / "pharmabot"
    options = ("--variant", case.variant, "--tag", case.tag, "--load", "--quiet")
    lightship("build", project, *options, *case.options, environ={"DOCKER_HOST": host})
    docker = caller("/usr/bin/docker", "--host", host)
    size = int(docker("image", "inspect", "--format", "{{.Size}}", case.tag))
    docker("image", "rm", "--force", case.tag)
    return megabytes(size)


def embed(image: str) -> None:
    """Start the image, and let the example's own check ask it; the model may still be loading at first."""
    with running(image, "--env", "EMBEDDING_TIMEOUT=200"):
        end = time.monotonic() + WITHIN
        while True:
            done = subprocess.run([sys.executable, CHECK], env=os.environ, capture_output=True, check=False)
            if not done.returncode:
                return
            if time.monotonic() > end:
                raise SystemExit(f"{image}: {done.stderr.decode()}")
            time.sleep(0.5)
