from __future__ import annotations

import tarfile
import threading
from pathlib import Path

import pytest

from lightship.build.layerstore import LayerStore
from lightship.build.rootfs import layer_store, prepare_root
from lightship.errors import IntegrityError
from lightship.events import SilentReporter
from lightship.fs.entries import Entry, Kind, directory, regular, symlink
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Execution
from lightship.oci.record import LayerRecord
from tests.support.images import add_image, add_layer
from tests.support.tars import folder, layer_of, member

REPORTER = SilentReporter()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    made.create()
    return made


@pytest.fixture
def image(layout: Layout) -> LayoutImage:
    lower = [
        directory("usr", 0o555),
        regular("usr/run", b"#!", 0o4755),
        Entry("usr/same", Kind.HARDLINK, 0o755, target="usr/run"),
        regular("usr/secret", b"s", 0o000),
        regular("usr/gone", b"g"),
        symlink("bin", "usr"),
        directory("etc"),
        symlink("etc/resolv.conf", "/run/resolv.conf"),
        regular("etc/hosts", b"theirs"),
        symlink("tmp", "/usr"),
    ]
    upper = [regular("bin/tool", b"tool", 0o755), regular("usr/.wh.gone", b"")]
    return add_image(layout, [add_layer(layout, lower), add_layer(layout, upper)])


def test_the_root_is_what_lies_on_top(image: LayoutImage, tmp_path: Path) -> None:
    root = prepare_root(image, cache=tmp_path, reporter=REPORTER)
    assert sorted(path.name for path in (root / "usr").iterdir()) == ["run", "same", "secret", "tool"]
    assert (root / "bin").readlink() == Path("usr")
    assert (root / "usr/run").stat().st_ino == (root / "usr/same").stat().st_ino
    assert (root / "usr/secret").read_bytes() == b"s"


def test_no_file_of_the_cache_changes_its_user_when_run(image: LayoutImage, tmp_path: Path) -> None:
    root = prepare_root(image, cache=tmp_path, reporter=REPORTER)
    assert (root / "usr/run").stat().st_mode & 0o7777 == 0o755


def test_what_the_sandbox_mounts_over_is_there_and_no_link(image: LayoutImage, tmp_path: Path) -> None:
    root = prepare_root(image, cache=tmp_path, reporter=REPORTER)
    for name in ("proc", "dev", "sys", "run", "tmp", "var/tmp"):
        assert (root / name).is_dir()
        assert not (root / name).is_symlink()
    for name in ("etc/hosts", "etc/resolv.conf"):
        assert not (root / name).is_symlink()
        assert (root / name).read_bytes() == b""


def test_a_working_directory_that_no_layer_has_is_made(layout: Layout, tmp_path: Path) -> None:
    layers = [add_layer(layout, [directory("app"), regular("app/x", b"")])]
    for place in ("/srv/deep/", "/app", ""):
        image = add_image(layout, layers, Execution(working_dir=place))
        root = prepare_root(image, cache=tmp_path, reporter=REPORTER)
        assert (root / place.lstrip("/")).is_dir()
        assert (root / "app/x").is_file()


def test_files_are_kept_once(image: LayoutImage, tmp_path: Path) -> None:
    root = prepare_root(image, cache=tmp_path, reporter=REPORTER)
    assert (root / "usr/tool").stat().st_nlink == 2
    stamp = (root / "usr/tool").stat().st_ino
    assert prepare_root(image, cache=tmp_path, reporter=REPORTER) == root
    assert (root / "usr/tool").stat().st_ino == stamp


def test_a_layer_that_two_images_share_is_unpacked_once(layout: Layout, tmp_path: Path) -> None:
    shared = add_layer(layout, [regular("base", b"base")])
    roots = [
        prepare_root(
            add_image(layout, [shared, add_layer(layout, [regular("app", text)])]),
            cache=tmp_path,
            reporter=REPORTER,
        )
        for text in (b"1", b"2")
    ]
    assert roots[0] != roots[1]
    assert (roots[0] / "base").samefile(roots[1] / "base")


def test_concurrent_runs_agree(image: LayoutImage, tmp_path: Path) -> None:
    roots: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda: roots.append(prepare_root(image, cache=tmp_path / "cache", reporter=REPORTER))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(roots) == 8
    assert len(set(roots)) == 1
    assert not list((tmp_path / "cache").rglob(".tmp-*"))


def test_a_damaged_layer_leaves_nothing_in_the_cache(image: LayoutImage, tmp_path: Path) -> None:
    blob = image.layout.blob_path(image.layers[0].descriptor.digest)
    blob.write_bytes(blob.read_bytes()[:-30])
    with pytest.raises(IntegrityError):
        prepare_root(image, cache=tmp_path / "cache", reporter=REPORTER)
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    first = image.layers[0].diff_id.removeprefix("sha256:")
    assert not any(first in str(path) or ".tmp-" in str(path) for path in left)


def test_what_a_killed_run_left_does_not_matter(image: LayoutImage, tmp_path: Path) -> None:
    store: LayerStore = layer_store(tmp_path)
    store.folder.mkdir(parents=True)
    (store.folder / ".tmp-killed").mkdir()
    (store.folder / ".tmp-killed" / "0").write_bytes(b"half a fi")
    assert (prepare_root(image, cache=tmp_path, reporter=REPORTER) / "usr/tool").read_bytes() == b"tool"


def test_a_listing_that_cannot_be_read_names_its_folder(image: LayoutImage, tmp_path: Path) -> None:
    store = layer_store(tmp_path)
    folder = store.get_all(image.layers, REPORTER)[0].folder
    (folder / "listing").write_bytes(b"\xc1")
    with pytest.raises(IntegrityError, match="damaged layer") as caught:
        prepare_root(image, cache=tmp_path, reporter=REPORTER)
    assert caught.value.where == str(folder)


def test_time_stamps_are_the_layers_own(image: LayoutImage, tmp_path: Path) -> None:
    root = prepare_root(image, cache=tmp_path, reporter=REPORTER)
    assert (root / "usr/tool").stat().st_mtime == 315532800


def test_device_nodes_are_listed_and_never_made(layout: Layout, tmp_path: Path) -> None:
    made = layer_of(folder("dev"), member("dev/null", kind=tarfile.CHRTYPE), member("a", b"1"))
    layout.write(made.descriptor.media_type, made.blob)
    record = LayerRecord(made.descriptor, made.diff_id, 0)
    image = add_image(layout, [record])
    root = prepare_root(image, cache=tmp_path / "cache", reporter=REPORTER)
    assert (root / "a").read_bytes() == b"1"
    assert list((root / "dev").iterdir()) == []
    [stored] = layer_store(tmp_path / "cache").get_all(image.layers, REPORTER)
    assert [(item.path, item.kind) for item in stored.members][1] == ("dev/null", Kind.SPECIAL)
