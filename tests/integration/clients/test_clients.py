from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightship.engines.load import load
from lightship.events import SilentReporter
from lightship.oci.archive import write_docker_archive
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.record import Compression
from lightship.oci.validate import layout_problems
from tests.integration.clients.conftest import NAME
from tests.support.images import MESSAGE, hello_image, hello_program
from tests.support.programs import Run, caller

pytestmark = pytest.mark.integration
SAID = MESSAGE.decode()


@pytest.fixture
def archive(image: LayoutImage, tmp_path: Path) -> Path:
    path = tmp_path / "hello.tar"
    with path.open("wb") as out:
        write_docker_archive(image, NAME, out)
    return path


def source(image: LayoutImage) -> str:
    return f"oci:{image.layout.path}:{NAME}"


def test_docker_loads_the_archive_and_runs_it(image: LayoutImage, archive: Path, docker: Run) -> None:
    assert docker("load", stdin=archive) == f"Loaded image: {NAME}\n"
    (found,) = json.loads(docker("image", "inspect", NAME))
    assert found["Id"] == image.manifest.config.digest
    assert found["Config"]["Entrypoint"] == ["/bin/hello"]
    assert found["Config"]["User"] == "1001:1001"
    assert docker("run", "--rm", "--network", "host", NAME) == SAID


def test_load_streams_into_docker_once_and_then_only_tags(
    image: LayoutImage, docker: Run, docker_host: str
) -> None:
    environ = {"PATH": "/usr/bin:/bin", "DOCKER_HOST": docker_host}
    assert load(image, NAME, engine="docker", environ=environ, reporter=SilentReporter())
    assert not load(image, "again:2", engine="docker", environ=environ, reporter=SilentReporter())
    assert docker("run", "--rm", "--network", "none", "again:2") == SAID


@pytest.mark.requires_tool("podman")
def test_load_streams_into_podman_once_and_then_only_tags(
    image: LayoutImage, podman: Run, containers: dict[str, str]
) -> None:
    assert load(image, NAME, engine="podman", environ=containers, reporter=SilentReporter())
    assert not load(image, "again:2", engine="podman", environ=containers, reporter=SilentReporter())
    names = podman("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    assert sorted(names) == ["docker.io/library/again:2", "docker.io/library/hello:1.0"]
    root = Path(podman("image", "mount", NAME).strip())
    assert (root / "bin" / "hello").read_bytes() == hello_program()


@pytest.mark.requires_tool("skopeo")
@pytest.mark.parametrize("compression", list(Compression))
def test_skopeo_inspects_and_copies_a_layout_blob_by_blob(tmp_path: Path, compression: Compression) -> None:
    image = hello_image(Layout(tmp_path / "layout"), name=NAME, compression=compression)
    skopeo = caller("skopeo")
    found = json.loads(skopeo("inspect", source(image)))
    assert found["Digest"] == image.descriptor.digest
    assert found["Layers"] == [layer.descriptor.digest for layer in image.layers]
    skopeo("copy", source(image), f"oci:{tmp_path}/copy:{NAME}")
    copy = Layout(tmp_path / "copy")
    assert layout_problems(copy) == []
    assert copy.names()[NAME].digest == image.descriptor.digest


@pytest.mark.requires_tool("skopeo")
@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive"])
def test_skopeo_reads_the_archive_both_ways(archive: Path, tmp_path: Path, transport: str) -> None:
    caller("skopeo")("copy", f"{transport}:{archive}", f"oci:{tmp_path}/copy:{NAME}")
    assert layout_problems(Layout(tmp_path / "copy")) == []


@pytest.mark.requires_tool("skopeo")
def test_skopeo_copies_into_the_docker_daemon(image: LayoutImage, docker: Run, docker_host: str) -> None:
    caller("skopeo")("copy", "--dest-daemon-host", docker_host, source(image), "docker-daemon:copied:1")
    assert docker("run", "--rm", "--network", "none", "copied:1") == SAID


@pytest.mark.requires_tool("umoci")
def test_umoci_unpacks_the_layout(image: LayoutImage, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    caller("umoci")("unpack", "--rootless", "--image", f"{image.layout.path}:{NAME}", str(bundle))
    program = bundle / "rootfs" / "bin" / "hello"
    assert program.read_bytes() == hello_program()
    assert program.stat().st_mode & 0o7777 == 0o755
    process = json.loads((bundle / "config.json").read_text())["process"]
    assert process["args"] == ["/bin/hello"]
    assert process["cwd"] == "/data"


@pytest.mark.requires_tool("buildah", "runc")
def test_buildah_starts_from_the_layout_and_runs_in_it(image: LayoutImage, buildah: Run) -> None:
    container = buildah("from", source(image)).strip()
    assert buildah("run", "--isolation", "chroot", container, "--", "/bin/hello") == SAID
    buildah("rm", container)
