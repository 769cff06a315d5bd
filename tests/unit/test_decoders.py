from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from lightship.decoders import from_builtins, from_json, from_msgpack

PROGRAM = """
import sys, threading
sys.setswitchinterval(1e-6)
from lightship.decoders import from_json
from lightship.oci.model import Manifest
data = b'''{"schemaVersion": 2, "config": {"mediaType": "x", "digest": "x", "size": 1},
"layers": [{"mediaType": "x", "digest": "x", "size": 1, "annotations": {"x": "y"}}]}'''
start = threading.Barrier(8)

def read():
    start.wait()
    from_json(data, Manifest)

threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


class Point(msgspec.Struct, frozen=True):
    x: int
    y: tuple[int, ...] = ()


def test_values_are_read_as_their_types() -> None:
    point = Point(1, (2, 3))
    assert from_json(msgspec.json.encode(point), Point) == point
    assert from_msgpack(msgspec.msgpack.encode(point), Point) == point
    assert from_builtins(msgspec.to_builtins(point), Point) == point
    assert from_json(b'["a"]', tuple[str, ...]) == ("a",)
    for wrong in (b'{"x": "1"}', b"[", b""):
        with pytest.raises(msgspec.DecodeError):
            from_json(wrong, Point)


def test_threads_may_read_the_first_of_a_type_at_once() -> None:
    """With msgspec's own functions, one process in four died of a segmentation fault."""
    processes = [subprocess.Popen([sys.executable, "-c", PROGRAM]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
