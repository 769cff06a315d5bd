"""Images for real clients: one as we write it, one whose gzip members are as odd as RFC 1952 allows."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.fs.entries import directory, regular
from lightship.fs.tar import END, header, padding
from lightship.oci.blob import LayerRecord
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_LAYER_GZIP
from lightship.oci.validate import validate
from tests.support.images import add_image, hello_image, hello_program

NAME = "hello:1.0"
Run = Callable[..., str]


@pytest.fixture(params=["written", "odd members"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> LayoutImage:
    layout = Layout(tmp_path / "layout")
    layout.create()
    made = hello_image(layout, name=NAME) if request.param == "written" else odd_image(layout)
    validate(made)
    return made


def odd_image(layout: Layout) -> LayoutImage:
    """Cut the tar in the midst of a header and of a content, with empty members between and at the end."""
    written = hello_image(layout)
    program = regular("bin/hello", hello_program(), 0o755)
    tar = header(directory("bin")) + header(program) + hello_program() + padding(program.size) + END
    pieces = (tar[:100], b"", tar[100:600], b"", b"", tar[600:1100], tar[1100:], b"")
    blob = b"".join(gzip.compress(piece, mtime=0) for piece in pieces)
    layer = LayerRecord(layout.write(MEDIA_LAYER_GZIP, blob), of_bytes(tar), len(tar))
    return add_image(layout, [layer], written.config.config, NAME)


@pytest.fixture
def docker(docker_host: str) -> Iterator[Run]:
    """Call Docker; images are gone after the test."""
    call = caller("/usr/bin/docker", "--host", docker_host)
    yield call
    if images := call("image", "ls", "--quiet").split():
        call("image", "rm", "--force", *sorted(set(images)))


@pytest.fixture
def containers(tmp_path: Path) -> dict[str, str]:
    """Give Podman and Buildah storage of their own, and settings that suit any cgroup hierarchy."""
    storage = tmp_path / "storage"
    storage.mkdir()
    (storage / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{storage}/graph"\nrunroot = "{storage}/run"\n'
    )
    (storage / "containers.conf").write_text(
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nruntime = "runc"\n'
        '[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
    )
    return {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": f"{storage}/storage.conf",
        "CONTAINERS_CONF": f"{storage}/containers.conf",
        "BUILDAH_RUNTIME": "runc",
    }


@pytest.fixture
def podman(containers: dict[str, str]) -> Run:
    return caller("podman", env=containers)


@pytest.fixture
def buildah(containers: dict[str, str]) -> Run:
    return caller("buildah", env=containers)


def caller(*program: str, env: dict[str, str] | None = None) -> Run:
    """Make a function that runs a program, shows what it said if it fails, and returns what it printed."""

    def call(*arguments: str, stdin: Path = Path(os.devnull)) -> str:
        with stdin.open("rb") as source:
            done = subprocess.run(
                [*program, *arguments], stdin=source, env=env, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    return call
