from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lightship.digest import hex_of
from lightship.engines.load import EngineName, load
from lightship.errors import IntegrityError, StageError, UsageError
from lightship.events import SilentReporter, SilentTask, Task
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.record import Compression
from tests.support.images import hello_image

# An engine that writes down how it was called, keeps what it is given, and fails where it is told to.
SCRIPT = """#!/bin/sh
echo "$*" >> "$LOG/calls"
case "$1 $2" in
    "image inspect") [ "$3" = "$KNOWN" ] || { echo "No such image" >&2; exit 1; } ;;
    "load ") [ -z "$DEAF" ] || { echo "no space left" >&2; exit 1; }; cat > "$LOG/loaded" ;;
    "version ") [ -z "$DOWN" ] || { echo "Is the daemon running?" >&2; exit 1; } ;;
esac
"""


class Fake:
    """A folder with a fake docker and podman, and the environment that finds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"PATH": f"{folder}:/usr/bin:/bin", "LOG": str(folder)}
        for name in ("docker", "podman"):
            (folder / name).write_text(SCRIPT)
            (folder / name).chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    @property
    def loaded(self) -> bytes:
        return (self.folder / "loaded").read_bytes()


class Recorder(SilentReporter, SilentTask):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.total: int | None = None
        self.done = 0

    def task(self, label: str, total: int | None = None, *, unit: str = "B") -> Task:  # noqa: ARG002
        self.total = total
        return self

    def advance(self, amount: int) -> None:
        self.done += amount

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Fake(folder)


@pytest.fixture
def image(tmp_path: Path) -> LayoutImage:
    layout = Layout(tmp_path / "layout")
    layout.create()
    return hello_image(layout)


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_new_image_is_streamed_into_load(fake: Fake, image: LayoutImage, engine: EngineName) -> None:
    reporter = Recorder()
    assert load(image, "hello:1.0", engine=engine, environ=fake.environ, reporter=reporter)
    assert fake.calls == [
        "version",
        f"image inspect {image.manifest.config.digest}",
        f"image inspect {image.descriptor.digest}",
        "load",
    ]
    with tarfile.open(fileobj=io.BytesIO(fake.loaded)) as archive:
        assert "manifest.json" in archive.getnames()
    assert reporter.total == reporter.done == len(fake.loaded)


@pytest.mark.parametrize("store", ["classic", "containerd"])
def test_an_image_that_the_engine_has_is_only_tagged(fake: Fake, image: LayoutImage, store: str) -> None:
    known = image.manifest.config.digest if store == "classic" else image.descriptor.digest
    reporter = Recorder()
    environ = {**fake.environ, "KNOWN": known}
    assert not load(image, "hello:1.0", engine="docker", environ=environ, reporter=reporter)
    assert fake.calls[-1] == f"image tag {known} docker.io/library/hello:1.0"
    assert reporter.notes == ["docker has this image already; it is now also called hello:1.0"]


def test_an_absent_engine_is_a_usage_error_with_a_way_out(image: LayoutImage, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="podman is not installed") as caught:
        load(image, "a", engine="podman", environ={"PATH": str(tmp_path)}, reporter=SilentReporter())
    assert "docker-archive:FILE" in caught.value.hint


def test_a_stopped_engine_is_a_usage_error_that_says_how_to_start_it(fake: Fake, image: LayoutImage) -> None:
    environ = {**fake.environ, "DOWN": "1"}
    with pytest.raises(UsageError, match="docker does not answer") as caught:
        load(image, "a", engine="docker", environ=environ, reporter=SilentReporter())
    assert "systemctl start docker" in caught.value.hint
    assert caught.value.detail == "Is the daemon running?"


def test_an_engine_that_gives_up_is_a_stage_error_with_its_words(fake: Fake, image: LayoutImage) -> None:
    environ = {**fake.environ, "DEAF": "1"}
    with pytest.raises(StageError, match="`docker load` refused the image") as caught:
        load(image, "a", engine="docker", environ=environ, reporter=SilentReporter())
    assert caught.value.detail == "no space left"


def test_a_damaged_image_is_not_handed_over(fake: Fake, image: LayoutImage) -> None:
    path = image.layout.blob_path(image.layers[1].descriptor.digest)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(IntegrityError, match="damaged"):
        load(image, "a", engine="docker", environ=fake.environ, reporter=SilentReporter())


def test_zstd_layers_are_sent_decompressed(fake: Fake, tmp_path: Path) -> None:
    image = hello_image(Layout(tmp_path / "layout"), compression=Compression.ZSTD)
    reporter = Recorder()
    assert load(image, "hello:1.0", engine="docker", environ=fake.environ, reporter=reporter)
    assert reporter.total == reporter.done == len(fake.loaded)
    with tarfile.open(fileobj=io.BytesIO(fake.loaded)) as archive:
        assert f"blobs/sha256/{hex_of(image.layers[0].diff_id)}" in archive.getnames()
