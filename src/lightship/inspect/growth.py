"""Whether images grew more than they may."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from lightship.errors import UsageError
from lightship.inspect.compare import Sized
from lightship.project.config import size_in_bytes

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")


@dataclass(frozen=True, slots=True)
class Limit:
    """How much bigger an image may be: a part of what it was, or bytes."""

    part: float = 0.0
    bytes: int = 0

    def allows(self, before: int, after: int) -> bool:
        return after - before <= max(before * self.part, self.bytes)


class Growth(msgspec.Struct, frozen=True):
    """How many bytes bigger an image is, `unpacked` or `compressed` (`what`); `allowed` says if it may be.

    `without` names what of an image that is predicted is not counted.
    """

    name: str
    what: str
    before: int
    after: int
    basis: str
    allowed: bool
    without: tuple[str, ...] = ()


def parse_limit(text: str) -> Limit:
    """Read `5%` or `10MB`.

    Raises:
        UsageError: for anything else.

    """
    percent = _PERCENT.fullmatch(text.strip())
    if percent:
        return Limit(part=float(percent[1]) / 100)
    try:
        return Limit(bytes=size_in_bytes(text))
    except UsageError:
        raise UsageError(
            f"{text!r} is neither a part nor a size", where="--max-growth", hint="write 5% or 10MB"
        ) from None


def grown(images: Iterable[Sized], before: Sized, limit: Limit) -> Iterator[Growth]:
    """Compare images with an earlier one; unpacked sizes where both are known."""
    for image in images:
        figures = [("compressed", before.compressed, image.compressed)]
        if before.unpacked is not None and image.unpacked is not None:
            figures.insert(0, ("unpacked", before.unpacked, image.unpacked))
        for what, old, new in figures:
            yield Growth(image.name, what, old, new, image.basis, limit.allows(old, new), image.without)
