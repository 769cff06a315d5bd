"""The Pythons and the C library of an image's tree, told from their files: nothing of the image is run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from lightship.build.imagetree import ImageTree
from lightship.elf import ElfInfo, read_elf
from lightship.errors import IntegrityError
from lightship.plan.base import GLIBC, MUSL, Interpreter
from lightship.platform import Platform

_PROGRAM = re.compile(r"python3\.[0-9]+")
_FOLDERS = ("usr/local/bin", "usr/bin", "bin")
_HEADER_VERSION = re.compile(r'#define PY_VERSION\s+"([^"+]+)')
_GLIBC = re.compile(rb"GNU C Library [^\n]* version ([0-9]+)\.([0-9]+)")
_MACHINES = {"amd64": "X86_64", "arm64": "AARCH64"}


def find_pythons(tree: ImageTree, search: Sequence[str], platform: Platform) -> tuple[Interpreter, ...]:
    """Find interpreters for the platform, each program once, in `search` and then the usual folders."""
    found: dict[str, Interpreter] = {}
    for folder in (*search, *_FOLDERS):
        place = tree.real(folder)
        for name in tree.names(place) if place else ():
            real = tree.real(f"{place}/{name}")
            if _PROGRAM.fullmatch(name) and real and real not in found:
                interpreter = _interpreter(tree, f"{place}/{name}", real, platform)
                if interpreter is not None:
                    found[real] = interpreter
    return tuple(found.values())


def find_libc(tree: ImageTree, folders: Sequence[str], platform: Platform) -> tuple[str, tuple[int, int]]:
    """Name the C library and, for glibc, its version as that says it of itself; `("", (0, 0))` for none."""
    for folder in folders:
        file = tree.file(f"{folder}/libc.so.6")
        match = _GLIBC.search(file.read_bytes()) if file is not None else None
        if match:
            return GLIBC, (int(match[1]), int(match[2]))
    has_musl = tree.real(f"lib/ld-musl-{platform.machine}.so.1") is not None
    return (MUSL if has_musl else ""), (0, 0)


def _interpreter(tree: ImageTree, path: str, real: str, platform: Platform) -> Interpreter | None:
    """Tell what a program is; None if it does not run on the platform, or does not say its version."""
    elf = elf_at(tree, real)
    if elf is None or elf.machine != _MACHINES[platform.architecture]:
        return None
    minor = posixpath.basename(path).removeprefix("python")
    version = next(_versions(tree, real, elf, minor), None)
    is_cpython = not posixpath.basename(real).startswith("pypy")
    return Interpreter(f"/{path}", version, is_cpython) if version else None


def _versions(tree: ImageTree, real: str, elf: ElfInfo, minor: str) -> Iterator[str]:
    """Yield what says the whole version: the header that is installed beside it, else the program itself.

    `Py_GetVersion` has it as a string of its own, or, as linkers share them, as the end of another one.
    """
    prefix = posixpath.dirname(posixpath.dirname(real))
    header = _HEADER_VERSION.search(tree.text(f"{prefix}/include/python{minor}/patchlevel.h"))
    if header:
        yield header[1]
    pattern = re.compile(
        rb"(?<![0-9.])" + re.escape(minor.encode()) + rb"\.[0-9]{1,3}(?:(?:a|b|rc)[0-9]{1,2})?(?=\+?\0)"
    )
    libraries = (name for name in elf.needed if name.startswith(f"libpython{minor}"))
    for path in (real, *(f"{prefix}/lib/{name}" for name in libraries)):
        file = tree.file(path)
        match = pattern.search(file.read_bytes()) if file is not None else None
        if match:
            yield match[0].decode()


def elf_at(tree: ImageTree, path: str) -> ElfInfo | None:
    """Read the ELF file at a path; None for any other, and for a damaged one, which no loader takes."""
    file = tree.file(path)
    if file is None:
        return None
    with file.open("rb") as stream:
        try:
            return read_elf(stream, where=path)
        except IntegrityError:
            return None
