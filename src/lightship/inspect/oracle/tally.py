"""A layer's size from its entries: the tar's exactly, and what compressing it comes to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lightship.digest import CHUNK
from lightship.fs import tar
from lightship.fs.compress import GATHER, SMALL, member
from lightship.fs.entries import BytesContent, Content, Entry
from lightship.inspect.oracle import ratios
from lightship.wheels.archive import DeflatedMember, Member

_FRAME = 18
"""Bytes of a gzip member beside its stream (RFC 1952)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Content of which only the size is known, and about what it comes to compressed; it has no bytes."""

    size: int
    packed: float

    def chunks(self) -> Iterator[bytes]:
        yield from ()


class Tally:
    """Adds entries up as `oci.blob.write_layer` writes them, as gzip of many members."""

    def __init__(self) -> None:
        self.unpacked = 0
        self._compressed = 0.0
        self._pending = 0

    def add(self, entry: Entry) -> None:
        size, content = entry.size, entry.content
        head = len(tar.header(entry))
        self._gather(head, ratios.HEADER * head / tar.BLOCK)
        if content is None:
            return
        if size >= SMALL and isinstance(content, DeflatedMember):
            self._flush()
            self.unpacked += size
            self._compressed += content.packed + _FRAME
        else:
            self._gather(size, packed_size(content))
        self._gather(-size % tar.BLOCK, 0)

    def finish(self) -> tuple[int, int]:
        """Give the bytes of the tar, and about how many it has compressed."""
        self._gather(len(tar.END), 1)
        self._flush()
        return self.unpacked, math.ceil(self._compressed)

    def _gather(self, size: int, packed: float) -> None:
        self.unpacked += size
        self._compressed += packed
        self._pending += size
        if self._pending >= GATHER:
            self._flush()

    def _flush(self) -> None:
        self._compressed += _FRAME * -(-self._pending // CHUNK)
        self._pending = 0


def packed_size(content: Content) -> float:
    """Estimate what a content comes to, compressed beside others by libdeflate."""
    match content:
        case Expected(packed=packed):
            return packed
        case DeflatedMember(packed=packed, size=size):
            return packed * (ratios.GATHERED if size < SMALL else ratios.RECOMPRESSED)
        case Member(size=size):
            return size * ratios.STORED
        case BytesContent(data=data):
            return len(member(data)) - _FRAME
        case _:
            return float(sum(len(member(chunk)) - _FRAME for chunk in content.chunks()))


def tally(entries: Iterable[Entry]) -> tuple[int, int]:
    """Give a layer's bytes: unpacked, as they will be, and compressed, as far as can be told."""
    counted = Tally()
    for entry in entries:
        counted.add(entry)
    return counted.finish()
