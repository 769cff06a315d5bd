"""What verifying and inspecting take, in seconds and memory, against the size of the image.

Images of 50 MB to 5 GB are joined from the layers of the example's CPU image: as they are, then once more
below `/opt/1`, and so on, until the size is reached. They lie in homes of their own, 20 GB in all, which go
at the end.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, repeat
from typing import BinaryIO, cast

from isal import igzip

from bench.harness import BENCH, HOME, Row, copy_example, lightship, megabytes
from lightship.digest import Digest
from lightship.events import SilentTask
from lightship.fs import tar
from lightship.fs.atomic import writing_unnamed
from lightship.fs.compress import Sink
from lightship.fs.entries import Entry, Kind
from lightship.fs.untar import Member
from lightship.oci.layout import Layout, LayoutImage, LayoutLayer
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor
from lightship.oci.record import LayerRecord
from lightship.oci.unpack import LayerReader
from tests.support.images import add_image

FOLDER = BENCH / "inspections"
CASES = (("50 MB", 50e6), ("500 MB", 500e6), ("2 GB", 2e9), ("5 GB", 5e9))
BARS = {"2 GB, verify, first time": "< 5 s"}
SETTLE = 60
"""Seconds to wait: ext4 makes files several times slower for a while after others were removed."""


@dataclass(frozen=True, slots=True)
class _Body:
    """A member's bytes, on their way from one tar to another."""

    member: Member

    @property
    def size(self) -> int:
        return self.member.size

    def chunks(self) -> Iterator[bytes]:
        return self.member.chunks()


def inspection_rows() -> list[Row]:
    """Ask about each image with nothing unpacked or read, and again; nothing of the image is run."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    layout = Layout(FOLDER / "data" / "images")
    layout.create()
    source = _example()
    layers = _layers(source, layout, max(size for _, size in CASES))
    time.sleep(SETTLE)
    rows = []
    for name, size in CASES:
        chosen = list(_fitting(layers, size))
        image = f"inspected:{name.replace(' ', '').lower()}"
        add_image(layout, chosen, source.config.config, image)
        rows += [(f"{name}: unpacked", megabytes(sum(record.unpacked for record in chosen)), "")]
        rows += [row for command in ("verify", "inspect") for row in _rows(name, command, image)]
    shutil.rmtree(FOLDER)
    return rows


def _example() -> LayoutImage:
    """Build the example's CPU image, if it is not there."""
    lightship("build", copy_example(BENCH / "project" / "pharmabot"), "--variant", "cpu", "--quiet")
    layout = Layout(HOME / "data" / "images")
    return layout.image(layout.names()["pharmabot:cpu"])


def _layers(image: LayoutImage, layout: Layout, size: float) -> list[LayerRecord]:
    """Put its layers into a layout, again and again in other places, until they are of a size."""
    found: list[LayerRecord] = []
    with ThreadPoolExecutor() as pool:
        found += pool.map(lambda layer: _linked(layer, layout), image.layers)
        for number in count(1):
            if sum(record.unpacked for record in found) >= size:
                break
            found += pool.map(_moved, image.layers, repeat(layout), repeat(f"opt/{number}/"))
    return found


def _fitting(layers: list[LayerRecord], size: float) -> Iterator[LayerRecord]:
    """Yield layers, lowest first, leaving out what is too large."""
    left = size
    for record in layers:
        if record.unpacked <= left:
            left -= record.unpacked
            yield record


def _linked(layer: LayoutLayer, layout: Layout) -> LayerRecord:
    path = layout.blob_path(layer.descriptor.digest)
    path.hardlink_to(layer.layout.blob_path(layer.descriptor.digest))
    reader = LayerReader(layer, SilentTask())
    for _ in reader:
        pass
    return LayerRecord(layer.descriptor, layer.diff_id, reader.unpacked)


def _moved(layer: LayoutLayer, layout: Layout, to: str) -> LayerRecord:
    """Write a layer whose files are those of another, below a folder."""
    state, size = hashlib.sha256(), 0
    with writing_unnamed(layout.blobs) as out:
        sink = Sink(out.stream)
        with cast("BinaryIO", igzip.IGzipFile(fileobj=sink, mode="wb", compresslevel=1)) as stream:  # type: ignore[no-untyped-call]
            for chunk in _tar(layer, to):
                state.update(chunk)
                size += len(chunk)
                stream.write(chunk)
        out.name(layout.blob_path(sink.digest))
    descriptor = Descriptor(MEDIA_LAYER_GZIP, sink.digest, sink.size)
    return LayerRecord(descriptor, Digest(f"sha256:{state.hexdigest()}"), size)


def _tar(layer: LayoutLayer, to: str) -> Iterator[bytes]:
    for member in LayerReader(layer, SilentTask()):
        content = _Body(member) if member.kind is Kind.FILE else None
        target = to + member.target if member.kind is Kind.HARDLINK else member.target
        yield tar.header(
            Entry(to + member.path, member.kind, member.mode, content, target, member.uid, member.gid)
        )
        yield from member.chunks()
        yield tar.padding(member.size)
    yield tar.END


def _rows(name: str, command: str, image: str) -> list[Row]:
    """Ask twice, with a cache of its own; what was unpacked for one command would be known to the other."""
    home = FOLDER / f"{image.partition(':')[2]}-{command}"
    home.mkdir()
    (home / "data").symlink_to(FOLDER / "data")
    # A smaller image lacks PyTorch, which its distributions require; the largest one has 280 layers.
    accepted = ("LV511-missing-requirement", "LV402-layer-count") if command == "verify" else ()
    options = [f"--ignore={rule}" for rule in accepted]
    options += ["--static"] if command == "verify" else []
    environ = {"LIGHTSHIP_HOME": str(home)}
    rows = []
    for when in ("first time", "again"):
        run = lightship(command, image, "--json", *options, environ=environ)
        what = f"{name}, {command}, {when}"
        rows.append((what, f"{run.seconds:.2f} s, {megabytes(run.memory)}", BARS.get(what, "")))
    return rows
