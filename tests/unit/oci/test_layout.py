from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lightship.digest import Digest, of_bytes
from lightship.errors import IntegrityError, StageError, UsageError
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_INDEX,
    MEDIA_MANIFEST,
    Descriptor,
    Execution,
    ImageConfig,
    Index,
    Manifest,
    decode,
    encode,
)
from lightship.oci.validate import layout_problems
from tests.support.images import hello_image


def test_an_empty_layout_has_no_names_and_no_problems(layout: Layout) -> None:
    assert layout.names() == {}
    assert layout_problems(layout) == []


def test_making_a_layout_again_changes_nothing(layout: Layout) -> None:
    image = hello_image(layout, name="hello")
    layout.create()
    assert layout.names()["hello"].digest == image.descriptor.digest


def test_a_layout_that_broke_off_while_it_was_made_is_finished(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "half")
    layout.blobs.mkdir(parents=True)
    layout.create()
    assert layout_problems(layout) == []


def test_a_place_where_nothing_can_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StageError) as error:
        Layout(tmp_path / "file" / "layout").create()
    assert error.value.hint


def test_a_folder_that_is_no_layout_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an OCI image layout"):
        Layout(tmp_path).index()


def test_blobs_are_found_under_their_digest_and_size(layout: Layout) -> None:
    stored = layout.write("text/plain", b"data")
    assert stored == Descriptor("text/plain", of_bytes(b"data"), 4)
    assert layout.read(stored) == b"data"
    assert layout.has(stored.digest, 4)
    assert not layout.has(stored.digest, 5)
    assert not layout.has(of_bytes(b"other"), 5)


def test_a_missing_blob_is_an_error(layout: Layout) -> None:
    with pytest.raises(IntegrityError, match="is missing") as error:
        layout.read(Descriptor("text/plain", of_bytes(b"other"), 5))
    assert error.value.hint


@pytest.mark.parametrize("data", [b"", b"dat", b"DATA", b"data and more"])
def test_a_damaged_blob_is_an_error(layout: Layout, data: bytes) -> None:
    stored = layout.write("text/plain", b"data")
    layout.blob_path(stored.digest).write_bytes(data)
    with pytest.raises(IntegrityError, match="is damaged"):
        layout.read(stored)


def test_a_blob_of_the_wrong_size_is_written_again(layout: Layout) -> None:
    stored = layout.write("text/plain", b"data")
    layout.blob_path(stored.digest).write_bytes(b"")
    layout.write("text/plain", b"data")
    assert layout.read(stored) == b"data"


def test_a_name_moves(layout: Layout, image: LayoutImage) -> None:
    other = layout.write(MEDIA_MANIFEST, encode(Manifest(2, image.manifest.config, ())))
    layout.tag("hello:latest", other)
    assert layout.names()["hello:latest"].digest == other.digest
    assert len(layout.index().manifests) == 1


def test_an_image_may_have_several_names_and_lose_one(layout: Layout, image: LayoutImage) -> None:
    layout.tag("second", image.descriptor)
    assert sorted(layout.names()) == ["hello:latest", "second"]
    layout.untag("hello:latest")
    assert sorted(layout.names()) == ["second"]
    layout.untag("nothing")
    assert sorted(layout.names()) == ["second"]


def test_tags_of_many_threads_are_all_kept(layout: Layout, image: LayoutImage) -> None:
    names = [f"name:{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: layout.tag(name, image.descriptor), names))
    assert sorted(layout.names()) == sorted([*names, "hello:latest"])


def test_the_order_of_tagging_does_not_show(tmp_path: Path) -> None:
    indexes = []
    for place, names in (("one", ["a", "b", "c"]), ("two", ["c", "a", "b"])):
        layout = Layout(tmp_path / place)
        layout.create()
        image = hello_image(layout)
        for name in names:
            layout.tag(name, image.descriptor)
        indexes.append((layout.path / "index.json").read_bytes())
    assert indexes[0] == indexes[1]


def test_what_is_no_manifest_is_no_image(layout: Layout) -> None:
    with pytest.raises(UsageError, match="is not an image manifest"):
        layout.image(Descriptor(MEDIA_INDEX, Digest("sha256:" + "0" * 64), 2))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"schemaVersion":"2"}', b'{"schemaVersion":2}', b"\xff"]
)
def test_documents_that_break_the_specification_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="not an OCI index") as error:
        decode(data, Index, where="here")
    assert error.value.where == "here"


def test_unknown_fields_are_passed_over_and_empty_ones_not_written() -> None:
    data = b'{"schemaVersion":2,"manifests":[],"subject":{"x":1}}'
    index = decode(data, Index, where="here")
    assert encode(index) == b'{"schemaVersion":2,"manifests":[]}'


def test_equal_documents_are_equal_bytes(image: LayoutImage) -> None:
    one = Execution(labels={"a": "1", "b": "2"}, env=("A=1",))
    two = Execution(labels={"b": "2", "a": "1"}, env=("A=1",))
    config = image.config
    assert encode(ImageConfig("amd64", "linux", config.rootfs, config=one)) == encode(
        ImageConfig("amd64", "linux", config.rootfs, config=two)
    )


def test_an_image_knows_how_it_is_started(image: LayoutImage) -> None:
    execution = Execution(entrypoint=("a",), cmd=("b", "c"), env=("X=1=2", "EMPTY="))
    assert execution.argv == ("a", "b", "c")
    assert execution.environment == {"X": "1=2", "EMPTY": ""}
    assert str(image.config.platform) == "linux/amd64"
    assert image.manifest.config.media_type == MEDIA_CONFIG
