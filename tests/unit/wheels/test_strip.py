from __future__ import annotations

import io
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from lightship.elf import read_elf
from lightship.fs.entries import BytesContent, Content
from lightship.wheels.strip import HEAD, strip_library, stripped_size
from tests.support.elves import ALLOC, DATA, STRINGS, SYMBOLS, debug_library, elf

NAME = "pkg/lib.so"


def strip(data: bytes, name: str = NAME) -> tuple[bytes, bool]:
    """Strip, and tell whether anything was done."""
    content: Content = BytesContent(data)
    result = strip_library(name, content, Path("/nowhere"))
    found = b"".join(result.chunks())
    assert len(found) == result.size
    return found, result is not content


def test_symbols_and_their_names_go() -> None:
    data = debug_library()
    found, done = strip(data)
    assert done
    assert len(data) - len(found) >= len(SYMBOLS) + len(STRINGS) - 8
    assert SYMBOLS not in found
    assert STRINGS not in found


def test_what_the_loader_reads_is_where_it_was() -> None:
    data = debug_library()
    found, _ = strip(data)
    assert found[64 : len(DATA)] == data[64 : len(DATA)]
    assert read_elf(io.BytesIO(found)) == read_elf(io.BytesIO(data))


def test_sections_that_stay_keep_their_numbers() -> None:
    file = ELFFile(io.BytesIO(strip(debug_library())[0]))
    names = [each.name for each in file.iter_sections()]
    assert names == ["", ".text", "", "", ".shstrtab"]
    assert file.get_section(2)["sh_type"] == "SHT_NULL"


def test_what_is_loaded_stays_wherever_it_lies() -> None:
    found, _ = strip(debug_library(late=ALLOC))
    assert SYMBOLS in found
    assert STRINGS not in found


def test_what_is_stripped_has_nothing_more_to_lose() -> None:
    once, _ = strip(debug_library())
    assert strip(once) == (once, False)


@pytest.mark.parametrize("name", ["pkg/lib.so.1.2", "pkg/lib.cpython-311-x86_64-linux-gnu.so"])
def test_libraries_are_known_by_their_names(name: str) -> None:
    assert strip(debug_library(), name)[1]


@pytest.mark.parametrize("name", ["pkg/program", "pkg/lib.so.py", "pkg/lib.a", "pkg/so"])
def test_nothing_else_is_touched(name: str) -> None:
    assert strip(debug_library(), name) == (debug_library(), False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an ELF file, and long enough to have had the header of one: " * 2,
        elf(),
        debug_library(elf(kind=2)),
        debug_library(elf(kind=1)),
        debug_library()[:500],
        debug_library()[:-64],
        debug_library(behind=b"what a program reads of itself" * 200),
        b"\x7fELF\x02\x01\x01" + b"\xff" * 200,
    ],
    ids=["empty", "text", "no sections", "program", "object", "cut", "no table", "more", "nonsense"],
)
def test_what_is_not_understood_stays_as_it_is(data: bytes) -> None:
    assert strip(data) == (data, False)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(debug_library()) - 1), st.integers(0, 255)), max_size=12))
def test_a_damaged_library_is_no_reason_to_fail(changes: list[tuple[int, int]]) -> None:
    data = bytearray(debug_library())
    for position, value in changes:
        data[position] = value
    strip(bytes(data))


@pytest.mark.parametrize("data", [debug_library(), strip(debug_library())[0], DATA])
def test_a_librarys_head_tells_what_stays(data: bytes) -> None:
    found, done = strip(data)
    told = stripped_size(data[:HEAD], len(data))
    assert abs(told - len(found)) < 64 + len(SYMBOLS) * (not done)


@pytest.mark.parametrize("head", [b"", b"\x7fELF", b"#!/bin/sh\n" * 20, debug_library()[:80]])
def test_of_what_is_no_library_all_stays(head: bytes) -> None:
    assert stripped_size(head, 12345) == 12345
