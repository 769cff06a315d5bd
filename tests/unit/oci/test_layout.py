from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.errors import IntegrityError, UsageError
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_INDEX,
    MEDIA_MANIFEST,
    REF_NAME,
    Descriptor,
    Execution,
    ImageConfig,
    Index,
    Manifest,
    RootFs,
    decode,
    encode,
)


def test_creating_a_layout_twice_changes_nothing(layout: Layout, image: LayoutImage) -> None:
    layout.create()
    assert layout.names()["hello:latest"].digest == image.descriptor.digest
    assert (layout.path / "oci-layout").read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'


def test_a_blob_is_written_once_under_its_digest(layout: Layout) -> None:
    descriptor = layout.write("text/plain", b"hello")
    assert descriptor == Descriptor("text/plain", of_bytes(b"hello"), 5)
    written = layout.blob_path(descriptor.digest).stat()
    assert layout.write("text/plain", b"hello") == descriptor
    assert layout.blob_path(descriptor.digest).stat().st_ino == written.st_ino
    assert layout.read(descriptor) == b"hello"


def test_a_blob_of_another_size_is_not_there(layout: Layout) -> None:
    descriptor = layout.write("text/plain", b"hello")
    assert layout.has(descriptor.digest, 5)
    assert not layout.has(descriptor.digest, 4)
    assert not layout.has(of_bytes(b"other"), 5)


def test_a_blob_that_broke_off_is_written_again(layout: Layout) -> None:
    descriptor = layout.write("text/plain", b"hello")
    layout.blob_path(descriptor.digest).write_bytes(b"hel")
    layout.write("text/plain", b"hello")
    assert layout.read(descriptor) == b"hello"


def test_damage_is_found_when_the_blob_is_read(layout: Layout) -> None:
    descriptor = layout.write("text/plain", b"hello")
    layout.blob_path(descriptor.digest).write_bytes(b"hullo")
    with pytest.raises(IntegrityError, match="a blob of the image is damaged") as caught:
        layout.read(descriptor)
    assert caught.value.where == str(layout.blob_path(descriptor.digest))


def test_a_missing_blob_is_an_error_of_its_own(layout: Layout) -> None:
    with pytest.raises(IntegrityError, match="a blob of the image is missing"):
        layout.read(Descriptor("text/plain", of_bytes(b"hello"), 5))


def test_what_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this is not an OCI image layout"):
        Layout(tmp_path).names()


def test_a_name_moves_to_the_image_that_has_it_last(layout: Layout, image: LayoutImage) -> None:
    other = layout.write(MEDIA_MANIFEST, encode(Manifest(2, image.manifest.config, (), MEDIA_MANIFEST)))
    layout.tag("second:latest", image.descriptor)
    layout.tag("hello:latest", other)
    names = layout.names()
    assert {name: item.digest for name, item in names.items()} == {
        "hello:latest": other.digest,
        "second:latest": image.descriptor.digest,
    }
    layout.untag("hello:latest")
    assert list(layout.names()) == ["second:latest"]
    layout.untag("unknown")


def test_the_index_is_sorted_by_name_whatever_the_order_of_tagging(
    layout: Layout, image: LayoutImage
) -> None:
    for name in ("b:1", "a:1", "c:1"):
        layout.tag(name, image.descriptor)
    assert list(layout.names()) == ["a:1", "b:1", "c:1", "hello:latest"]


def test_tagging_what_is_tagged_so_already_does_not_touch_the_index(
    layout: Layout, image: LayoutImage
) -> None:
    before = (layout.path / "index.json").stat()
    layout.tag("hello:latest", image.descriptor)
    assert (layout.path / "index.json").stat().st_ino == before.st_ino


def test_writers_that_tag_at_once_lose_no_name(layout: Layout) -> None:
    # Every writer opens the lock anew, so that threads exclude each other as processes do (flock(2)).
    def tag_many(worker: int) -> None:
        for number in range(20):
            layout.tag(f"w{worker}-{number}", Descriptor(MEDIA_MANIFEST, of_bytes(b"x"), 1))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(tag_many, range(3)))
    assert len(layout.names()) == 60


def test_an_image_is_read_with_its_layers_in_order(layout: Layout, image: LayoutImage) -> None:
    again = layout.image(layout.names()["hello:latest"])
    assert again.config == image.config
    assert [layer.diff_id for layer in again.layers] == list(image.config.rootfs.diff_ids)
    assert of_bytes(b"".join(again.layers[0].chunks())) == image.manifest.layers[0].digest


def test_only_a_manifest_is_an_image(layout: Layout) -> None:
    with pytest.raises(UsageError, match="is not an image manifest"):
        layout.image(Descriptor(MEDIA_INDEX, of_bytes(b""), 0))


def test_layers_and_diff_ids_that_do_not_match_are_an_integrity_error(
    layout: Layout, image: LayoutImage
) -> None:
    config = layout.write(MEDIA_CONFIG, encode(ImageConfig("amd64", "linux", RootFs(()))))
    broken = layout.write(MEDIA_MANIFEST, encode(Manifest(2, config, image.manifest.layers, MEDIA_MANIFEST)))
    with pytest.raises(IntegrityError, match="2 layers, but 0 diff IDs"):
        _ = layout.image(broken).layers


def test_a_document_that_is_no_manifest_is_an_integrity_error(layout: Layout) -> None:
    odd = layout.write(MEDIA_MANIFEST, b'{"schemaVersion": 2}')
    with pytest.raises(IntegrityError, match=r"not an OCI manifest: .*config"):
        _ = layout.image(odd).manifest


def test_fields_that_go_leaves_null_are_read_as_empty() -> None:
    text = b"""{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": null},
        "config": {"Entrypoint": null, "Cmd": ["a"], "Labels": null, "Volumes": null}, "history": null}"""
    with pytest.raises(IntegrityError, match="diff_ids"):
        decode(text, ImageConfig, where="config")
    config = decode(text.replace(b'"diff_ids": null', b'"diff_ids": []'), ImageConfig, where="config")
    assert config.config == Execution(cmd=("a",))
    assert config.history == ()


def test_documents_are_the_same_bytes_after_a_round_trip(image: LayoutImage, layout: Layout) -> None:
    index = layout.index()
    assert encode(decode(encode(index), Index, where="")) == encode(index)
    assert encode(decode(encode(image.config), ImageConfig, where="")) == encode(image.config)
    assert REF_NAME in index.manifests[0].annotations
