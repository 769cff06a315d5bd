"""Docker, Podman, Skopeo, umoci and Buildah take the images of real services, and run them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TypeVar

import pytest

from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems
from scripts.ports import free_port
from tests.integration.build.conftest import Built, Service
from tests.integration.build.schemas import check_layout
from tests.support.programs import Run, caller

pytestmark = pytest.mark.integration
IMPORTS = {
    "none": "import fastapi, psycopg2, redis; print('done')",
    "cpu": "import torch; assert (torch.ones(8, 8) @ torch.ones(8, 8)).sum() == 512; print('done')",
}
VARIANTS = tuple(IMPORTS)
START = 60.0
"""Seconds that gunicorn and the imports may take on a busy machine."""
PROBE = """\
import ctypes, ctypes.util, os, sqlite3, ssl, zoneinfo
assert ssl.create_default_context().get_ca_certs(), "no certificates"
assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
assert ctypes.CDLL(ctypes.util.find_library("c")).getpid() == os.getpid()
assert zoneinfo.ZoneInfo("Europe/Berlin")
assert not [shell for shell in ("sh", "bash", "dash", "busybox") if os.path.exists(f"/bin/{shell}")]
print(os.getuid(), os.getgid(), os.getcwd())
"""
Result = TypeVar("Result")
EXPECTED = "1001 1001 /app\n"


@pytest.fixture(scope="module")
def layout(pharmabot: Built, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Both variants in one OCI layout, as `-o oci:DIR` writes it."""
    path = tmp_path_factory.mktemp("layout") / "images"
    for variant in VARIANTS:
        digest = pharmabot.lightship.build(
            pharmabot.folder, "--variant", variant, "--locked", "-o", f"oci:{path}"
        )
        assert digest == pharmabot.digests[variant]
    return Layout(path)


def test_the_layout_keeps_the_specification(layout: Layout) -> None:
    assert layout_problems(layout) == []
    check_layout(layout)


@pytest.mark.requires_tool("skopeo")
def test_skopeo_inspects_and_copies_it(layout: Layout, pharmabot: Built, tmp_path: Path) -> None:
    skopeo, source = caller("skopeo"), f"oci:{layout.path}:pharmabot:none"
    found = json.loads(skopeo("inspect", source))
    assert found["Digest"] == pharmabot.digests["none"]
    skopeo("copy", source, f"oci:{tmp_path}/copy:pharmabot:none")
    copy = Layout(tmp_path / "copy")
    assert layout_problems(copy) == []
    assert copy.names()["pharmabot:none"].digest == pharmabot.digests["none"]


@pytest.mark.requires_tool("umoci")
def test_umoci_unpacks_it(layout: Layout, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    caller("umoci")("unpack", "--rootless", "--image", f"{layout.path}:pharmabot:none", str(bundle))
    assert (bundle / "rootfs" / "app" / "app" / "main.py").is_file()
    assert (bundle / "rootfs" / "bin").readlink() == Path("usr/bin")
    process = json.loads((bundle / "config.json").read_text())["process"]
    assert (process["user"]["uid"], process["user"]["gid"]) == (1001, 1001)
    assert process["cwd"] == "/app"


@pytest.mark.requires_tool("buildah", "runc")
def test_buildah_starts_from_it(layout: Layout, buildah: Run) -> None:
    container = buildah("from", f"oci:{layout.path}:pharmabot:none").strip()
    said = buildah("run", "--isolation", "chroot", container, "--", "python", "-c", PROBE)
    assert said == EXPECTED
    buildah("rm", container)


@pytest.mark.requires_tool("podman", "runc")
@pytest.mark.parametrize("options", [(), ("--single-member",)], ids=["gzip members", "single member"])
def test_podman_loads_the_archive_and_runs_it(
    pharmabot: Built, tmp_path: Path, podman: Run, options: tuple[str, ...]
) -> None:
    archive = write_archive(pharmabot, tmp_path, "none", *options)
    podman("load", "--input", str(archive))
    assert podman("run", "--rm", "--entrypoint", "python", "pharmabot:none", "-c", PROBE) == EXPECTED


@pytest.mark.requires_tool("podman", "runc", "skopeo")
def test_zstd_layers_are_taken(service: Service, tmp_path: Path, podman: Run) -> None:
    path = tmp_path / "images"
    digest = service.build("--compression", "zstd", "-o", f"oci:{path}")
    assert layout_problems(Layout(path)) == []
    check_layout(Layout(path))
    source = f"oci:{path}:greeter:none"
    assert json.loads(caller("skopeo")("inspect", source))["Digest"] == digest
    image = podman("pull", "--quiet", source).strip()
    assert podman("run", "--rm", image) == "good morning\n"


def test_docker_20_loads_and_runs_an_image_of_zstd_layers(
    service: Service, tmp_path: Path, docker: Run
) -> None:
    archive = tmp_path / "greeter.tar"
    service.build("--compression", "zstd", "-o", f"docker-archive:{archive}")
    assert docker("load", stdin=archive) == "Loaded image: greeter:none\n"
    assert docker("run", "--rm", "--network", "none", "greeter:none") == "good morning\n"


@pytest.mark.parametrize("variant", VARIANTS)
def test_docker_loads_the_archive_and_the_service_answers(
    pharmabot: Built, tmp_path: Path, docker: Run, variant: str
) -> None:
    name = f"pharmabot:{variant}"
    said = docker("load", stdin=write_archive(pharmabot, tmp_path, variant))
    assert said == f"Loaded image: {name}\n"
    assert docker("run", "--rm", "--network", "none", "--entrypoint", "python", name, "-c", PROBE) == EXPECTED
    asked = ("--entrypoint", "python", name, "-c", IMPORTS[variant])
    assert docker("run", "--rm", "--network", "none", *asked) == "done\n"
    with running(docker, name) as port:
        assert health(port) == (200, b'{"status":"alive"}')


def test_the_health_check_of_the_image_passes(pharmabot: Built, docker: Run, docker_host: str) -> None:
    lightship = pharmabot.lightship.using(DOCKER_HOST=docker_host, PATH="/usr/bin:/bin")
    lightship.build(pharmabot.folder, "--variant", "none", "--load")
    (image,) = json.loads(docker("image", "inspect", "pharmabot:none"))
    kind, *check = image["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD"
    container = docker("run", "--detach", "--network", "none", "pharmabot:none").strip()
    until_it_succeeds(lambda: docker("exec", container, *check), AssertionError)


@pytest.mark.parametrize("options", [(), ("--single-member",)], ids=["gzip members", "single member"])
def test_load_hands_the_image_to_docker(
    service: Service, docker: Run, docker_host: str, options: tuple[str, ...]
) -> None:
    lightship = service.lightship.using(DOCKER_HOST=docker_host, PATH="/usr/bin:/bin")
    lightship.build(service.folder, "--load", "-t", "greeter:9", *options)
    assert docker("run", "--rm", "--network", "none", "greeter:9") == "good morning\n"
    assert docker("run", "--rm", "--network", "none", "greeter:9", "greet") == "good morning\n"


def write_archive(built: Built, folder: Path, variant: str, *options: str) -> Path:
    path = folder / f"{variant}.tar"
    out = ("-o", f"docker-archive:{path}")
    built.lightship.build(built.folder, "--variant", variant, "--locked", *out, *options)
    return path


@contextmanager
def running(docker: Run, name: str) -> Iterator[int]:
    """Start a service on the host's network, as its image says; gives the port where it listens."""
    port = free_port()
    container = docker(
        *("run", "--detach", "--read-only", "--tmpfs", "/tmp", "--network", "host"),
        *("--env", f"PORT={port}", "--env", "WORKERS=1", name),
    ).strip()
    yield port
    docker("rm", "--force", container)


def health(port: int) -> tuple[int, bytes]:
    """Ask until there is an answer; gives its status and body."""
    return until_it_succeeds(lambda: ask(port), OSError)


def ask(port: int) -> tuple[int, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return response.status, response.read()


def until_it_succeeds(attempt: Callable[[], Result], failure: type[Exception]) -> Result:
    end = time.monotonic() + START
    while True:
        try:
            return attempt()
        except failure:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
