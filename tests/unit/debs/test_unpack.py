from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from lightship.debs.ar import read_ar
from lightship.debs.spool import IN_MEMORY, SpooledContent, keep, seekable
from lightship.debs.unpack import control_files, data_entries, data_members
from lightship.errors import IntegrityError
from lightship.fs.entries import BytesContent, Entry, Kind
from tests.unit.debs.forge import COMPRESSIONS, folder, item, link, make_ar, make_deb, make_tar

Items = Iterable[tuple[tarfile.TarInfo, bytes]]


def write(root: Path, data: bytes) -> Path:
    path = root / "demo.deb"
    path.write_bytes(data)
    return path


def unpack(root: Path, items: Items, compression: str = ".xz") -> list[Entry]:
    return list(data_entries(write(root, make_deb(items, compression=compression)), package="demo"))


def read(entry: Entry) -> bytes:
    assert entry.content is not None
    return b"".join(entry.content.chunks())


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_compression_of_dpkg_is_read(tmp_path: Path, compression: str) -> None:
    (entry,) = unpack(tmp_path, [item("./usr/bin/demo", b"data", mode=0o4755)], compression)
    assert (entry.path, entry.kind, entry.mode, read(entry)) == ("usr/bin/demo", Kind.FILE, 0o4755, b"data")
    assert control_files(tmp_path / "demo.deb", package="demo")["control"].startswith(b"Package: demo")


def test_kinds_links_and_owners_are_kept(tmp_path: Path) -> None:
    owned, _ = folder("./var/mail", 0o2775)
    owned.uid, owned.gid = 1, 8
    hard = item("./usr/bin/b", kind=tarfile.LNKTYPE, target="./usr/bin/a")
    items = [folder("./"), (owned, b""), item("./usr/bin/a", b"x"), hard, link("./bin/sh", "../usr/bin/a")]
    assert [(each.path, each.kind, each.target, each.uid, each.gid) for each in unpack(tmp_path, items)] == [
        ("var/mail", Kind.DIRECTORY, "", 1, 8),
        ("usr/bin/a", Kind.FILE, "", 0, 0),
        ("usr/bin/b", Kind.HARDLINK, "usr/bin/a", 0, 0),
        ("bin/sh", Kind.SYMLINK, "../usr/bin/a", 0, 0),
    ]


def test_entries_may_be_kept_and_read_more_than_once(tmp_path: Path) -> None:
    entries = unpack(tmp_path, [item("./a", b"1"), item("./b", b"2")])
    assert [read(entry) for entry in entries + entries] == [b"1", b"2", b"1", b"2"]


def test_long_names_may_break_within_a_character(tmp_path: Path) -> None:
    path = "usr/share/" + "\N{LATIN SMALL LETTER A WITH DIAERESIS}" * 100
    (entry,) = unpack(tmp_path, [item(f"./x{path}", b"x")])
    assert entry.path == f"x{path}"


def test_names_that_are_no_unicode_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="UTF-8"):
        unpack(tmp_path, [item("./\udcff")])


def test_a_large_file_lies_on_the_disk_without_a_name(tmp_path: Path) -> None:
    data = bytes(range(256)) * (IN_MEMORY // 256) + b"end"
    (entry,) = unpack(tmp_path, [item("./big", data)], ".gz")
    assert isinstance(entry.content, SpooledContent)
    assert (entry.size, read(entry), read(entry)) == (len(data), data, data)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.deb"]
    with seekable(entry.content) as one, seekable(entry.content) as other:
        one.seek(-3, 2)
        assert (one.read(), other.read(1)) == (b"end", b"\0")


def test_a_small_file_is_held_in_memory(tmp_path: Path) -> None:
    content = keep([b"a", b"b"], 2, tmp_path)
    assert isinstance(content, BytesContent)
    assert seekable(content).read() == b"ab"


@pytest.mark.parametrize(
    "bad",
    [
        item("../evil"),
        item("./usr/../../evil"),
        item("/etc/evil"),
        link("./usr/evil", "../../evil"),
        item("./evil", kind=tarfile.LNKTYPE, target="../evil"),
        item("./dev/evil", kind=tarfile.CHRTYPE),
        item("./dev/evil", kind=tarfile.BLKTYPE),
        item("./evil", kind=tarfile.FIFOTYPE),
    ],
    ids=lambda bad: f"{bad[0].name} {bad[0].type.decode()} {bad[0].linkname}",
)
def test_what_leaves_the_tree_or_is_no_file_is_refused(
    tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes]
) -> None:
    with pytest.raises(IntegrityError) as caught:
        unpack(tmp_path, [bad])
    assert caught.value.where == "demo"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_truncated_package_is_refused_wherever_it_ends(tmp_path: Path, compression: str) -> None:
    whole = make_deb([item("./a", b"data" * 500)], compression=compression)
    for size in range(0, len(whole) - 1, 97):
        with pytest.raises(IntegrityError) as caught:
            list(data_entries(write(tmp_path, whole[:size]), package="demo"))
        assert caught.value.where == "demo"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_stream_that_ends_too_soon_within_its_member_is_refused(tmp_path: Path, compression: str) -> None:
    whole = COMPRESSIONS[compression](make_tar([item("./a", bytes(3000)), item("./b", b"x" * 3000)]))
    for size in (0, len(whole) // 2):
        data = make_ar([("debian-binary", b"2.0\n"), (f"data.tar{compression}", whole[:size])])
        with pytest.raises(IntegrityError):
            list(data_entries(write(tmp_path, data), package="demo"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a Debian package"),
        (b"<html>not found</html>", "not a Debian package"),
        (make_ar([("data.tar", b"")]), "debian-binary"),
        (make_ar([]), "debian-binary"),
        (make_ar([("debian-binary", b"2.0\n")]), "no data.tar"),
        (make_ar([("debian-binary", b"2.0\n"), ("data.tar.lrz", b"")]), "compression"),
        (make_ar([("debian-binary", b"2.0\n"), ("data.tar.xz", b"junk")]), "does not decompress"),
        (make_ar([("debian-binary", b"2.0\n"), ("data.tar.zst", b"junk")]), "does not decompress"),
        (make_ar([("debian-binary", b"2.0\n"), ("data.tar.gz", b"junk")]), "does not decompress"),
        (make_ar([("debian-binary", b"2.0\n")]).replace(b"`\n", b"xx"), "no valid header"),
        (make_ar([("debian-binary", b"2.0\n")]).replace(b"4         `", b"-4        `"), "no valid header"),
    ],
)
def test_what_is_no_package_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(IntegrityError, match=message):
        list(data_entries(write(tmp_path, data), package="demo"))


def test_members_of_odd_size_are_padded_and_gnu_names_end_with_a_slash(tmp_path: Path) -> None:
    path = write(tmp_path, make_ar([("odd/", b"123"), ("even", b"12")]))
    with path.open("rb") as stream:
        assert [(each.name, each.size) for each in read_ar(stream, archive="demo")] == [
            ("odd", 3),
            ("even", 2),
        ]


def test_contents_that_nobody_reads_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, make_deb([item("./a", bytes(5000)), item("./b", b"x")]))
    assert [(each.path, each.size) for each in data_members(path, package="demo")] == [("a", 5000), ("b", 1)]
