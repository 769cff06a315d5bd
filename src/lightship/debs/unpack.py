"""What is in a `.deb` (deb(5)): its control files and its entries."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from lightship.debs.ar import ArMember, damaged, read_ar
from lightship.debs.spool import keep
from lightship.errors import IntegrityError
from lightship.fs.entries import Entry, Kind
from lightship.fs.untar import Member, read_tar

_PIECE = 1 << 18


def control_files(deb: Path, *, package: str) -> Mapping[str, bytes]:
    """Read `control`, `md5sums` and the maintainer scripts, by name.

    Raises:
        IntegrityError: if the package is damaged; it names `package`.

    """
    with deb.open("rb") as stream:
        members = read_tar(_pieces(stream, "control.tar", package), archive=package)
        return {each.path: b"".join(each.chunks()) for each in members if each.kind is Kind.FILE}


def data_members(deb: Path, *, package: str) -> Iterator[Member]:
    """Yield the members of the package's tree; contents can be read as long as the next is not asked for.

    Raises:
        IntegrityError: a damaged package, a path or link that leaves the tree, a device.

    """
    with deb.open("rb") as stream:
        yield from read_tar(_pieces(stream, "data.tar", package), archive=package)


def data_entries(deb: Path, *, package: str) -> Iterator[Entry]:
    """Yield the package's tree as entries that may be kept; large contents lie beside `deb`, without a name.

    Raises:
        IntegrityError: as `data_members`.

    """
    for member in data_members(deb, package=package):
        yield entry_of(member, deb.parent)


def entry_of(member: Member, folder: Path) -> Entry:
    """Read a member's content, so that it outlives the reading of the package."""
    return Entry(
        path=member.path,
        kind=member.kind,
        mode=member.mode,
        content=keep(member.chunks(), member.size, folder) if member.kind is Kind.FILE else None,
        target=member.target,
        uid=member.uid,
        gid=member.gid,
    )


def _pieces(stream: BinaryIO, prefix: str, package: str) -> Iterator[bytes]:
    """Yield the decompressed bytes of `control.tar` or `data.tar`, whichever compression they have."""
    member = _find(stream, prefix, package)
    suffix = member.name.removeprefix(prefix)
    if suffix not in _OPENERS:
        raise IntegrityError(f"{member.name} has a compression that is not known", where=package)
    source = cast("BinaryIO", io.BufferedReader(_Window(stream, member), _PIECE))
    try:
        with _OPENERS[suffix](source) as plain:
            while piece := plain.read(_PIECE):
                yield piece
    except _UNREADABLE as error:
        raise damaged(f"{member.name} does not decompress", package) from error


def _find(stream: BinaryIO, prefix: str, package: str) -> ArMember:
    members = read_ar(stream, archive=package)
    if not members or members[0].name != "debian-binary":
        raise damaged("it has no debian-binary", package)
    for member in members:
        if member.name.startswith(prefix):
            return member
    raise damaged(f"it has no {prefix}", package)


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, stream: BinaryIO, member: ArMember) -> None:
        self._stream = stream
        self._left = member.size
        stream.seek(member.offset)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


def _zstd(source: BinaryIO) -> BufferedIOBase:
    return cast(BufferedIOBase, zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True))


_OPENERS: Mapping[str, Callable[[BinaryIO], BufferedIOBase]] = {
    ".xz": lzma.LZMAFile,
    ".gz": lambda source: gzip.GzipFile(fileobj=source),
    ".zst": _zstd,
    "": lambda source: cast(BufferedIOBase, source),
}
_UNREADABLE = (lzma.LZMAError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile, EOFError)
