from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest

from lightship.events import SilentReporter
from lightship.fs.entries import BytesContent, Entry, Kind, regular, symlink
from lightship.inspect.diff.images import diff_images
from lightship.inspect.diff.model import Aspect, Cause, ImageDiff
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_CONFIG, MEDIA_MANIFEST, Execution, Manifest, encode
from lightship.oci.record import Compression
from tests.support.images import add_image, add_layer
from tests.support.installed import SITE, dist

Diff = Callable[[LayoutImage, LayoutImage], ImageDiff]
LOCK = {"io.lightship.lock": "sha256:abc"}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    made.create()
    return made


@pytest.fixture
def diff(tmp_path: Path) -> Diff:
    def call(before: LayoutImage, after: LayoutImage) -> ImageDiff:
        cache, reporter = tmp_path / "cache", SilentReporter()
        return diff_images(("before", before), ("after", after), cache=cache, reporter=reporter)

    return call


def image(layout: Layout, *layers: Iterable[Entry], execution: Execution | None = None) -> LayoutImage:
    return add_image(layout, [add_layer(layout, layer) for layer in layers], execution)


def test_an_image_is_the_same_as_itself(layout: Layout, diff: Diff) -> None:
    made = image(layout, [regular("a", b"1")])
    found = diff(made, made)
    assert found.identical
    assert (found.configuration, found.parts, found.paths, found.first) == ((), (), (), None)
    assert (found.shared_layers, found.shared_bytes) == (1, made.manifest.layers[0].size)


def test_packages_are_added_removed_and_changed(layout: Layout, diff: Diff) -> None:
    before = [*dist("old", {"old.py": b"1"}), *dist("moved", {"m.py": b"12"}), *dist("same", {"s.py": b"1"})]
    after = [
        *dist("new", {"new.py": b"1" * 500}),
        *dist("moved", {"m.py": b"12345"}, version="2.0"),
        *dist("same", {"s.py": b"1"}),
    ]
    found = diff(image(layout, before), image(layout, after))
    states = {
        change.name: (change.before and change.before.version, change.after and change.after.version)
        for change in found.parts
    }
    assert states == {"new": (None, "1.0"), "old": ("1.0", None), "moved": ("1.0", "2.0")}
    assert next(change.growth for change in found.parts if change.name == "moved") == 3
    assert found.parts[0].name == "new"


def test_paths_differ_in_every_aspect(layout: Layout, diff: Diff) -> None:
    before = [
        regular("content", b"123456"),
        regular("mode", b"1"),
        symlink("link", "content"),
        regular("kind", b"1"),
        regular("gone", b"1"),
        regular("owner", b"1"),
        regular("same", b"1"),
    ]
    after = [
        regular("content", b"123x56"),
        regular("mode", b"1", 0o755),
        symlink("link", "mode"),
        symlink("kind", "mode"),
        regular("new", b"1"),
        regular("owner", b"1").owned_by(1, 2),
        regular("same", b"1"),
    ]
    found = {change.path: change for change in diff(image(layout, before), image(layout, after)).paths}
    assert found["content"].aspects == (Aspect.CONTENT,)
    assert found["content"].offset == 3
    assert found["mode"].aspects == (Aspect.MODE,)
    assert found["link"].aspects == (Aspect.TARGET,)
    assert Aspect.KIND in found["kind"].aspects
    assert found["owner"].aspects == (Aspect.OWNER,)
    assert found["gone"].after is None
    assert found["new"].before is None
    assert "same" not in found


def test_a_shorter_file_differs_where_it_ends(layout: Layout, diff: Diff) -> None:
    found = diff(image(layout, [regular("a", b"123")]), image(layout, [regular("a", b"12345")]))
    assert found.paths[0].offset == 3


def test_fields_of_the_configuration(layout: Layout, diff: Diff) -> None:
    layer = [regular("a", b"1")]
    before = Execution(env=("PATH=/bin", "OLD=1"), cmd=("a",), exposed_ports={"80/tcp": {}}, labels=LOCK)
    after = Execution(
        env=("OLD=2", "PATH=/bin"), cmd=("a", "b"), exposed_ports={"81/tcp": {}}, labels=LOCK, user="1"
    )
    found = diff(image(layout, layer, execution=before), image(layout, layer, execution=after))
    assert {change.field: (change.before, change.after) for change in found.configuration} == {
        "config.Cmd": (["a"], ["a", "b"]),
        "config.Env.OLD": ("1", "2"),
        "config.ExposedPorts.80/tcp": ({}, None),
        "config.ExposedPorts.81/tcp": (None, {}),
        "config.User": (None, "1"),
    }
    assert found.lock == "sha256:abc"
    assert found.first is None
    assert not found.identical


def test_fields_that_lightship_does_not_know_are_compared(layout: Layout, diff: Diff) -> None:
    made = image(layout, [regular("a", b"1")])
    document = msgspec.json.decode(made.config_data)
    other = layout.write(MEDIA_CONFIG, msgspec.json.encode({**document, "os.version": "12"}))
    manifest = Manifest(2, other, made.manifest.layers, MEDIA_MANIFEST, annotations={"note": "x"})
    changed = layout.image(layout.write(MEDIA_MANIFEST, encode(manifest)))
    fields = [change.field for change in diff(made, changed).configuration]
    assert fields == ["manifest.annotations.note", "os.version"]


def test_the_first_layer_that_differs_and_its_files(layout: Layout, diff: Diff) -> None:
    base, app = [regular("etc/a", b"1")], [regular("app/x", b"1"), regular("app/y", b"1")]
    changed = [regular("app/x", b"2"), regular("app/y", b"1")]
    found = diff(image(layout, base, app), image(layout, base, changed))
    assert found.first is not None
    assert found.first.cause is Cause.MEMBERS
    assert found.first.number == 1
    assert [(change.path, change.offset) for change in found.first.members] == [("app/x", 0)]
    assert found.shared_layers == 1


def test_the_same_tar_compressed_in_another_way(layout: Layout, diff: Diff) -> None:
    entries = [regular("a", b"1")]
    images = [
        add_image(layout, [add_layer(layout, entries, kind)]) for kind in (Compression.GZIP, Compression.ZSTD)
    ]
    found = diff(images[0], images[1])
    assert found.first is not None
    assert found.first.cause is Cause.COMPRESSION
    assert found.paths == ()


def test_the_same_members_in_another_order(layout: Layout, diff: Diff) -> None:
    entries = [regular("a", b"1"), regular("b", b"1")]
    found = diff(image(layout, entries), image(layout, entries[::-1]))
    assert found.first is not None
    assert (found.first.cause, found.first.members) == (Cause.ORDER, ())


def tar_layer(layout: Layout, *, mtime: int, pax: bool) -> LayoutImage:
    """Make an image as others' builders write them: with times, and with headers of another kind."""
    import gzip
    import tarfile

    from lightship.digest import of_bytes
    from lightship.oci.model import MEDIA_LAYER_GZIP
    from lightship.oci.record import LayerRecord

    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT
    ) as archive:
        for name in ("app", "app/file"):
            member = tarfile.TarInfo(name)
            member.type, member.mtime = (tarfile.DIRTYPE if name == "app" else tarfile.REGTYPE), mtime
            member.pax_headers = {"comment": "x"} if pax else {}
            archive.addfile(member)
    data = buffer.getvalue()
    descriptor = layout.write(MEDIA_LAYER_GZIP, gzip.compress(data, mtime=0))
    return add_image(layout, [LayerRecord(descriptor, of_bytes(data), len(data))])


def test_times_alone_are_told(layout: Layout, diff: Diff) -> None:
    found = diff(tar_layer(layout, mtime=1, pax=False), tar_layer(layout, mtime=2, pax=False))
    assert found.first is not None
    assert [(change.path, change.aspects) for change in found.first.members] == [
        ("app", (Aspect.TIME,)),
        ("app/file", (Aspect.TIME,)),
    ]
    assert found.first.members[0].before is not None
    assert found.first.members[0].before.time == 1


def test_headers_that_are_written_in_another_way(layout: Layout, diff: Diff) -> None:
    found = diff(tar_layer(layout, mtime=1, pax=False), tar_layer(layout, mtime=1, pax=True))
    assert found.first is not None
    assert (found.first.cause, found.first.members) == (Cause.HEADERS, ())


def test_a_layer_that_one_image_has_more(layout: Layout, diff: Diff) -> None:
    base = [regular("a", b"1")]
    found = diff(image(layout, base), image(layout, base, [regular("b", b"1")]))
    assert found.first is not None
    assert found.first.cause is Cause.ABSENT
    assert found.first.before is None


def test_large_files_are_compared_to_their_ends(layout: Layout, diff: Diff) -> None:
    data = bytes(3 << 20)
    other = data[:-1] + b"\1"
    content = [[Entry(f"{SITE}/x", Kind.FILE, 0o644, BytesContent(each))] for each in (data, other)]
    found = diff(image(layout, content[0]), image(layout, content[1]))
    assert found.paths[0].offset == len(data) - 1
