"""`lightship build --engine` with real engines: one project, from an index that wants a password.

Everything is on this machine: the lock is synthesised, and the index is on loopback.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.ports import free_port
from scripts.standins import SLIM, standins
from tests.integration.build.calling import Lightship, Outcome
from tests.support.docker_build import ACCEPTED
from tests.support.index import simple_index
from tests.support.locked import Locked, locked_project, write_lock
from tests.support.programs import Run, caller
from tests.support.web import Web, serving

pytestmark = pytest.mark.integration
PASSWORD = "correct-horse"
CONFIGURATION = """\
name = "engines"
variant = "none"
command = ["python", "app/main.py"]
sources = ["app"]
ports = [{port}]
health = "http://127.0.0.1:{port}/"
"""
APPLICATION = """\
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import demo


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"demo {{demo.x}}".encode())


signal.signal(signal.SIGTERM, lambda *_: sys.exit())
HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
PASSED_ON = (
    *("--build-arg", f"PYTHON_IMAGE={SLIM.tag}", "--build-arg", f"BUILDER_IMAGE={SLIM.tag}"),
    *("--network", "host"),
)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Locked, Web]]:
    made = locked_project(tmp_path_factory.mktemp("engines"))
    with serving() as web:
        web.answers.append(simple_index(made.root / "index", password=PASSWORD))
        yield made, web


@pytest.fixture(scope="module")
def project(index: tuple[Locked, Web], port: int) -> Path:
    made, web = index
    (made.folder / "lightship.toml").write_text(CONFIGURATION.format(port=port))
    (made.folder / "app" / "main.py").write_text(APPLICATION.format(port=port))
    (made.folder / "Dockerfile").write_text("FROM stale\n")
    write_lock(made)
    made.lock.write_text(made.lock.read_text().replace((made.root / "index").as_uri(), f"{web.url}/files"))
    return made.folder


@pytest.fixture(scope="module")
def lightship(index: tuple[Locked, Web]) -> Lightship:
    made, web = index
    url = web.url.replace("//", f"//me:{PASSWORD}@")
    return Lightship(made.root / "home").using(PIP_CONFIG_FILE="/dev/null", PIP_INDEX_URL=f"{url}/simple/")


def build(lightship: Lightship, project: Path, engine: str) -> Outcome:
    done = lightship.run("build", "--locked", "--json", "--engine", engine, "--", *PASSED_ON, cwd=project)
    assert done.code == 0, done.err
    assert PASSWORD not in done.out + done.err
    return done


def verify(lightship: Lightship, project: Path, engine: str) -> dict[str, object]:
    ignored = (word for rule in ACCEPTED for word in ("--ignore", rule))
    found = lightship.ask("verify", "--engine", engine, "--start", *ignored, cwd=project)
    assert isinstance(found, dict)
    return found


def test_docker_builds_what_starts_and_nothing_the_second_time(
    lightship: Lightship, project: Path, bases: str, port: int
) -> None:
    lightship = lightship.using(DOCKER_HOST=bases, PATH=f"/usr/bin:/bin:{Path(sys.executable).parent}")
    docker = caller("/usr/bin/docker", "--host", bases)
    done = build(lightship, project, "docker")
    assert "pip install" in done.err
    made = json.loads(done.out)
    assert (made["name"], made["engine"], made["variant"]) == ("engines:none", "docker", "none")
    (found,) = json.loads(docker("image", "inspect", "engines:none"))
    assert (found["Id"], found["Size"]) == (made["id"], made["unpacked"])
    assert PASSWORD not in docker("history", "--no-trunc", "engines:none") + json.dumps(found)
    assert answer(docker, port) == "demo 1"
    assert json.loads(build(lightship, project, "docker").out)["id"] == made["id"]
    assert (project / "Dockerfile").read_text() == "FROM stale\n"
    docker("image", "rm", "--force", "engines:none")


@pytest.mark.requires_tool("buildah", "podman", "runc", "bwrap")
@pytest.mark.usefixtures("bases")
def test_buildah_builds_what_verify_proves_and_podman_finds_its_layers(
    lightship: Lightship, project: Path, containers: dict[str, str]
) -> None:
    environ = {name: containers[name] for name in ("CONTAINERS_STORAGE_CONF", "CONTAINERS_CONF")}
    lightship = lightship.using(BUILDAH_ISOLATION="chroot", BUILDAH_RUNTIME="runc", **environ)
    (archive,) = standins([SLIM])
    caller("buildah", env=containers)("pull", "--quiet", f"docker-archive:{archive}")
    made = json.loads(build(lightship, project, "buildah").out)
    report = verify(lightship, project, "buildah")
    assert report["name"] == "engines:none"
    assert report["seconds_to_healthy"]
    again = json.loads(build(lightship, project, "podman").out)
    assert again["id"] == made["id"]
    check = caller("podman", env=containers)(
        "image", "inspect", "--format", "{{.HealthCheck}}", "engines:none"
    )
    assert "urllib.request" in check


def answer(docker: Run, port: int) -> str:
    container = docker("run", "--detach", "--network", "host", "engines:none").strip()
    try:
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
                    return str(reply.read().decode())
            except OSError:
                assert time.monotonic() < end, docker("logs", container)
                time.sleep(0.1)
    finally:
        docker("rm", "--force", container)
