"""Docker's own figures for what it built: of layers, of the image, and of what can be seen."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightship.events import SilentReporter
from lightship.inspect.report.inspection import inspect_image
from lightship.inspect.report.model import Fate, Inspection
from lightship.oci.layout import Layout
from lightship.oci.saved import read_saved
from tests.support.programs import caller

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("/usr/bin/docker")]
FILES = {"wheels/torch.whl": 300_000, "app/main": 1234, "app/model": 200_000, "changed/main": 99}
DOCKERFILE = """\
FROM scratch
COPY wheels /wheels
COPY app /app
COPY --chown=1001:1001 app /app
COPY changed /app
ENV A=b
CMD ["/app/main"]
"""


@pytest.fixture(scope="module")
def image(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Build an image whose files are stored several times; gives its name, and the folder of its archives."""
    folder = tmp_path_factory.mktemp("docker")
    for name, size in (
        ("wheels/torch.whl", 300_000),
        ("app/main", 1234),
        ("app/model", 200_000),
        ("changed/main", 99),
    ):
        path = folder / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (folder / "context" / "Dockerfile").write_text(DOCKERFILE)
    docker, name = caller("/usr/bin/docker", "--host", docker_host), "inspected:1"
    docker("build", "--quiet", "--tag", name, str(folder / "context"))
    docker("save", "--output", str(folder / "saved.tar"), name)
    container = docker("create", name).strip()
    docker("export", "--output", str(folder / "exported.tar"), container)
    docker("rm", container)
    yield name, folder
    docker("image", "rm", "--force", name)


@pytest.fixture(scope="module")
def found(image: tuple[str, Path]) -> Inspection:
    name, folder = image
    saved = read_saved(folder / "saved.tar", Layout(folder / "layout"), lambda _: None, compress=True)
    return inspect_image(name, saved, cache=folder / "cache", reporter=SilentReporter())


def asked(docker_host: str, *arguments: str) -> str:
    command = ["/usr/bin/docker", "--host", docker_host, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_layers_are_as_large_as_docker_history_says(
    image: tuple[str, Path], found: Inspection, docker_host: str
) -> None:
    said = asked(docker_host, "history", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", image[0])
    sizes = [int(line.partition(" ")[0]) for line in reversed(said.splitlines())]
    assert [size for size in sizes if size] == [layer.content for layer in found.layers]
    assert ["COPY" in layer.title for layer in found.layers] == [True] * 4


def test_the_image_is_as_large_as_docker_says(
    image: tuple[str, Path], found: Inspection, docker_host: str
) -> None:
    said = asked(docker_host, "image", "inspect", "--format", "{{.Size}}", image[0])
    assert int(said) == found.visible + found.hidden


def test_what_can_be_seen_is_what_docker_exports(image: tuple[str, Path], found: Inspection) -> None:
    with tarfile.open(image[1] / "exported.tar") as archive:
        files = {member.name: member.size for member in archive if member.isreg() and member.size}
    assert files == {file.path: file.size for file in found.files}


def test_what_is_stored_again_is_named(found: Inspection) -> None:
    assert [(lost.path, lost.size, lost.fate) for lost in found.waste.files] == [
        ("app/model", 200_000, Fate.REPEATED),
        ("app/main", 1234, Fate.REPEATED),
        ("app/main", 1234, Fate.REPLACED),
    ]
