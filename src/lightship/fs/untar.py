"""Strict reading of tars that others wrote: layers, as OCI's layer.md has them.

`tarfile` in stream mode takes a damaged header in the middle of an archive for its end, so at most its parser
of one header block is used; members, long names and PAX records (POSIX.1-2017, `pax`; GNU tar manual, "Basic
Tar Format") are followed here, and everything that is not understood is refused.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from lightship.errors import IntegrityError
from lightship.fs.entries import Kind
from lightship.fs.header import Header, parse_header
from lightship.fs.paths import check_link, normalise

BLOCK = tarfile.BLOCKSIZE
LONGEST_HEADER = 1 << 20
"""Bytes of a long name or of PAX records, above which the archive is hostile."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a tar, in the form of `fs.entries.Entry`, while the tar is read.

    `mtime` is in whole seconds since 1970. `capability` is the extended attribute `security.capability`, as
    the kernel stores it. The content can be read once, before the next member is asked for.
    """

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int = 0
    target: str = ""
    capability: bytes = b""
    _body: _Body | None = field(default=None, repr=False, compare=False)

    def chunks(self) -> Iterator[bytes]:
        """Yield what is left of a file's bytes; nothing for other kinds.

        Raises:
            IntegrityError: if the archive ends too soon.

        """
        if self._body is not None:
            yield from self._body.chunks()


def read_tar(chunks: Iterable[bytes], *, archive: str, special: bool = False) -> Iterator[Member]:
    """Yield the members of an uncompressed tar, in their order; whiteouts are members like any other.

    The input is read to its end, so that whoever checks its digest sees all of it. Errors name `archive`.
    With `special`, device nodes and FIFOs are members too, of which `target` says what they are.

    Raises:
        IntegrityError: a truncated or damaged archive, a path or link out of the tree, a sparse file, and
            unless asked for, a device or a FIFO.

    """
    source = _Source(chunks, archive)
    shared: dict[str, str] = {}
    own: dict[str, str] = {}
    while not _is_end(block := source.read(BLOCK)):
        header = _header(block, archive)
        if header.type == tarfile.XGLTYPE:
            shared |= _pax(source, header)
        elif header.type == tarfile.XHDTYPE:
            own = _pax(source, header)
        elif header.type in _LONG:
            own[_LONG[header.type]] = _long_name(source, header)
        else:
            yield from _members(source, header, shared | own, special=special)
            own = {}
    source.drain()


def _members(source: _Source, header: Header, pax: dict[str, str], *, special: bool) -> Iterator[Member]:
    """Yield the member, unless it is the root itself, then leave its content behind."""
    body = _Body(source, _number(pax, "size", header.size, source.archive))
    member = _member(header, pax, body, source.archive, _KINDS | _SPECIAL if special else _KINDS)
    if member.path:
        yield member
    elif member.kind is not Kind.DIRECTORY:
        source.fail("the archive holds a file without a name")
    if member.kind is Kind.FILE:
        body.leave()


def _member(
    header: Header, pax: dict[str, str], body: _Body, archive: str, kinds: Mapping[bytes, Kind]
) -> Member:
    name = _unicode(pax.get("path", header.name), archive)
    kind = kinds.get(header.type)
    if kind is None or any(key.startswith("GNU.sparse") for key in pax):
        _refuse(name, header.type, archive)
    if kind is Kind.FILE and name.endswith("/"):
        kind = Kind.DIRECTORY  # pre-POSIX tars have no type for directories
    path = normalise(name, archive=archive)
    return Member(
        path=path,
        kind=kind,
        mode=header.mode & 0o7777,
        uid=_number(pax, "uid", header.uid, archive),
        gid=_number(pax, "gid", header.gid, archive),
        mtime=_number(pax, "mtime", header.mtime, archive),
        size=body.left if kind is Kind.FILE else 0,
        target=_REFUSED[header.type]
        if kind is Kind.SPECIAL
        else _target(path, kind, _unicode(pax.get("linkpath", header.linkname), archive), archive),
        capability=pax.get(_CAPABILITY, "").encode("latin-1") if kind is Kind.FILE else b"",
        _body=body if kind is Kind.FILE else None,
    )


def _unicode(name: str, archive: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise IntegrityError("the archive has a name that is not UTF-8", where=archive, hint=_HINT) from error
    return name


def _target(path: str, kind: Kind, target: str, archive: str) -> str:
    if kind is Kind.HARDLINK:
        return normalise(target, archive=archive)
    if kind is not Kind.SYMLINK:
        return ""
    check_link(path, target, archive=archive)
    if not target or "\0" in target:
        raise IntegrityError(f"the link {path!r} has no valid target", where=archive, hint=_HINT)
    return target


def _header(block: bytes, archive: str) -> Header:
    try:
        return parse_header(block)
    except (tarfile.HeaderError, ValueError) as error:
        raise IntegrityError(f"the archive is damaged: {error}", where=archive, hint=_HINT) from error


def _extension(source: _Source, header: Header) -> bytes:
    """Read the content of a header that describes the next member."""
    if header.size > LONGEST_HEADER:
        source.fail(f"the archive has a header of {header.size} bytes")
    data = source.read(header.size)
    source.read(-header.size % BLOCK)
    return data


def _long_name(source: _Source, header: Header) -> str:
    """Read GNU's way to give the next member a name of more than 100 bytes."""
    try:
        return _extension(source, header).partition(b"\0")[0].decode()
    except UnicodeDecodeError:
        source.fail("the archive has a name that is not UTF-8")


def _pax(source: _Source, header: Header) -> dict[str, str]:
    """Parse PAX records: `<length> <key>=<value>`, each ended by a line feed."""
    data = _extension(source, header)
    found: dict[str, str] = {}
    try:
        while data:
            length, _, _ = data.partition(b" ")
            record, data = data[: int(length)], data[int(length) :]
            key, equals, value = record[len(length) + 1 : -1].partition(b"=")
            if not equals or record[-1:] != b"\n":
                source.fail("the archive has a malformed PAX record")
            if key in _PAX_KEYS or key.startswith(b"GNU.sparse"):
                found[key.decode()] = value.decode()
            elif key == _CAPABILITY.encode():
                found[_CAPABILITY] = value.decode("latin-1")  # these are bytes, and no text
    except ValueError:
        source.fail("the archive has a malformed PAX record")
    return found


def _number(pax: dict[str, str], key: str, otherwise: int, archive: str) -> int:
    try:
        value = int(pax[key].partition(".")[0]) if key in pax else otherwise
    except ValueError:
        value = -1
    if value < 0 and key != "mtime":
        raise IntegrityError(f"the archive has a {key} that is no number", where=archive, hint=_HINT)
    return value


def _refuse(name: str, kind: bytes, archive: str) -> NoReturn:
    what = _REFUSED.get(kind, "a sparse file" if kind in _KINDS else "an entry of unknown type")
    raise IntegrityError(f"the archive holds {what}: {posixpath.normpath(name)!r}", where=archive, hint=_HINT)


def _is_end(block: bytes) -> bool:
    return not block.strip(b"\0")


class _Source:
    """Reads exact numbers of bytes from pieces of any size."""

    def __init__(self, chunks: Iterable[bytes], archive: str) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._at = 0
        self.archive = archive

    def read(self, size: int) -> bytes:
        start, end = self._at, self._at + size
        if end <= len(self._buffer):
            self._at = end
            return self._buffer[start:end]
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[bytes]:
        while size:
            if self._at == len(self._buffer):
                self._fill()
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        while size:
            if self._at == len(self._buffer):
                self._fill()
            step = min(size, len(self._buffer) - self._at)
            self._at += step
            size -= step

    def drain(self) -> None:
        for _ in self._chunks:
            pass

    def fail(self, message: str) -> NoReturn:
        raise IntegrityError(message, where=self.archive, hint=_HINT)

    def _fill(self) -> None:
        self._buffer = next(self._chunks, b"")
        self._at = 0
        while not self._buffer:
            try:
                self._buffer = next(self._chunks)
            except StopIteration:
                self.fail("the archive is truncated")


class _Body:
    """The content of the member at hand: what of it is still unread."""

    def __init__(self, source: _Source, size: int) -> None:
        self._source = source
        self._padding = -size % BLOCK
        self.left = size

    def chunks(self) -> Iterator[bytes]:
        for piece in self._source.pieces(self.left):
            self.left -= len(piece)
            yield piece

    def leave(self) -> None:
        self._source.skip(self.left + self._padding)
        self.left = self._padding = 0


_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARDLINK,
}
_SPECIAL = dict.fromkeys((tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE), Kind.SPECIAL)
_REFUSED = {
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a FIFO",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
_LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_CAPABILITY = "SCHILY.xattr.security.capability"
_PAX_KEYS = {b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime"}
_HINT = "the archive is damaged or hostile: do not use it, and build or fetch it again"
