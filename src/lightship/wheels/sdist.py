"""Source distributions: what their builds require, and their files.

The format is "Source distribution format" of the packaging specifications (PEP 517, PEP 625): one folder,
`{name}-{version}`, in an archive. Nothing of it is run here.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from packaging.requirements import InvalidRequirement, Requirement

from lightship.digest import CHUNK
from lightship.errors import IntegrityError
from lightship.fs.entries import Kind
from lightship.fs.paths import normalise
from lightship.fs.plant import Planter
from lightship.fs.untar import read_tar
from lightship.wheels.model import LockedSdist

LEGACY = ("setuptools>=40.8.0",)
"""What a project without `build-system` is built with (PEP 517, "Source trees")."""
_LONGEST_PYPROJECT = 1 << 22
_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".tgz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
_UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True, slots=True)
class _Item:
    path: str
    kind: Kind
    mode: int
    target: str


class _File(NamedTuple):
    """An entry with its bytes, to be read before the next entry; `mtime` in seconds since 1970."""

    item: _Item
    mtime: int
    chunks: Iterator[bytes]


def build_requires(path: Path, sdist: LockedSdist) -> tuple[str, ...]:
    """Requirements of its `build-system.requires` (PEP 518), as they are written.

    Raises:
        IntegrityError: if the archive is damaged or hostile, or its `pyproject.toml` cannot be read.

    """
    for item, _, chunks in _files(path, sdist.filename):
        if item.kind is Kind.FILE and PurePosixPath(item.path).parts[1:] == ("pyproject.toml",):
            return _requires(_limited(chunks, sdist), sdist)
    return LEGACY


def unpack_sdist(path: Path, sdist: LockedSdist, folder: Path) -> str:
    """Unpack to an empty folder; gives the name of the one folder that is then in it.

    Raises:
        IntegrityError: if the archive is damaged or hostile, or has more than one folder.

    """
    planter = Planter(folder, archive=sdist.filename)
    for item, mtime, chunks in _files(path, sdist.filename):
        planter.put(item, chunks, mtime=mtime)
    found = [entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()]
    if len(found) != 1:
        raise _refusal(f"it has {len(found)} folders where it must have one", sdist.filename)
    return found[0]


def _limited(chunks: Iterator[bytes], sdist: LockedSdist) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > _LONGEST_PYPROJECT:
            raise _refusal("its pyproject.toml is far too long", sdist.filename)
    return bytes(data)


def _requires(data: bytes, sdist: LockedSdist) -> tuple[str, ...]:
    try:
        system = tomllib.loads(data.decode()).get("build-system")
        if system is None:
            return LEGACY
        requires = system["requires"]
        if not isinstance(requires, list):
            raise _refusal("its build-system.requires is no list", sdist.filename)
        return tuple(str(Requirement(text)) for text in requires)
    except (ValueError, KeyError, AttributeError, TypeError, InvalidRequirement) as error:
        raise _refusal(f"its pyproject.toml has no valid build-system: {error}", sdist.filename) from error


def _files(path: Path, filename: str) -> Iterator[_File]:
    try:
        if filename.endswith(".zip"):
            yield from _zip_files(path, filename)
            return
        with _OPENERS[PurePosixPath(filename).suffix](path) as stream:
            pieces = iter(lambda: cast("BufferedIOBase", stream).read(CHUNK), b"")
            for member in read_tar(pieces, archive=filename):
                item = _Item(member.path, member.kind, member.mode, member.target)
                yield _File(item, member.mtime, member.chunks())
    except _UNREADABLE as error:
        raise _refusal(f"it cannot be read: {error}", filename) from error


def _zip_files(path: Path, filename: str) -> Iterator[_File]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refusal(f"it holds {info.filename!r}, which is no file", filename)
            kind = Kind.DIRECTORY if info.is_dir() else Kind.FILE
            place = normalise(info.filename, archive=filename)
            item = _Item(place, kind, mode & 0o777 or (0o755 if info.is_dir() else 0o644), "")
            mtime = int(datetime(*info.date_time, tzinfo=UTC).timestamp())
            yield _File(item, mtime, _zip_chunks(archive, info))


def _zip_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _refusal(what: str, filename: str) -> IntegrityError:
    return IntegrityError(
        f"the source distribution is not used: {what}",
        where=filename,
        hint="choose another version, and tell whoever publishes it",
    )
