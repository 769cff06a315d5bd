from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lightship.errors import IntegrityError
from lightship.events import SilentReporter
from lightship.fs.entries import directory, regular
from lightship.inspect.reading import read_layers
from lightship.oci.layout import Layout
from tests.support.elves import elf
from tests.unit.inspect.conftest import MakeImage

SITE = "usr/lib/python3.11/site-packages"


def test_processes_find_what_threads_find(make_image: MakeImage, tmp_path: Path) -> None:
    image = make_image(
        [directory("app"), regular("app/key.env", b"TOKEN=ghp_" + b"a1B2c3D4e5F6" * 3)],
        [directory(SITE), regular(f"{SITE}/a.so", elf(["libc.so.6"])), regular(f"{SITE}/a.py", b"pass")],
    )
    one = read_layers(image.layers, cache=tmp_path / "one", reporter=SilentReporter())
    two = read_layers(image.layers, cache=tmp_path / "two", reporter=SilentReporter(), large=0)
    assert msgspec.to_builtins(one.scans) == msgspec.to_builtins(two.scans)
    assert [layer.members for layer in one.layers] == [layer.members for layer in two.layers]
    assert [len(scan.sightings) for scan in two.scans] == [1, 0]
    assert [len(scan.elf) for scan in two.scans] == [0, 1]


def test_an_error_comes_from_another_process_as_it_is(make_image: MakeImage, tmp_path: Path) -> None:
    image = make_image([regular("a", b"a")], [regular("b", b"b")])
    damaged = image.layers[1].descriptor
    layout: Layout = image.layout
    blob = layout.blob_path(damaged.digest)
    blob.write_bytes(blob.read_bytes()[:-8])
    with pytest.raises(IntegrityError) as caught:
        read_layers(image.layers, cache=tmp_path / "cache", reporter=SilentReporter(), large=0)
    assert caught.value.hint
