"""What each layer of an image costs, and what it is there for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from lightship.build.layerstore import StoredLayer
from lightship.fs.entries import Kind
from lightship.inspect.report.model import LayerFacts
from lightship.inspect.report.surface import Surface, is_whiteout
from lightship.oci.model import Image, ImageConfig, Layer

_NOP = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_SHELL = re.compile(r"^(?:RUN )?(?:\|\d+ (?:\S+=\S* )*)?/bin/sh -c ")


def titles(config: ImageConfig) -> list[str]:
    """Say what made each layer, from the history; empty where the history does not fit the layers."""
    made = [item.created_by or item.comment for item in config.history if not item.empty_layer]
    layers = len(config.rootfs.diff_ids)
    return [_title(text) for text in made] if len(made) == layers else [""] * layers


def layer_facts(image: Image, surface: Surface, owners: Mapping[str, str]) -> tuple[LayerFacts, ...]:
    """Describe the layers, from the bottom; `owners` has the id of each visible file's part."""
    parts: list[Counter[str]] = [Counter() for _ in image.layers]
    for placed in surface.files:
        parts[placed.layer][owners[placed.path]] += placed.size
    hidden: Counter[int] = Counter()
    for lost in surface.hidden:
        hidden[lost.layer] += lost.size
    named = zip(image.layers, surface.layers, titles(image.config), strict=True)
    return tuple(
        _facts(number, layer, stored, title, hidden[number], parts[number])
        for number, (layer, stored, title) in enumerate(named)
    )


def _facts(
    number: int, layer: Layer, stored: StoredLayer, title: str, hidden: int, parts: Counter[str]
) -> LayerFacts:
    files = [item for item in stored.members if item.kind is Kind.FILE and not is_whiteout(item.path)]
    return LayerFacts(
        number=number,
        title=title,
        digest=layer.descriptor.digest,
        diff_id=layer.diff_id,
        media_type=layer.descriptor.media_type,
        compressed=layer.descriptor.size,
        unpacked=stored.unpacked,
        content=sum(item.size for item in files),
        files=len(files),
        hidden=hidden,
        whiteouts=sum(is_whiteout(item.path) for item in stored.members),
        parts=tuple(sorted(parts.items(), key=lambda item: (-item[1], item[0]))),
    )


def _title(text: str) -> str:
    """Shorten what Docker's builders write around an instruction."""
    text = _NOP.sub("", text.removeprefix("lightship: ")).removesuffix("# buildkit")
    return " ".join(_SHELL.sub("RUN ", text).split())
