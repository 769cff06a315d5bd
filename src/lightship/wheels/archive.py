"""Wheels as archives: members found through the zip directory and read without `zipfile`'s copying.

The zip format is PKWARE's APPNOTE.TXT; its section 4.3.7 is the local file header.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, BinaryIO, Protocol

from isal import isal_zlib

from lightship.digest import CHUNK
from lightship.errors import IntegrityError
from lightship.fs.paths import normalise

_LOCAL = struct.Struct("<4s22xHH")
_PIECE = 1 << 18
_ENCRYPTED = 0x1


class Source(Protocol):
    """Where the bytes of an archive are; `name` is that of the archive."""

    @property
    def name(self) -> str: ...

    def read(self, offset: int, size: int) -> bytes:
        """Read exactly `size` bytes.

        Raises:
            IntegrityError: if the archive ends before.

        """


class Handle:
    """An open archive that threads can read at any offset."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._descriptor = stream.fileno()
        self._size = os.fstat(self._descriptor).st_size
        self.name = name

    def read(self, offset: int, size: int) -> bytes:
        if offset < 0 or offset + size > self._size:
            raise IntegrityError("the wheel is truncated", where=self.name, hint=FETCH_AGAIN)
        return os.pread(self._descriptor, size, offset)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a wheel, checked by its CRC-32 and by its digest in `RECORD`, if it has one there.

    `packed` is its length in the archive and `size` inflated, in bytes; `sha256` is the raw digest.
    """

    handle: Source
    path: str
    offset: int
    packed: int
    size: int
    crc32: int
    executable: bool
    sha256: bytes | None = None

    def raw(self) -> Iterator[bytes]:
        for start in range(0, self.packed, _PIECE):
            yield self.handle.read(self.offset + start, min(_PIECE, self.packed - start))

    def chunks(self) -> Iterator[bytes]:
        """Yield the file; of a member that is stored, the archive's own bytes.

        Raises:
            IntegrityError: when the end is reached and size, CRC-32 or digest differ.

        """
        check = _Check(self)
        for piece in self.raw():
            yield check.update(piece)
        check.finish(whole=True)


@dataclass(frozen=True, slots=True)
class DeflatedMember(Member):
    """A file that the wheel holds as a raw DEFLATE stream (RFC 1951)."""

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield pieces of the stream, each with what it inflates to; checked as `chunks` is."""
        inflater = isal_zlib.decompressobj(-15)
        check = _Check(self)
        try:
            for piece in self.raw():
                yield piece, check.update(inflater.decompress(piece, CHUNK))
                while inflater.unconsumed_tail:
                    yield b"", check.update(inflater.decompress(inflater.unconsumed_tail, CHUNK))
            yield b"", check.update(inflater.flush())
        except isal_zlib.error as error:  # type: ignore[misc]  # its stub says instance
            raise check.damaged() from error
        check.finish(whole=inflater.eof and not inflater.unused_data)

    def chunks(self) -> Iterator[bytes]:
        for _, plain in self.pairs():
            yield plain


class _Check:
    def __init__(self, member: Member) -> None:
        self._member = member
        self._crc = 0
        self._size = 0
        self._digest = sha256() if member.sha256 else None

    def update(self, plain: bytes) -> bytes:
        self._crc = isal_zlib.crc32(plain, self._crc)
        self._size += len(plain)
        if self._size > self._member.size:
            raise self.damaged()
        if self._digest:
            self._digest.update(plain)
        return plain

    def finish(self, *, whole: bool) -> None:
        member = self._member
        if not whole or (self._size, self._crc) != (member.size, member.crc32):
            raise self.damaged()
        if self._digest and self._digest.digest() != member.sha256:
            raise IntegrityError(
                f"{member.path} does not match its digest in RECORD", where=member.handle.name, hint=PUBLISHER
            )

    def damaged(self) -> IntegrityError:
        member = self._member
        return IntegrityError(f"{member.path} is damaged", where=member.handle.name, hint=FETCH_AGAIN)


@dataclass(frozen=True)
class WheelArchive:
    """An open wheel: its files by path, in the order of the archive."""

    handle: Source
    members: dict[str, Member]

    def read(self, path: str) -> bytes:
        """Read a metadata file whole.

        Raises:
            IntegrityError: if the wheel has no such file, or it is damaged.

        """
        try:
            return b"".join(self.members[path].chunks())
        except KeyError:
            raise IntegrityError(f"the wheel has no {path}", where=self.handle.name, hint=PUBLISHER) from None


def open_wheel(stream: BinaryIO, *, name: str) -> WheelArchive:
    """Read a wheel's zip directory; the stream must stay open while members are read.

    Raises:
        IntegrityError: if it is no zip file, is truncated or encrypted, or holds a path that leaves the tree.

    """
    return read_directory(stream, Handle(stream, name), _KINDS, content_offset)


def read_directory(
    stream: IO[bytes],
    handle: Source,
    kinds: Mapping[int, type[Member]],
    locate: Callable[[Source, zipfile.ZipInfo], int],
) -> WheelArchive:
    """Read a zip directory from a stream of the whole archive.

    `kinds` are what members become, by the zip's method of compression; `locate` gives their offsets.

    Raises:
        IntegrityError: as `open_wheel`.

    """
    name = handle.name
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise IntegrityError(f"not a wheel: {error}", where=name, hint=FETCH_AGAIN) from error
    members: dict[str, Member] = {}
    for info in infos:
        path = normalise(info.filename, archive=name)
        if path in members:
            raise IntegrityError(f"the wheel holds {path} twice", where=name, hint=PUBLISHER)
        members[path] = _member(handle, info, path, kinds, locate)
    return WheelArchive(handle, members)


def content_offset(handle: Source, info: zipfile.ZipInfo) -> int:
    """Find where a member's bytes begin: after its local header.

    Raises:
        IntegrityError: if there is no such header.

    """
    magic, name_size, extra_size = _LOCAL.unpack(handle.read(info.header_offset, _LOCAL.size))
    if magic != b"PK\x03\x04":
        raise IntegrityError(f"no local header for {info.filename}", where=handle.name, hint=FETCH_AGAIN)
    return info.header_offset + _LOCAL.size + int(name_size) + int(extra_size)


def _member(
    handle: Source,
    info: zipfile.ZipInfo,
    path: str,
    kinds: Mapping[int, type[Member]],
    locate: Callable[[Source, zipfile.ZipInfo], int],
) -> Member:
    mode = info.external_attr >> 16
    if info.flag_bits & _ENCRYPTED or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
        raise IntegrityError(f"{path} is encrypted or not a file", where=handle.name, hint=PUBLISHER)
    kind = kinds.get(info.compress_type)
    if kind is None:
        raise IntegrityError(f"{path} is compressed by an unknown method", where=handle.name, hint=PUBLISHER)
    executable = stat.S_ISREG(mode) and bool(mode & 0o111)  # as pip and installer read it
    offset, size = locate(handle, info), info.file_size
    return kind(handle, path, offset, info.compress_size, size, info.CRC, executable)


_KINDS: Mapping[int, type[Member]] = {zipfile.ZIP_STORED: Member, zipfile.ZIP_DEFLATED: DeflatedMember}
FETCH_AGAIN = "empty the cache (`lightship cache prune`) and run the command again: it will be fetched anew"
PUBLISHER = "the wheel itself is wrong: choose another version, and tell its publisher"
