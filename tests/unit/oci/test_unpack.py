from __future__ import annotations

import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.errors import IntegrityError, UsageError
from lightship.events import SilentReporter
from lightship.fs.entries import Entry, Kind, directory, regular, symlink
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.unpack import unpack_image, unpack_layer
from tests.support.images import add_image, add_layer
from tests.support.tars import folder, layer_of, link, member


def image_of(layout: Layout, *layers: list[Entry]) -> LayoutImage:
    return add_image(layout, [add_layer(layout, entries) for entries in layers])


def unpack(image: LayoutImage, to: Path) -> dict[str, str]:
    unpack_image(image, to, reporter=SilentReporter(), as_root=False)
    return {str(path.relative_to(to)): path.read_text() for path in sorted(to.rglob("*")) if path.is_file()}


def test_layers_lie_over_each_other(layout: Layout, tmp_path: Path) -> None:
    image = image_of(
        layout,
        [
            directory("a"),
            regular("a/old", b"old"),
            regular("a/gone", b""),
            directory("d"),
            regular("d/x", b""),
        ],
        [directory("a"), regular("a/old", b"new"), regular("a/.wh.gone", b""), regular(".wh.d", b"")],
    )
    assert unpack(image, tmp_path / "out") == {"a/old": "new"}
    assert not (tmp_path / "out/d").exists()


def test_modes_times_and_hard_links_are_kept(layout: Layout, tmp_path: Path) -> None:
    entries = [
        directory("closed", 0o500),
        regular("closed/run", b"#!", 0o4755),
        Entry("closed/same", Kind.HARDLINK, 0o755, target="closed/run"),
        directory("tmp", 0o1777),
    ]
    out = tmp_path / "out"
    unpack(image_of(layout, entries), out)
    assert (out / "closed/run").stat().st_mode & 0o7777 == 0o4755
    assert (out / "closed").stat().st_mode & 0o7777 == 0o500
    assert (out / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (out / "closed/same").stat().st_ino == (out / "closed/run").stat().st_ino
    assert (out / "closed/run").stat().st_mtime == 315532800
    (out / "closed").chmod(0o700)


def test_no_write_follows_a_link_out_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    layer = layer_of(link("e", str(outside)), member("e/passwd", b"mine"))
    inside = tmp_path / "inside"
    inside.mkdir()
    unpack_layer(layer, inside, as_root=False)
    assert not list(outside.iterdir())
    assert (inside / str(outside).lstrip("/") / "passwd").read_bytes() == b"mine"


def test_a_file_that_replaces_a_link_does_not_write_through_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("safe")
    inside = tmp_path / "inside"
    inside.mkdir()
    unpack_layer(layer_of(link("a", str(victim)), member("a", b"evil")), inside, as_root=False)
    assert victim.read_text() == "safe"
    assert (inside / "a").read_bytes() == b"evil"


def test_a_folder_that_replaces_a_tree_takes_its_place(tmp_path: Path) -> None:
    layer = layer_of(folder("a"), folder("a/b"), member("a/b/c"), link("a", "x"), member("a", b"1"))
    unpack_layer(layer, tmp_path, as_root=False)
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_wrong_diff_id_is_found(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="not what the image's configuration says"):
        unpack_layer(layer_of(member("a"), diff_id=of_bytes(b"")), tmp_path, as_root=False)


def test_a_truncated_blob_is_found(tmp_path: Path) -> None:
    layer = layer_of(member("a", os.urandom(5000)))
    with pytest.raises(IntegrityError, match="does not decompress"):
        unpack_layer(replace(layer, blob=layer.blob[:-20]), tmp_path, as_root=False)


def test_a_damaged_layer_leaves_nothing_behind(layout: Layout, tmp_path: Path) -> None:
    image = image_of(layout, [directory("closed", 0o500), regular("closed/file", b"data")])
    blob = layout.blob_path(image.layers[0].descriptor.digest)
    data = bytearray(blob.read_bytes())
    data[4] ^= 1  # the time stamp of the first member: it still inflates to the same
    blob.write_bytes(data)
    with pytest.raises(IntegrityError, match="damaged"):
        unpack(image, tmp_path / "to" / "out")
    assert not list((tmp_path / "to").iterdir())


def test_a_folder_with_something_in_it_is_refused(layout: Layout, tmp_path: Path) -> None:
    image = image_of(layout, [regular("a", b"")])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    for name in ("full", "full/file"):
        with pytest.raises(UsageError, match="not empty"):
            unpack(image, tmp_path / name)


def test_an_empty_folder_is_filled(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert unpack(image_of(layout, [regular("a", b"1"), symlink("l", "a")]), tmp_path / "out") == {
        "a": "1",
        "l": "1",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="ownership needs root")
def test_root_keeps_owners(tmp_path: Path) -> None:
    layer = layer_of(
        folder("d", uid=11, gid=12),
        member("d/f", mode=0o4755, uid=13, gid=14),
        link("d/l", "f"),
        link("d/h", "d/f", kind=tarfile.LNKTYPE),
    )
    unpack_layer(layer, tmp_path, as_root=True)
    assert [(tmp_path / name).stat().st_uid for name in ("d", "d/f", "d/h")] == [11, 13, 13]
    assert (tmp_path / "d/f").stat().st_mode & 0o7777 == 0o4755
