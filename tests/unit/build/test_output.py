from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from lightship.build.output import write_output
from lightship.errors import IntegrityError, LightshipError, UsageError
from lightship.events import SilentReporter
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.validate import layout_problems
from tests.support.images import hello_image


@pytest.fixture
def image(tmp_path: Path) -> LayoutImage:
    layout = Layout(tmp_path / "store")
    layout.create()
    return hello_image(layout, name="hello:1")


def write(image: LayoutImage, destination: str) -> Path:
    return write_output(image, "hello:1", destination, SilentReporter())


def test_a_layout_is_a_copy_with_the_images_name(image: LayoutImage, tmp_path: Path) -> None:
    path = write(image, f"oci:{tmp_path}/out")
    copy = Layout(path)
    assert layout_problems(copy) == []
    assert copy.names()["hello:1"].digest == image.descriptor.digest
    stored, copied = (layout.blob_path(image.layers[0].descriptor.digest) for layout in (image.layout, copy))
    assert stored.read_bytes() == copied.read_bytes()
    assert not os.path.samestat(stored.stat(), copied.stat())


def test_a_layout_takes_a_second_image(image: LayoutImage, tmp_path: Path) -> None:
    write(image, f"oci:{tmp_path}/out")
    write_output(image, "hello:2", f"oci:{tmp_path}/out", SilentReporter())
    assert sorted(Layout(tmp_path / "out").names()) == ["hello:1", "hello:2"]


def test_an_empty_folder_is_good_enough(image: LayoutImage, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert layout_problems(Layout(write(image, f"oci:{tmp_path}/out"))) == []


def test_a_truncated_blob_of_an_earlier_copy_is_written_again(image: LayoutImage, tmp_path: Path) -> None:
    copy = Layout(write(image, f"oci:{tmp_path}/out"))
    copy.blob_path(image.layers[0].descriptor.digest).write_bytes(b"")
    write(image, f"oci:{tmp_path}/out")
    assert layout_problems(copy) == []


def test_a_docker_archive_names_the_image(image: LayoutImage, tmp_path: Path) -> None:
    path = write(image, f"docker-archive:{tmp_path}/new/hello.tar")
    with tarfile.open(path) as tar:
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        assert json.load(stream)[0]["RepoTags"] == ["hello:1"]


def test_a_root_file_system_holds_the_files(image: LayoutImage, tmp_path: Path) -> None:
    path = write(image, f"rootfs:{tmp_path}/root")
    assert (path / "data" / "large").stat().st_size == 1 << 20
    assert (path / "bin" / "hello").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("destination", ["", "dir", "oci", "oci:", "tar:x", ":x", "docker-archive:", "OCI:x"])
def test_unknown_destinations_are_refused(image: LayoutImage, destination: str) -> None:
    with pytest.raises(UsageError, match="unknown output") as error:
        write(image, destination)
    assert "oci, docker-archive, rootfs" in error.value.hint


@pytest.mark.parametrize(
    "destination",
    [
        "oci:used",
        "oci:file",
        "oci:file/below",
        "docker-archive:used",
        "docker-archive:file/below",
        "rootfs:file",
    ],
)
def test_places_that_are_in_use_are_refused_and_left_alone(
    image: LayoutImage, tmp_path: Path, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LightshipError) as error:
        write(image, destination)
    assert error.value.hint
    assert error.value.where
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["mine.txt"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_damaged_image_is_not_archived(image: LayoutImage, tmp_path: Path) -> None:
    path = image.layout.blob_path(image.layers[0].descriptor.digest)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(LightshipError, match="damaged"):
        write(image, f"docker-archive:{tmp_path}/hello.tar")
    assert not (tmp_path / "hello.tar").exists()
    assert not list(tmp_path.glob(".tmp-*"))


def test_a_blob_damaged_in_the_store_is_not_copied(image: LayoutImage, tmp_path: Path) -> None:
    digest = image.layers[0].descriptor.digest
    stored = image.layout.blob_path(digest)
    data = bytearray(stored.read_bytes())
    data[0] ^= 1
    stored.write_bytes(data)
    with pytest.raises(IntegrityError, match="damaged"):
        write(image, f"oci:{tmp_path}/out")
    assert not Layout(tmp_path / "out").blob_path(digest).exists()
