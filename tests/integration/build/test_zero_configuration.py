"""A folder with requirements and a FastAPI application is all that Lightship needs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lightship.oci.validate import validate
from tests.integration.build.conftest import Built
from tests.support.programs import Run

pytestmark = pytest.mark.integration
APPLICATION = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def hello() -> dict[str, str]:
    return {"hello": "world"}
"""
ASK = """\
import sys, time, urllib.request
for attempt in range(150):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8000/", timeout=5).read().decode())
        break
    except OSError:
        time.sleep(0.2)
"""


def test_it_builds_and_answers(pharmabot: Built, tmp_path: Path, docker: Run, docker_host: str) -> None:
    project = tmp_path / "My Service"
    (project / "app").mkdir(parents=True)
    (project / "app" / "main.py").write_text(APPLICATION)
    (project / "requirements.txt").write_text("fastapi\nuvicorn\n")
    lightship = pharmabot.lightship.using(DOCKER_HOST=docker_host, PATH="/usr/bin:/bin")
    lightship.build(project, "--load")
    validate(lightship.image("my-service:none"))
    container = docker("run", "--detach", "--network", "none", "my-service:none").strip()
    said = docker("exec", container, "python", "-c", ASK)  # its loopback is its own: no port can be in use
    assert json.loads(said) == {"hello": "world"}
    stopped = time.monotonic()
    docker("stop", container)
    assert time.monotonic() - stopped < 8, "SIGTERM does not reach the server"
