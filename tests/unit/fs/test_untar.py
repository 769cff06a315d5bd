from __future__ import annotations

import tarfile
from collections.abc import Iterator

import pytest

from lightship.errors import IntegrityError
from lightship.fs.entries import Kind
from lightship.fs.untar import LONGEST_HEADER, Member, read_tar
from tests.support.tars import folder, link, member, tar_of


def pieces(data: bytes, size: int = 700) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


def read(data: bytes) -> list[tuple[Member, bytes]]:
    return [(item, b"".join(item.chunks())) for item in read_tar(pieces(data), archive="test.tar")]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_gives_the_same_members(form: int) -> None:
    data = tar_of(
        folder("app/", mode=0o750, uid=3),
        member("./app/main.py", b"print()\n", mode=0o640, uid=1001, gid=1002, mtime=7),
        link("app/link", "main.py"),
        link("app/hard", "app/main.py", kind=tarfile.LNKTYPE),
        member("app/.wh.gone"),
        form=form,
    )
    found = [item for item, _ in read(data)]
    assert [(item.path, item.kind) for item in found] == [
        ("app", Kind.DIRECTORY),
        ("app/main.py", Kind.FILE),
        ("app/link", Kind.SYMLINK),
        ("app/hard", Kind.HARDLINK),
        ("app/.wh.gone", Kind.FILE),
    ]
    main = found[1]
    assert (main.mode, main.uid, main.gid, main.mtime, main.size) == (0o640, 1001, 1002, 7, 8)
    assert [item.target for item in found] == ["", "", "main.py", "app/main.py", ""]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_longer_than_a_header_are_read(form: int) -> None:
    name = "/".join(["ä" * 60] * 6)
    data = tar_of(member(name, b"1"), link("link", name), member("after", b"2"), form=form)
    assert [(item.path, item.target, text) for item, text in read(data)] == [
        (name, "", b"1"),
        ("link", name, b""),
        ("after", "", b"2"),
    ]


def test_content_that_is_not_read_is_passed_over() -> None:
    data = tar_of(member("a", b"a" * 5000), member("b", b"b" * 1500))
    found = {}
    for item in read_tar(pieces(data), archive="test.tar"):
        found[item.path] = b"".join(item.chunks()) if item.path == "b" else next(item.chunks())
    assert found["b"] == b"b" * 1500
    assert found["a"].startswith(b"a")


def test_the_root_itself_is_no_member() -> None:
    assert [item.path for item, _ in read(tar_of(folder("./"), member("a")))] == ["a"]


def test_a_name_with_a_slash_at_its_end_is_a_directory_in_old_tars() -> None:
    data = bytearray(tar_of(folder("old/"), form=tarfile.USTAR_FORMAT))
    data[156:157] = b"\0"
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + sum(data[156:512]) + 256)
    assert read(bytes(data))[0][0].kind is Kind.DIRECTORY


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (member("../x"), "leaves the tree"),
        (member("a/../../x"), "leaves the tree"),
        (member("/etc/passwd"), "leaves the tree"),
        (link("a", "../x"), "leaves the tree"),
        (link("a", ""), "no valid target"),
        (link("a", "../x", kind=tarfile.LNKTYPE), "leaves the tree"),
        (link("a", "/etc/shadow", kind=tarfile.LNKTYPE), "leaves the tree"),
        (member("null", kind=tarfile.CHRTYPE), "a device"),
        (member("disk", kind=tarfile.BLKTYPE), "a device"),
        (member("pipe", kind=tarfile.FIFOTYPE), "a FIFO"),
        (member("holes", kind=tarfile.GNUTYPE_SPARSE), "a sparse file"),
        (member("holes", b"x", pax_headers={"GNU.sparse.major": "1"}), "a sparse file"),
        (member("what", kind=b"Z"), "an entry of unknown type"),
        (member("a", pax_headers={"uid": "many"}), "no number"),
        (member("a", pax_headers={"size": "-5"}), "no number"),
        (member(""), "without a name"),
    ],
)
def test_what_is_hostile_is_refused(hostile: tuple[tarfile.TarInfo, bytes], message: str) -> None:
    with pytest.raises(IntegrityError, match=message) as caught:
        read(tar_of(hostile))
    assert caught.value.where == "test.tar"
    assert caught.value.hint


def test_a_truncated_archive_is_refused_wherever_it_ends() -> None:
    data = tar_of(folder("app"), member("app/" + "n" * 200, b"x" * 700), link("app/l", "x"))
    end = len(data.rstrip(b"\0")) // 512 * 512 + 512
    for size in [*range(0, end, 97), *range(0, end + 1, 512)]:
        with pytest.raises(IntegrityError, match="truncated"):
            read(data[:size])


def test_a_damaged_header_in_the_middle_is_not_taken_for_the_end() -> None:
    data = bytearray(tar_of(member("a", b"1"), member("b", b"2"), form=tarfile.USTAR_FORMAT))
    data[1024 + 3] ^= 1
    with pytest.raises(IntegrityError, match="damaged"):
        read(bytes(data))


@pytest.mark.parametrize(
    "records", [b"12 path=abcX", b"x path=a\n", b"9 nothing\n", b"13 path=\xff\xff\xff\xff\n"]
)
def test_malformed_pax_records_are_refused(records: bytes) -> None:
    data = tar_of(member("header", records, kind=tarfile.XHDTYPE), form=tarfile.USTAR_FORMAT)
    with pytest.raises(IntegrityError, match="malformed PAX"):
        read(data)


def test_names_that_are_not_utf_8_are_refused() -> None:
    long = tar_of(member("x", b"\xff" * 120, kind=tarfile.GNUTYPE_LONGNAME), form=tarfile.GNU_FORMAT)
    with pytest.raises(IntegrityError, match="not UTF-8"):
        read(long)


def test_a_header_that_never_ends_is_refused() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, LONGEST_HEADER + 1
    with pytest.raises(IntegrityError, match="a header of"):
        read(info.tobuf(tarfile.USTAR_FORMAT))


def test_global_pax_records_hold_until_the_end() -> None:
    data = tar_of(
        member("g", b"9 uid=77\n", kind=tarfile.XGLTYPE), member("a"), member("b"), form=tarfile.USTAR_FORMAT
    )
    assert [(item.path, item.uid) for item, _ in read(data)] == [("a", 77), ("b", 77)]


def test_the_input_is_read_to_its_end() -> None:
    seen = 0

    def counted() -> Iterator[bytes]:
        nonlocal seen
        for piece in pieces(tar_of(member("a")) + bytes(20_000)):
            seen += len(piece)
            yield piece

    assert [item.path for item in read_tar(counted(), archive="test.tar")] == ["a"]
    assert seen == len(tar_of(member("a"))) + 20_000


def test_devices_and_fifos_are_members_for_those_who_ask() -> None:
    data = tar_of(
        member("null", kind=tarfile.CHRTYPE), member("pipe", kind=tarfile.FIFOTYPE), member("a", b"1")
    )
    found = list(read_tar([data], archive="test.tar", special=True))
    assert [(item.path, item.kind, item.target) for item in found] == [
        ("null", Kind.SPECIAL, "a device"),
        ("pipe", Kind.SPECIAL, "a FIFO"),
        ("a", Kind.FILE, ""),
    ]
    with pytest.raises(IntegrityError, match="a sparse file"):
        list(read_tar([tar_of(member("a", kind=tarfile.GNUTYPE_SPARSE))], archive="t", special=True))
