"""Parts of blobs."""

from __future__ import annotations

import pytest

from lightship.errors import NetworkError
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor
from lightship.registry.blobs import read_part
from tests.support.registry import Registry
from tests.support.registry_faults import Fault, Planned
from tests.unit.registry.conftest import Connect

DATA = bytes(range(256)) * 4096


def served(registry: Registry) -> Descriptor:
    return Descriptor(MEDIA_LAYER_GZIP, registry.add_blob("app", DATA), len(DATA))


def test_a_part_is_fetched_and_no_more(registry: Registry, connect: Connect) -> None:
    found = read_part(connect(), registry.repository("app"), served(registry), 1000, 5000)
    assert found == DATA[1000:5000]
    (asked,) = registry.calls("GET", "/blobs/")
    assert asked.headers["Range"] == "bytes=1000-4999"


def test_a_part_that_breaks_off_is_taken_up_where_it_ended(registry: Registry, connect: Connect) -> None:
    registry.faults = Planned("GET", "/blobs/", [Fault.CUT_ANSWER])
    found = read_part(connect(), registry.repository("app"), served(registry), 10, len(DATA))
    assert found == DATA[10:]
    assert len(registry.calls("GET", "/blobs/")) == 2


def test_a_part_that_is_not_there_is_an_error(registry: Registry, connect: Connect) -> None:
    with pytest.raises(NetworkError, match=f"sent {len(DATA) - 10} bytes of a blob, not {len(DATA)}"):
        read_part(connect(), registry.repository("app"), served(registry), 10, len(DATA) + 10)
