from __future__ import annotations

import io
import struct
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

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


def test_real_libraries_are_read_as_pyelftools_reads_them() -> None:
    for name in ("msgspec._core", "isal.isal_zlib", "zstandard.backend_c"):
        path = Path(str(import_module(name).__file__))
        with path.open("rb") as stream:
            info = read_elf(stream)
            file = ELFFile(stream)
            segments: list[Any] = list(file.iter_segments("PT_DYNAMIC"))
            tags = [tag for segment in segments for tag in segment.iter_tags()]
        assert info is not None
        assert (info.machine, info.bits) == (file["e_machine"].removeprefix("EM_"), file.elfclass)
        assert info.needed == tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED")
        assert info.soname == "".join(tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME")
        found = [tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"]
        assert ":".join(info.runpath) == "".join(found)


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


def test_more_tags_than_any_linker_writes_are_not_read() -> None:
    data = elf(["libc.so.6"])
    end = data.rindex(struct.pack("<qQ", 0, 0))
    at = data.index(struct.pack("<I", 2), 64)  # PT_DYNAMIC's entry of the segments' table
    endless = data[:end] + struct.pack("<qQ", 24, 0) * 200_000
    size = len(endless) - struct.unpack_from("<Q", data, at + 8)[0]
    segment = struct.pack("<QQ", size, size)
    info = read(endless[: at + 32] + segment + endless[at + 48 :])
    assert info is not None
    assert info.needed == ("libc.so.6",)
