from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import pytest

from lightship.elf import ElfInfo, read_elf
from lightship.errors import IntegrityError
from tests.support.elves import AARCH64, elf


def read(data: bytes) -> ElfInfo | None:
    return read_elf(io.BytesIO(data), where="lib.so")


def test_a_library_is_read() -> None:
    data = elf(["libc.so.6", "libm.so.6"], soname="liba.so.1", rpath="$ORIGIN:/x", runpath="$ORIGIN/../lib")
    assert read(data) == ElfInfo(
        machine="X86_64",
        bits=64,
        soname="liba.so.1",
        needed=("libc.so.6", "libm.so.6"),
        rpath=("$ORIGIN", "/x"),
        runpath=("$ORIGIN/../lib",),
    )


def test_a_program_is_known_by_its_type_its_loader_or_its_flag() -> None:
    programs = [elf(kind=2), elf(interpreter="/lib64/ld-linux-x86-64.so.2"), elf(flags_1=0x08000000)]
    found = [read(data) for data in programs]
    assert [info and (info.is_executable, info.interpreter) for info in found] == [
        (True, ""),
        (True, "/lib64/ld-linux-x86-64.so.2"),
        (True, ""),
    ]


def test_the_machine_is_read() -> None:
    info = read(elf(machine=AARCH64))
    assert info is not None
    assert info.machine == "AARCH64"


@pytest.mark.parametrize("data", [b"", b"\x7fEL", b"#!/bin/sh\n" * 20, elf(kind=1)])
def test_what_cannot_be_loaded_is_none(data: bytes) -> None:
    assert read(data) is None


@pytest.mark.parametrize("kept", [5, 30, 100])
def test_a_damaged_file_is_refused(kept: int) -> None:
    with pytest.raises(IntegrityError, match="damaged ELF") as caught:
        read(elf(["libc.so.6"])[:kept])
    assert caught.value.where == "lib.so"


def test_the_running_python_is_read() -> None:
    with Path(sys.executable).open("rb") as stream:
        info = read_elf(stream)
    assert info is not None
    assert info.is_executable
    assert "libc.so.6" in info.needed


def test_versions_of_symbols_are_read_where_they_are_asked_for() -> None:
    versions = {
        "libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.34"],
        "libm.so.6": ["GLIBC_2.29"],
        "": ["OWN_1", "OWN_2"],
    }
    data = elf(["libc.so.6", "libm.so.6"], soname="liba.so", versions=versions)
    info = read_elf(io.BytesIO(data), versions=True)
    assert info is not None
    assert info.wants == {"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.34"), "libm.so.6": ("GLIBC_2.29",)}
    assert info.defines == ("OWN_1", "OWN_2")
    assert read(data) == read(elf(["libc.so.6", "libm.so.6"], soname="liba.so"))


def test_damaged_tables_of_versions_are_refused() -> None:
    data = bytearray(elf(["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.34"]}))
    at = data.index(struct.pack("<q", 0x6FFFFFFE)) + 8
    data[at : at + 8] = struct.pack("<Q", len(data) - 4)
    with pytest.raises(IntegrityError, match="damaged ELF"):
        read_elf(io.BytesIO(bytes(data)), versions=True)
