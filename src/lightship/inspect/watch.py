"""Reads what checks ask for from a layer's files while they pass, each of them once."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.elf import MAGIC, ElfInfo, read_elf
from lightship.errors import IntegrityError
from lightship.fs.entries import Kind
from lightship.inspect import secrets
from lightship.inspect.facts import LayerFacts
from lightship.inspect.scan import (
    HASHED_ALIKE,
    MAGIC_NUMBERS,
    Compiled,
    LayerScan,
    hash_source,
    is_installed,
    source_of,
)
from lightship.inspect.telling import LARGEST as _LONGEST_TEXT
from lightship.inspect.telling import tells_packages

_SMALLEST_ELF = 64
_WHOLE = 1 << 20
"""Bytes up to which a file is held whole."""
_HELD = 1 << 25
"""Bytes of an ELF file above which it is read from the disk: its tables are anywhere in it."""
_HEADER = 16
"""Bytes of a `.pyc` before its code."""
_TEXTS = frozenset(
    ("etc/passwd", "etc/group", "etc/os-release", "usr/lib/os-release", "lib/apk/db/installed")
)
"""What checks read beside what tells of packages. A file behind a link, by another name, costs unpacking."""
_PYTHON = re.compile(r"(?:^|/)python3\.(\d+)/")
_MAGICS = {
    minor: Compiled(magic.to_bytes(2, "little") + b"\r\n")
    for minor, magic in MAGIC_NUMBERS.items()
    if minor >= HASHED_ALIKE
}


class FactWatcher:
    """Gathers the facts of one layer.

    Args:
        folder: has room for a large file, for as long as that is read.
        done: gets layer and facts when all files have passed.

    """

    def __init__(self, folder: Path, done: Callable[[StoredLayer, LayerFacts], None]) -> None:
        self._folder = folder
        self._done = done
        self._scan = LayerScan()
        self._digests: dict[int, bytes] = {}
        self._texts: dict[int, bytes] = {}
        self._hashes: dict[int, dict[bytes, bytes]] = {}

    def see(self, member: StoredMember, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Look at a file's bytes, and hand them on.

        Raises:
            OSError: the disk is full.

        """
        self._scan.times[member.number] = member.mtime or 0
        is_text = member.path in _TEXTS or tells_packages(member.path)
        most = _LONGEST_TEXT if is_text or member.path.endswith(".py") else _WHOLE
        if member.size <= most:
            whole = b"".join(chunks)
            self._note_digest(member, hashlib.sha256(whole).digest())
            if is_text:
                self._texts[member.number] = whole
            self._look(member, whole)
            yield whole
        else:
            yield from self._large(member, chunks)

    def end(self, layer: StoredLayer) -> None:
        self._pair_sources(layer)
        facts = LayerFacts(
            layer.unpacked, layer.members, self._scan, self._digests, self._texts, self._hashes
        )
        self._done(layer, facts)

    def _look(self, member: StoredMember, whole: bytes) -> None:
        if whole.startswith(MAGIC):
            self._note_elf(member, io.BytesIO(whole))
        if member.path.endswith(".pyc"):
            self._scan.bytecode[member.number] = Compiled(whole[:_HEADER])
        elif member.size <= secrets.LARGEST and (found := secrets.in_file(member.path, whole)):
            self._scan.sightings[member.number] = found
        if member.path.endswith(".py"):
            self._hashes[member.number] = {
                compiled.header: hash_source(compiled, whole) for compiled in _likely(member.path)
            }

    def _large(self, member: StoredMember, chunks: Iterable[bytes]) -> Iterator[bytes]:
        state = hashlib.sha256()
        pieces = _led(iter(chunks), _HEADER)
        first = next(pieces)
        with tempfile.SpooledTemporaryFile(_HELD, dir=str(self._folder)) as held:
            is_elf = first.startswith(MAGIC)
            for piece in _joined(first, pieces):
                state.update(piece)
                if is_elf:
                    held.write(piece)
                yield piece
            if is_elf:
                held.seek(0)
                self._note_elf(member, cast("BinaryIO", held))
        if member.path.endswith(".pyc"):
            self._scan.bytecode[member.number] = Compiled(first[:_HEADER])
        self._note_digest(member, state.digest())

    def _note_digest(self, member: StoredMember, digest: bytes) -> None:
        digests = self._scan.digests if is_installed(member.path) else self._digests
        digests[member.number] = digest

    def _note_elf(self, member: StoredMember, stream: IO[bytes]) -> None:
        if member.size >= _SMALLEST_ELF and (info := _elf_of(cast("BinaryIO", stream), member.path)):
            self._scan.elf[member.number] = info

    def _pair_sources(self, layer: StoredLayer) -> None:
        """Move the hashes of sources to the bytecode that lies in the same layer."""
        bytecode = self._scan.bytecode
        if not any(compiled.is_hashed for compiled in bytecode.values()):
            return
        files = {item.path: item for item in layer.members if item.kind is Kind.FILE}
        for path, item in files.items():
            compiled = bytecode.get(item.number)
            if compiled is not None and compiled.is_hashed and (source := files.get(source_of(path))):
                found = self._hashes.get(source.number, {}).get(compiled.header[:4], b"")
                bytecode[item.number] = Compiled(compiled.header, found)


def _likely(path: str) -> Iterable[Compiled]:
    """Give the Pythons whose bytecode may be made of a source; a library's folder names its own."""
    found = _PYTHON.search(path)
    minor = int(found[1]) if found else None
    return (_MAGICS[minor],) if minor in _MAGICS else _MAGICS.values()


def _led(chunks: Iterator[bytes], least: int) -> Iterator[bytes]:
    """Join the first chunks until they have `least` bytes."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= least:
            break
    yield first
    yield from chunks


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _elf_of(stream: BinaryIO, where: str) -> ElfInfo | None:
    try:
        return read_elf(stream, where=where, versions=True)
    except IntegrityError:
        return None  # packages ship broken files to test their own readers with; nothing can load them
