from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import IntegrityError
from lightship.fs.compress import SMALL
from lightship.fs.entries import Entry, Kind
from lightship.wheels.archive import DeflatedMember, WheelArchive, open_wheel
from tests.support.archives import layer
from tests.support.wheels import Packed, zip_bytes

NAME = "demo-1.0-py3-none-any.whl"
DATA = b"some data, again and again, " * 5000
SIZES = (0, 1, SMALL - 1, SMALL, SMALL + 1, 3 << 20)
Open = Callable[[bytes], WheelArchive]


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Open:
    def open_bytes(data: bytes) -> WheelArchive:
        path = tmp_path / "archive"
        path.write_bytes(data)
        stream = path.open("rb")
        request.addfinalizer(stream.close)
        return open_wheel(stream, name=NAME)

    return open_bytes


def check(error: pytest.ExceptionInfo[IntegrityError], message: str) -> None:
    assert message in error.value.message
    assert error.value.where == NAME
    assert error.value.hint


def patched(data: bytes, offset: int, form: str, value: int) -> bytes:
    """Change one field of the only entry of the zip directory (APPNOTE.TXT, section 4.3.12)."""
    changed = bytearray(data)
    struct.pack_into(form, changed, changed.index(b"PK\x01\x02") + offset, value)
    return bytes(changed)


def content(wheel: WheelArchive, path: str) -> bytes:
    return b"".join(wheel.members[path].chunks())


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_members_are_what_went_in(opened: Open, size: int, *, stored: bool) -> None:
    data = (DATA * 23)[:size]
    assert len(data) == size
    wheel = opened(zip_bytes({"a": Packed(b"before"), "file": Packed(data, stored=stored)}))
    assert wheel.members["file"].size == size
    assert content(wheel, "file") == data


def test_raw_streams_are_the_archives_own_bytes(opened: Open) -> None:
    data = zip_bytes({"file": Packed(DATA)})
    member = opened(data).members["file"]
    assert isinstance(member, DeflatedMember)
    raw = b"".join(member.raw())
    assert raw == data[member.offset : member.offset + member.packed]
    pairs = list(member.pairs())
    assert b"".join(part for part, _ in pairs) == raw
    assert b"".join(part for _, part in pairs) == DATA


def test_members_keep_the_order_of_the_archive(opened: Open) -> None:
    wheel = opened(zip_bytes({name: Packed(b"") for name in ("b", "a", "c")}))
    assert list(wheel.members) == ["b", "a", "c"]


def test_directory_entries_are_passed_over(opened: Open) -> None:
    wheel = opened(zip_bytes({"package/": Packed(b"", 0o40755), "package/a.py": Packed(b"")}))
    assert list(wheel.members) == ["package/a.py"]


def test_names_are_normalised(opened: Open) -> None:
    assert list(opened(zip_bytes({"./package//a.py": Packed(b"")})).members) == ["package/a.py"]


@pytest.mark.parametrize(
    ("mode", "executable"),
    [(0o100644, False), (0o100755, True), (0o100654, True), (0o755, False), (0, False)],
)
def test_files_are_executable_as_pip_reads_modes(opened: Open, mode: int, *, executable: bool) -> None:
    assert opened(zip_bytes({"file": Packed(b"", mode)})).members["file"].executable is executable


def test_bytes_before_the_archive_do_no_harm(opened: Open) -> None:
    assert content(opened(b"#!/bin/sh\nexit\n" + zip_bytes({"file": Packed(DATA)})), "file") == DATA


def test_a_comment_after_the_archive_does_no_harm(opened: Open) -> None:
    buffer = io.BytesIO(zip_bytes({"file": Packed(DATA)}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"trailing words"
    assert content(opened(buffer.getvalue()), "file") == DATA


def test_zip64_entries_are_read(opened: Open) -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("file", "w", force_zip64=True) as stream,
    ):
        stream.write(DATA)
    assert content(opened(buffer.getvalue()), "file") == DATA


def test_extra_fields_and_data_descriptors_do_no_harm(opened: Open) -> None:
    class Unseekable(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        place = zipfile.ZipInfo("file")
        place.extra = struct.pack("<HH4s", 0x9999, 4, b"more")
        place.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(place, DATA)
    assert content(opened(bytes(out.data)), "file") == DATA


@pytest.mark.parametrize("data", [b"", b"not a zip file", b"PK\x05\x06" + bytes(17)])
def test_what_is_no_zip_file_is_refused(opened: Open, data: bytes) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(data)
    check(error, "not a wheel")


def test_a_truncated_wheel_is_refused(opened: Open) -> None:
    data = zip_bytes({"a": Packed(DATA), "b": Packed(DATA, stored=True)})
    for size in [*range(0, len(data), 997), *range(len(data) - 60, len(data))]:
        with pytest.raises(IntegrityError) as error:
            opened(data[:size])
        check(error, "not a wheel")


def test_trailing_garbage_is_refused_or_does_no_harm(opened: Open) -> None:
    data = zip_bytes({"file": Packed(DATA)})
    assert content(opened(data + b"garbage" * 10), "file") == DATA
    with pytest.raises(IntegrityError) as error:
        opened(data + b"garbage" * 10_000)  # further than a comment can reach
    check(error, "not a wheel")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_a_wrong_crc_is_found(opened: Open, size: int, *, stored: bool) -> None:
    data = patched(zip_bytes({"file": Packed((DATA * 23)[:size], stored=stored)}), 16, "<I", 0xDEADBEEF)
    member = opened(data).members["file"]
    for read in (lambda: b"".join(member.chunks()), lambda: layer([Entry("f", Kind.FILE, 0o644, member)])):
        with pytest.raises(IntegrityError) as error:
            read()
        check(error, "file is damaged")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("change", [-1, 1, 70_000, -70_000])
def test_a_wrong_size_in_the_directory_is_found(opened: Open, change: int, *, stored: bool) -> None:
    data = patched(zip_bytes({"file": Packed(DATA, stored=stored)}), 24, "<I", len(DATA) + change)
    with pytest.raises(IntegrityError) as error:
        content(opened(data), "file")
    check(error, "file is damaged")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("change", [-1, 1, -20])
def test_a_wrong_packed_size_in_the_directory_is_found(opened: Open, change: int, *, stored: bool) -> None:
    data = zip_bytes({"file": Packed(DATA, stored=stored)})
    packed = zipfile.ZipFile(io.BytesIO(data)).infolist()[0].compress_size
    with pytest.raises(IntegrityError) as error:
        content(opened(patched(data, 20, "<I", packed + change)), "file")
    check(error, "file is damaged")


def test_a_packed_size_beyond_the_file_is_found(opened: Open) -> None:
    with pytest.raises(IntegrityError) as error:
        content(opened(patched(zip_bytes({"file": Packed(DATA)}), 20, "<I", 1 << 30)), "file")
    check(error, "the wheel is truncated")


@pytest.mark.parametrize("size", [100, len(DATA)])
def test_bad_deflate_data_is_found(opened: Open, size: int) -> None:
    data = bytearray(zip_bytes({"file": Packed(DATA[:size])}))
    data[34] ^= 0xFF  # the first byte of the stream: 30 of the local header, 4 of the name
    member = opened(bytes(data)).members["file"]
    for read in (lambda: b"".join(member.chunks()), lambda: layer([Entry("f", Kind.FILE, 0o644, member)])):
        with pytest.raises(IntegrityError) as error:
            read()
        check(error, "file is damaged")


def test_an_inflated_size_above_the_promised_is_not_read_to_its_end(opened: Open) -> None:
    data = patched(zip_bytes({"bomb": Packed(bytes(50 << 20))}), 24, "<I", 10)
    chunks = opened(data).members["bomb"].chunks()
    with pytest.raises(IntegrityError) as error:
        next(chunks)
    check(error, "bomb is damaged")


def test_a_missing_local_header_is_found(opened: Open) -> None:
    data = zip_bytes({"file": Packed(DATA)})
    with pytest.raises(IntegrityError) as error:
        opened(b"XX" + data[2:])
    check(error, "no local header for file")


@pytest.mark.parametrize("offset", [1 << 20, 0xFFFFFFF0])
def test_a_header_beyond_the_file_is_found(opened: Open, offset: int) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(patched(zip_bytes({"file": Packed(DATA)}), 42, "<I", offset))
    check(error, "the wheel is truncated")


def test_a_directory_that_starts_before_the_file_is_found(opened: Open) -> None:
    data = bytearray(zip_bytes({"file": Packed(DATA)}))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 16, 1 << 20)  # offset of the directory
    with pytest.raises(IntegrityError) as error:
        opened(bytes(data))
    check(error, "the wheel is truncated")


def test_encrypted_members_are_refused(opened: Open) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(patched(zip_bytes({"file": Packed(DATA)}), 8, "<H", 1))
    check(error, "file is encrypted")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_what_is_not_a_file_is_refused(opened: Open, kind: int) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(zip_bytes({"file": Packed(b"/etc/passwd", kind | 0o777)}))
    check(error, "not a file")


@pytest.mark.parametrize("path", ["../evil", "a/../../evil", "/etc/passwd", "a/../b"])
def test_names_that_leave_the_tree_are_refused(opened: Open, path: str) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(zip_bytes({path: Packed(b"")}))
    check(error, "leaves the tree")


@pytest.mark.parametrize("again", ["package/a.py", "package//a.py"])
def test_a_path_that_is_there_twice_is_refused(opened: Open, again: str) -> None:
    placeholder = "x" * len(again)
    data = zip_bytes({"package/a.py": Packed(b"one"), placeholder: Packed(b"two")})
    with pytest.raises(IntegrityError) as error:
        opened(data.replace(placeholder.encode(), again.encode()))
    check(error, "package/a.py twice")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, 99])
def test_other_compressions_are_refused(opened: Open, method: int) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(patched(zip_bytes({"file": Packed(DATA)}), 10, "<H", method))
    check(error, "unknown method")


def test_a_newer_zip_version_is_refused(opened: Open) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(patched(zip_bytes({"file": Packed(DATA)}), 6, "<H", 99))
    check(error, "not a wheel")


def test_a_file_that_the_wheel_has_not_is_named(opened: Open) -> None:
    with pytest.raises(IntegrityError) as error:
        opened(zip_bytes({"file": Packed(DATA)})).read("demo.dist-info/WHEEL")
    check(error, "the wheel has no demo.dist-info/WHEEL")
