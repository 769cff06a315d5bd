"""Parts of a resource (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lightship.errors import NetworkError

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def range_header(start: int, end: int | None) -> dict[str, str]:
    """Header that asks for bytes `start` up to but without `end`; none for the whole."""
    if start == 0 and end is None:
        return {}
    return {"Range": f"bytes={start}-{'' if end is None else end - 1}"}


def skip_of(status: int, content_range: str, start: int, *, where: str) -> int:
    """How many bytes of the body stand before the byte `start`: a server may ignore the range (status 200).

    Raises:
        NetworkError: if the part sent is not the one asked for.

    """
    if status != 206:
        return start
    match = _CONTENT_RANGE.fullmatch(content_range)
    if match is None or int(match[1]) != start:
        raise NetworkError(
            f"asked for bytes from {start}, the server sent {content_range or 'an unnamed part'!r}",
            where=where,
            hint="a proxy or mirror between here and there is broken: use another one",
        )
    return 0


def cut(chunks: Iterable[bytes], *, skip: int, length: int | None) -> Iterator[bytes]:
    """Leave out the first `skip` bytes, and all after the `length` that follow."""
    for chunk in chunks:
        if skip >= len(chunk):
            skip -= len(chunk)
            continue
        part = chunk[skip:] if length is None else chunk[skip : skip + length]
        skip = 0
        if part:
            yield part
        if length is not None:
            length -= len(part)
            if length <= 0:
                return
