from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from lightship.digest import hex_of, of_bytes
from lightship.errors import IntegrityError, UsageError
from lightship.fs.entries import directory
from lightship.oci.archive import (
    archive_chunks,
    archive_entries,
    archive_size,
    full_name,
    write_docker_archive,
)
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_LAYER_TAR, Manifest, decode
from lightship.oci.record import Compression
from lightship.oci.validate import layout_problems
from lightship.reference import parse_reference
from tests.support.images import add_image, add_layer, hello_image


def archive(image: LayoutImage, name: str = "hello:1.0") -> bytes:
    buffer = io.BytesIO()
    write_docker_archive(image, name, buffer)
    return buffer.getvalue()


def test_docker_finds_configuration_tag_and_layers_by_their_paths(image: LayoutImage) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(image))) as tar:
        names = tar.getnames()
        (item,) = json.loads(member(tar, "manifest.json"))
        assert item["RepoTags"] == ["hello:1.0"]
        assert of_bytes(member(tar, item["Config"])) == image.manifest.config.digest
        assert [of_bytes(member(tar, path)) for path in item["Layers"]] == [
            layer.digest for layer in image.manifest.layers
        ]
    assert len(names) == len(set(names))


def test_what_is_unpacked_is_an_oci_layout_without_problems(image: LayoutImage, tmp_path: Path) -> None:
    layout = unpack(archive(image), tmp_path)
    assert layout_problems(layout) == []
    (listed,) = layout.index().manifests
    assert listed.digest == image.descriptor.digest
    assert listed.annotations == {
        "io.containerd.image.name": "docker.io/library/hello:1.0",
        "org.opencontainers.image.ref.name": "1.0",
    }


def test_the_same_image_is_the_same_archive(image: LayoutImage) -> None:
    assert archive(image) == archive(image)


def test_the_size_is_known_before_the_archive_is_written(image: LayoutImage) -> None:
    entries = archive_entries(image, "hello")
    assert archive_size(entries) == sum(map(len, archive_chunks(entries))) == len(archive(image, "hello"))


def test_a_layer_that_is_there_twice_is_stored_once(layout: Layout) -> None:
    layers = [add_layer(layout, [directory("a")])] * 2
    image = add_image(layout, layers)
    with tarfile.open(fileobj=io.BytesIO(archive(image))) as tar:
        (item,) = json.loads(member(tar, "manifest.json"))
        assert len(item["Layers"]) == 2
        assert tar.getnames().count(f"blobs/sha256/{hex_of(layers[0].descriptor.digest)}") == 1


def test_zstd_layers_are_decompressed_for_docker_before_23(layout: Layout, tmp_path: Path) -> None:
    image = hello_image(layout, compression=Compression.ZSTD)
    written = archive(image)
    with tarfile.open(fileobj=io.BytesIO(written)) as tar:
        (item,) = json.loads(member(tar, "manifest.json"))
        assert of_bytes(member(tar, item["Config"])) == image.manifest.config.digest
        assert [of_bytes(member(tar, path)) for path in item["Layers"]] == list(image.config.rootfs.diff_ids)
    assert archive_size(archive_entries(image, "hello:1.0")) == len(written)
    unpacked = unpack(written, tmp_path)
    assert layout_problems(unpacked) == []
    (listed,) = unpacked.index().manifests
    manifest = decode(unpacked.read(listed), Manifest, where="manifest")
    assert {layer.media_type for layer in manifest.layers} == {MEDIA_LAYER_TAR}


def test_a_damaged_zstd_layer_is_an_error(layout: Layout) -> None:
    image = hello_image(layout, compression=Compression.ZSTD)
    path = layout.blob_path(image.layers[0].descriptor.digest)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(IntegrityError, match="a blob of the image is damaged"):
        archive(image)


def test_a_name_with_a_digest_is_refused(image: LayoutImage) -> None:
    with pytest.raises(UsageError, match="has a digest"):
        archive(image, f"hello@{image.descriptor.digest}")


def test_a_damaged_blob_is_an_error(image: LayoutImage) -> None:
    path = image.layout.blob_path(image.layers[0].descriptor.digest)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(IntegrityError, match="damaged"):
        archive(image)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("hello", "docker.io/library/hello:latest"),
        ("team/hello:2", "docker.io/team/hello:2"),
        ("localhost:5000/hello:2", "localhost:5000/hello:2"),
    ],
)
def test_full_names_are_as_docker_reads_short_ones(name: str, full: str) -> None:
    assert full_name(parse_reference(name)) == full


def member(tar: tarfile.TarFile, name: str) -> bytes:
    stream = tar.extractfile(name)
    assert stream is not None
    return stream.read()


def unpack(written: bytes, folder: Path) -> Layout:
    with tarfile.open(fileobj=io.BytesIO(written)) as tar:
        for item in tar.getmembers():
            path = folder / "unpacked" / item.name
            path.parent.mkdir(exist_ok=True)
            path.mkdir() if item.isdir() else path.write_bytes(member(tar, item.name))
    return Layout(folder / "unpacked")
