from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from lightship.errors import IntegrityError
from lightship.wheels.archive import Member, open_wheel
from lightship.wheels.distant import Parts, head, open_parts
from tests.support.elves import debug_library
from tests.support.wheels import Files, Packed, wheel_bytes

FILES: Files = {
    "pkg/__init__.py": b"x = 1\n" * 5000,
    "pkg/stored.bin": Packed(bytes(range(256)) * 40, stored=True),
    "pkg/lib.so": debug_library(),
    "pkg/big.txt": Packed(bytes(300_000), stored=True),
}
WHEEL = wheel_bytes("pkg", "1.0", FILES)


class Server:
    """Serves parts of bytes, and remembers which."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> bytes:
        self.asked.append((start, end))
        return self.data[start:end]


def parts_of(data: bytes) -> tuple[Parts, Server]:
    server = Server(data)
    return Parts("pkg.whl", len(data), server), server


def facts(member: Member) -> tuple[str, int, int, int, bool]:
    return member.path, member.packed, member.size, member.crc32, member.executable


def test_a_distant_wheel_has_the_members_of_a_near_one() -> None:
    parts, _ = parts_of(WHEEL)
    distant = open_parts(parts).members
    with tempfile.TemporaryFile() as stream:
        stream.write(WHEEL)
        stream.flush()
        near = open_wheel(stream, name="pkg.whl").members
        assert list(map(facts, distant.values())) == list(map(facts, near.values()))
        for path, member in near.items():
            assert b"".join(distant[path].chunks()) == b"".join(member.chunks())


def test_the_directory_takes_one_request_and_nothing_is_asked_for_twice() -> None:
    parts, server = parts_of(WHEEL)
    archive = open_parts(parts)
    assert server.asked == [(len(WHEEL) - 16384, len(WHEEL))]
    archive.read("pkg-1.0.dist-info/RECORD")
    assert len(server.asked) == 1
    archive.read("pkg/__init__.py")
    asked = list(server.asked)
    archive.read("pkg/__init__.py")
    assert server.asked == asked
    assert parts.fetched == sum(end - start for start, end in asked) < len(WHEEL) / 5


def test_what_was_kept_is_not_fetched_again() -> None:
    first, server = parts_of(WHEEL)
    open_parts(first).read("pkg/__init__.py")
    asked = len(server.asked)
    again = Parts("pkg.whl", len(WHEEL), server, tuple(first.parts))
    open_parts(again).read("pkg/__init__.py")
    assert (len(server.asked), again.fetched) == (asked, 0)


@pytest.mark.parametrize("path", ["pkg/lib.so", "pkg/stored.bin"])
def test_a_members_head_takes_little(path: str) -> None:
    parts, server = parts_of(WHEEL)
    member = open_parts(parts).members[path]
    whole = b"".join(member.chunks())
    assert head(member, 100) == whole[:100]
    assert max(end - start for start, end in server.asked[1:]) <= 16384


def test_a_near_members_head_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "wheel"
    path.write_bytes(WHEEL)
    with path.open("rb") as stream:
        member = open_wheel(stream, name="pkg.whl").members["pkg/lib.so"]
        assert head(member, 64) == b"".join(member.chunks())[:64]


def test_a_wheel_that_is_shorter_than_the_index_says_is_truncated() -> None:
    parts = Parts("pkg.whl", len(WHEEL) + 10, Server(WHEEL))
    with pytest.raises(IntegrityError, match="truncated"):
        open_parts(parts)


@pytest.mark.parametrize("data", [b"", b"<html>no such page</html>" * 40])
def test_what_is_no_wheel_is_refused(data: bytes) -> None:
    parts, _ = parts_of(data)
    with pytest.raises(IntegrityError):
        open_parts(parts)


def test_a_damaged_header_is_named() -> None:
    broken = WHEEL.replace(b"PK\x03\x04", b"XX\x03\x04", 1)
    parts, _ = parts_of(broken)
    archive = open_parts(parts)
    with pytest.raises(IntegrityError, match="no local header"):
        archive.read("pkg/__init__.py")


def test_damaged_content_is_found() -> None:
    place = WHEEL.index(b"pkg/__init__.py") + len("pkg/__init__.py") + 4
    broken = WHEEL[:place] + b"\xff\xff" + WHEEL[place + 2 :]
    parts, _ = parts_of(broken)
    member = open_parts(parts).members["pkg/__init__.py"]
    with pytest.raises(IntegrityError, match="damaged"):
        b"".join(member.chunks())
    with pytest.raises(IntegrityError, match="damaged"):
        head(member, 100)


def test_small_wheels_are_read_whole() -> None:
    small = wheel_bytes("pkg", "1.0", {"pkg.py": b"x = 1\n"})
    parts, server = parts_of(small)
    assert open_parts(parts).read("pkg.py") == b"x = 1\n"
    assert server.asked == [(0, len(small))]
