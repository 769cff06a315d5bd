"""Members of small files: some of a layer's are read and compressed, and tell what the others come to.

How well small files compress beside each other differs from package to package, for code that was generated
by a third: so it is measured where there is enough of them to matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lightship.digest import CHUNK
from lightship.fs.compress import SMALL, member
from lightship.fs.entries import BytesContent, Content
from lightship.wheels.archive import Member

FRAME = 18
"""Bytes of a gzip member beside its stream (RFC 1952)."""
_WORTH = 1 << 15
"""Bytes of a member that says something of others; smaller ones are mostly headers."""
_PART, _LEAST, _MOST = 8, 2, 8
"""One of this many members of a layer is read, and no more than that many."""
Bring = Callable[[Sequence[Member]], bool]
"""Brings what is needed to read some of a wheel's files, or says that it cannot be had."""


@dataclass(slots=True)
class Gather:
    """What is compressed together: its bytes, and about how many they come to.

    Where one content is big, or has no bytes, nothing is read.
    """

    size: int = 0
    packed: float = 0.0
    contents: list[Content] = field(default_factory=list)
    readable: bool = True

    def add(self, size: int, packed: float, *contents: Content) -> None:
        self.size += size
        self.packed += packed
        self.contents += contents
        self.readable &= all(_is_readable(content) for content in contents)

    @property
    def told(self) -> float:
        return self.packed + FRAME * -(-self.size // CHUNK)

    @property
    def members(self) -> list[Member]:
        return [content for content in self.contents if isinstance(content, Member)]

    def compress(self) -> int:
        """Tell what it comes to from its bytes, as `fs.compress` writes them."""
        data = b"".join(chunk for content in self.contents for chunk in content.chunks())
        return sum(len(member(data[start : start + CHUNK])) for start in range(0, len(data), CHUNK))


def add_up(gathers: Sequence[Gather], bring: Bring | None) -> float:
    """Tell what members come to; with `bring`, some of them are read to tell it of the others."""
    worth = [gather for gather in gathers if gather.readable and gather.size >= _WORTH]
    told = sum(gather.told for gather in gathers)
    if bring is None or not (chosen := [gather for gather in _spread(worth) if bring(gather.members)]):
        return told
    known, expected = sum(gather.compress() for gather in chosen), sum(gather.told for gather in chosen)
    return told + sum(gather.told for gather in worth) * (known / expected - 1)


def _spread(gathers: Sequence[Gather]) -> Iterator[Gather]:
    """Choose some, evenly over all of them."""
    count = min(max(len(gathers) // _PART, _LEAST), _MOST) if len(gathers) >= _PART else 0
    for number in range(count):
        yield gathers[(2 * number + 1) * len(gathers) // (2 * count)]


def _is_readable(content: Content) -> bool:
    return isinstance(content, BytesContent) or (isinstance(content, Member) and content.size < SMALL)
