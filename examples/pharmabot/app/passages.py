"""Cutting a leaflet into passages short enough for an embedding model to read whole."""

from collections.abc import Iterator

SIZE = 900  # characters: below the 256 word pieces after which all-MiniLM-L6-v2 stops reading
OVERLAP = 150  # so that a sentence on a cut is whole in one of the two


def split(text: str) -> list[str]:
    """Return overlapping passages of at most `SIZE` characters, cut between words where there are any."""
    pieces = (text[start:end].strip() for start, end in _windows(text))
    return [piece for piece in pieces if piece]


def _windows(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start + SIZE < len(text):
        end = _last_gap(text, start + SIZE // 2, start + SIZE)
        yield start, end
        start = _last_gap(text, end - 2 * OVERLAP, end - OVERLAP)
    yield start, len(text)


def _last_gap(text: str, low: int, high: int) -> int:
    """Return the place after the last white space in `text[low:high]`, or `high`."""
    return next((i for i in range(high, low, -1) if text[i - 1].isspace()), high)
