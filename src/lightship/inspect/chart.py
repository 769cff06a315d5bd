"""Sizes as a picture: a bar for each image, what is fetched of it darker than what it unpacks to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from lightship.errors import UsageError
from lightship.fs.atomic import write_bytes
from lightship.inspect.compare import Comparison
from lightship.inspect.oracle.model import PREDICTED, basis_words
from lightship.inspect.sizes import megabytes

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BAR = 880, 24, 24, 64, 58, 22
_STYLE = (
    "text{font-family:system-ui,'DejaVu Sans',sans-serif;fill:#1f2933}"
    ".small{font-size:12px;fill:#52606d}.name{font-size:14px}.title{font-size:16px;font-weight:600}"
    ".unpacked{fill:#9fb8d3}.compressed{fill:#2f5d8a}.predicted{stroke:#2f5d8a;stroke-dasharray:4 3}"
    "@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.small{fill:#9aa5b1}.paper{fill:#1f2933}}"
)


def write_chart(path: Path, images: Sequence[Comparison]) -> None:
    """Write a chart as SVG or PNG, by the name of the file.

    Raises:
        UsageError: for another kind of file, or a PNG without `resvg-py`.

    """
    check_chart(path)
    text = render(images)
    write_bytes(path, text.encode() if path.suffix == ".svg" else _png(text, path))


def check_chart(path: Path) -> None:
    """Refuse a file of another kind, before anything is measured.

    Raises:
        UsageError: naming what can be written.

    """
    if path.suffix not in {".svg", ".png"}:
        raise UsageError(
            f"a chart is SVG or PNG, not {path.suffix or 'nameless'}",
            where=str(path),
            hint="name it FILE.svg",
        )
    if path.suffix == ".png":
        _renderer(path)


def render(images: Sequence[Comparison]) -> str:
    """Draw images to one scale, in their order, as SVG."""
    height = _TOP + _ROW * len(images) + 24
    rows = "".join(_rows(images))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" role="img" aria-label="Sizes of images"><style>{_STYLE}</style>'
        f'<rect class="paper" width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
        f'<text class="title" x="{_LEFT}" y="30">Sizes of images</text>{_legend()}{rows}</svg>\n'
    )


def _legend() -> str:
    parts, place = [], _WIDTH - _RIGHT - 372
    for kind, words, width in (
        ("compressed", "compressed", 110),
        ("unpacked", "unpacked", 98),
        ("unpacked predicted", "dashed: predicted", 0),
    ):
        parts.append(f'<rect class="{kind}" x="{place}" y="20" width="12" height="12" rx="2"/>')
        parts.append(f'<text class="small" x="{place + 18}" y="30">{words}</text>')
        place += width + 12
    return "".join(parts)


def _rows(images: Sequence[Comparison]) -> Iterator[str]:
    largest = max((max(image.unpacked or 0, image.compressed) for image in images), default=0)
    scale = (_WIDTH - _LEFT - _RIGHT) / max(largest, 1)
    for number, image in enumerate(images):
        top = _TOP + number * _ROW
        kind = " predicted" if image.basis == PREDICTED else ""
        unpacked = "? unpacked" if image.unpacked is None else f"{megabytes(image.unpacked)} unpacked"
        words = (
            f"{unpacked}, {megabytes(image.compressed)} compressed, {basis_words(image.basis, image.without)}"
        )
        yield f"<g><title>{escape(image.name)}: {words}</title>"
        yield f'<text class="name" x="{_LEFT}" y="{top}">{escape(image.name)}</text>'
        yield f'<text class="small" x="{_WIDTH - _RIGHT}" y="{top}" text-anchor="end">{words}</text>'
        yield _bar(top + 8, "unpacked" + kind, (image.unpacked or 0) * scale)
        yield _bar(top + 8, "compressed" + kind, image.compressed * scale) + "</g>"


def _bar(top: int, kind: str, width: float) -> str:
    return f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="3"/>'


def _png(text: str, path: Path) -> bytes:
    svg_to_bytes = _renderer(path)
    return bytes(svg_to_bytes(svg_string=text, zoom=2))  # type: ignore[operator]


def _renderer(path: Path) -> object:
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise UsageError(
            "a PNG needs resvg-py, which is not installed",
            where=str(path),
            hint="pip install 'lightship[png]', or name the file .svg",
        ) from None
    return svg_to_bytes
