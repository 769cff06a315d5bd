"""A layer's size from its entries: the tar's exactly, and what compressing it comes to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lightship.fs import tar
from lightship.fs.compress import GATHER, SMALL, member
from lightship.fs.entries import BytesContent, Content, Entry
from lightship.inspect.oracle import ratios
from lightship.inspect.oracle.gathers import FRAME, Bring, Gather, add_up
from lightship.wheels.archive import DeflatedMember, Member


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
        self._transplanted = 0
        self._gathers = [Gather()]

    def add(self, entry: Entry) -> None:
        size, content, head = entry.size, entry.content, BytesContent(tar.header(entry))
        packed = ratios.HEADER * head.size / tar.BLOCK
        rest = BytesContent(tar.padding(size))
        if content is None:
            self._gather(packed, head)
        elif size < SMALL:
            self._gather(packed + packed_size(content), head, content, rest)
        elif isinstance(content, DeflatedMember):
            self._gather(packed, head)
            self._flush()
            self.unpacked += size
            self._transplanted += content.packed + FRAME
            self._gather(0, rest)
        else:
            self._gather(packed, head)
            self._gather(packed_size(content), content)
            self._gather(0, rest)

    def finish(self, bring: Bring | None = None) -> tuple[int, int]:
        """Give the bytes of the tar, and about how many it has compressed; `bring` as for `add_up`."""
        self._gather(1, BytesContent(tar.END))
        return self.unpacked, self._transplanted + math.ceil(add_up(self._gathers, bring))

    def _gather(self, packed: float, *contents: Content) -> None:
        size = sum(content.size for content in contents)
        self.unpacked += size
        self._gathers[-1].add(size, packed, *contents)
        if self._gathers[-1].size >= GATHER:
            self._flush()

    def _flush(self) -> None:
        if self._gathers[-1].size:
            self._gathers.append(Gather())


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
            return len(member(data)) - FRAME
        case _:
            return float(sum(len(member(chunk)) - FRAME for chunk in content.chunks()))


def tally(entries: Iterable[Entry], bring: Bring | None = None) -> tuple[int, int]:
    """Give a layer's bytes: unpacked, as they will be, and compressed, as far as can be told.

    With `bring`, some of the small files are read, which tells more of it.
    """
    counted = Tally()
    for entry in entries:
        counted.add(entry)
    return counted.finish(bring)
