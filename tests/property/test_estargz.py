"""Whatever a layer holds, lazy readers and others see the same of it."""

from __future__ import annotations

import gzip
import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from lightship.fs.entries import Entry, Kind
from lightship.oci.record import Compression
from tests.property.test_tar import TREES, body
from tests.support.archives import layer
from tests.support.estargz import NO_PREFETCH, PREFETCH, check

DISTINCT = TREES.map(lambda entries: list({entry.path: entry for entry in entries}.values()))
CHOSEN = st.sets(st.integers(0, 5))


@given(DISTINCT, CHOSEN)
def test_lazy_readers_and_others_find_every_entry_again(entries: list[Entry], chosen: set[int]) -> None:
    first = {entry.path for number, entry in enumerate(entries) if number in chosen}
    blob, record = layer(entries, Compression.ESTARGZ, first)
    lazy = check(blob)
    assert record.unpacked == len(gzip.decompress(blob))
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob)), encoding="utf-8") as tar:
        found = {m.name: (m.mode, m.uid, m.gid, m.linkname) for m in tar}
    for entry in entries:
        assert found[entry.path] == (entry.mode, entry.uid, entry.gid, entry.target)
        assert entry.kind is not Kind.FILE or lazy.file(entry.path) == body(entry)


@given(DISTINCT, CHOSEN)
def test_what_is_to_come_first_does(entries: list[Entry], chosen: set[int]) -> None:
    wanted = {
        entry.path for n, entry in enumerate(entries) if n in chosen and entry.kind is not Kind.DIRECTORY
    }
    blob, _ = layer(entries, Compression.ESTARGZ, wanted)
    names = [entry["name"] for entry in check(blob).entries]
    if wanted:
        assert wanted <= set(names[: names.index(PREFETCH)])
    else:
        assert names[0] == NO_PREFETCH
