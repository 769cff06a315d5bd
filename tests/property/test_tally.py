"""A layer's unpacked size is told exactly from the directories of its wheels."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lightship.build.installing import wheel_entries
from lightship.inspect.oracle.tally import tally
from lightship.oci.blob import write_layer
from lightship.oci.record import Compression
from lightship.plan.model import WheelsLayer
from lightship.wheels.archive import open_wheel
from lightship.wheels.distant import Parts, open_parts
from lightship.wheels.model import LockedWheel
from tests.support.wheels import Packed, wheel_bytes

NAMES = st.lists(st.text("abcü-", min_size=1, max_size=60), min_size=1, max_size=4).map("/".join)
DATA = st.builds(lambda data, times: data * times, st.binary(max_size=60), st.integers(1, 4000))
FILES = st.dictionaries(
    NAMES.map("pkg/{}.py".format),
    st.builds(Packed, DATA, st.sampled_from([0o100644, 0o100755]), st.booleans()),
    max_size=6,
)
POINTS = st.sampled_from(["", "[console_scripts]\npkg = pkg:main\n"])


@settings(deadline=None)
@given(FILES, POINTS)
def test_the_tar_is_told_exactly_and_the_blob_nearly(files: dict[str, Packed], points: str) -> None:
    data = wheel_bytes("pkg", "1.0", files, entry_points=points)
    wheel = LockedWheel("pkg", "1.0", "pkg-1.0-py3-none-any.whl", "", "", len(data))
    layer = WheelsLayer("opt/venv", "3.11", (wheel,))
    distant = open_parts(Parts("pkg", len(data), lambda start, end: data[start:end]))
    unpacked, compressed = tally(wheel_entries(layer, [(distant, wheel)], lambda _: None))
    with tempfile.TemporaryFile() as stream, Path(os.devnull).open("wb") as nowhere:
        stream.write(data)
        stream.flush()
        near = open_wheel(stream, name="pkg")
        made = write_layer(wheel_entries(layer, [(near, wheel)], lambda _: None), nowhere, Compression.GZIP)
    assert unpacked == made.unpacked
    if not any(item.stored for item in files.values()):
        assert abs(compressed - made.descriptor.size) < 0.2 * len(data) + 600
