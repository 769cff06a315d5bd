from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.digest import of_bytes, of_value
from lightship.errors import UsageError
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor
from lightship.oci.record import LayerRecord
from lightship.platform import Platform
from lightship.wheels.groups import part_of
from lightship.wheels.layers import LockedLayer, locked_layer, records, render_layers, with_layers
from lightship.wheels.lock import parse_lock
from tests.support.locked import locked_project

AMD64, ARM64 = Platform("amd64"), Platform("arm64")


def record(number: int, **annotations: str) -> LayerRecord:
    blob = Descriptor(MEDIA_LAYER_GZIP, of_bytes(b"%d" % number), number + 1, annotations)
    return LayerRecord(blob, of_value(number), 10 * number)


ROWS = tuple(locked_layer(f"python: wheel-{n} 1.0", of_value([n]), record(n)) for n in range(3))


@pytest.fixture
def text(tmp_path: Path) -> str:
    return locked_project(tmp_path).lock.read_text()


def test_layers_are_read_as_they_were_written(text: str) -> None:
    written = with_layers(text, {AMD64: ROWS, ARM64: ()})
    assert parse_lock(written).layers == {AMD64: ROWS}
    assert records({AMD64: ROWS}) == {of_value([n]): record(n) for n in range(3)}


def test_annotations_are_kept(text: str) -> None:
    row = locked_layer("x", of_value(1), record(1, b="2", a="1"))
    assert parse_lock(with_layers(text, {AMD64: (row,)})).layers == {AMD64: (row,)}
    assert row.record() == record(1, a="1", b="2")


def test_each_layer_has_a_line() -> None:
    (block,) = render_layers({AMD64: ROWS})
    lines = [line for line in block.splitlines() if line.startswith("    {")]
    assert len(lines) == 3
    assert lines[0].startswith('    { title = "python: wheel-0 1.0", key = "sha256:')


def test_the_table_is_replaced_and_nothing_else_changes(text: str) -> None:
    once = with_layers(text, {AMD64: ROWS})
    assert with_layers(once, {AMD64: ROWS[:1]}) == with_layers(text, {AMD64: ROWS[:1]})
    assert with_layers(once, {}) == text


def test_the_locks_digest_is_not_about_its_layers(text: str) -> None:
    written = with_layers(text, {AMD64: ROWS})
    for target in ("production", "development"):
        assert part_of(written, target) == part_of(text, target)


def test_what_is_no_layer_is_an_error(text: str) -> None:
    for row in (replace_digest("sha256:1"), replace_digest("")):
        written = with_layers(text, {AMD64: (row,)})
        with pytest.raises(UsageError, match="the lock cannot be read"):
            parse_lock(written)
    unknown = with_layers(text, {AMD64: ROWS}).replace("unpacked =", "weight =")
    with pytest.raises(UsageError, match="the lock cannot be read"):
        parse_lock(unknown)


def replace_digest(digest: str) -> LockedLayer:
    return replace(ROWS[0], digest=digest)
