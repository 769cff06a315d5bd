from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lightship.errors import UsageError
from lightship.inspect.chart import check_chart, render, write_chart
from lightship.inspect.compare import Comparison

IMAGES = [
    Comparison("app:cpu", "predicted", "", 1_000_000_000, 400_000_000, 30, 0),
    Comparison("<app>", "measured", "sha256:1", 100_000_000, 40_000_000, 20, 0),
    Comparison("far", "measured", "sha256:2", None, 50_000_000, 20, 0),
]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str, tag: str) -> Iterator[ET.Element]:
    return ET.fromstring(text).iter(SVG + tag)  # noqa: S314 - our own text


def bars(text: str, kind: str) -> list[float]:
    found = drawn(text, "rect")
    return [
        float(bar.get("width", ""))
        for bar in found
        if bar.get("height") == "22" and kind in bar.get("class", "")
    ]


def test_bars_have_one_scale() -> None:
    text = render(IMAGES)
    wide, narrow, missing = bars(text, "unpacked")
    assert narrow == pytest.approx(wide / 10, abs=0.1)
    assert missing == 0
    assert bars(text, "compressed")[0] == pytest.approx(wide * 0.4, abs=0.1)
    assert len(bars(text, "predicted")) == 2


def test_each_figure_says_what_it_is_and_names_are_escaped() -> None:
    words = ["".join(each.itertext()) for each in drawn(render(IMAGES), "text")]
    assert "1,000.0 MB unpacked, 400.0 MB compressed, predicted" in words
    assert "? unpacked, 50.0 MB compressed, measured" in words
    assert "<app>" in words


def test_nothing_can_be_drawn_too() -> None:
    assert bars(render([]), "unpacked") == []


def test_charts_are_svg_or_png(tmp_path: Path) -> None:
    write_chart(tmp_path / "chart.svg", IMAGES)
    assert (tmp_path / "chart.svg").read_text() == render(IMAGES)
    write_chart(tmp_path / "chart.png", IMAGES)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"not \.jpg"):
        check_chart(tmp_path / "chart.jpg")


def test_a_png_without_its_renderer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(UsageError) as error:
        check_chart(tmp_path / "chart.png")
    assert "lightship[png]" in error.value.hint
