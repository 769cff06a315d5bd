"""What wheels need of the system: the shared libraries that their ELF files name and no wheel brings."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from lightship.debs.spool import keep, seekable
from lightship.elf import MAGIC, ElfInfo, read_elf
from lightship.errors import IntegrityError
from lightship.fs.atomic import storage_error
from lightship.loader import Loader
from lightship.platform import Platform
from lightship.wheels.archive import Member, WheelArchive, open_wheel
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedWheel

RULES = 1
"""Part of the key under which a wheel's ELF files are remembered: raised when the answer changes."""
SYSTEM_LIBRARIES = frozenset(
    (
        *("libanl.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libmvec.so.1", "libnsl.so.1"),
        *("libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1"),
        *("ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2"),
        *("libatomic.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libexpat.so.1", "libz.so.1"),
        *("libGL.so.1", "libICE.so.6", "libSM.so.6", "libX11.so.6", "libXext.so.6", "libXrender.so.1"),
        *("libglib-2.0.so.0", "libgobject-2.0.so.0", "libgthread-2.0.so.0"),
    )
)
"""What a manylinux wheel may count on finding (PEP 600; auditwheel's `manylinux-policy.json`).

That another wheel has a copy for itself does not help: the loader does not look there.
"""
_MACHINES = {"amd64": ("X86_64", 64), "arm64": ("AARCH64", 64)}
_SMALLEST_ELF = 64
_PLACE = Environment("opt/venv", "3")


class Need(msgspec.Struct, frozen=True, order=True):
    """A library that a file of a wheel, by its path in it, asks for."""

    soname: str
    wheel: str
    file: str


def read_elves(path: Path, wheel: LockedWheel, *, scratch: Path) -> dict[str, ElfInfo]:
    """Read the ELF files of a wheel by their paths in it; one that is too big for memory goes to `scratch`.

    Raises:
        IntegrityError: if the wheel is damaged. A damaged ELF file in it is passed over: packages ship such
            files to test their own readers with.
        StageError: if `scratch` cannot be written.

    """
    with path.open("rb") as stream:
        archive = open_wheel(stream, name=wheel.filename)
        return dict(_elves(archive, scratch))


def system_needs(elves: Mapping[LockedWheel, Mapping[str, ElfInfo]], platform: Platform) -> tuple[Need, ...]:
    """Name what the wheels of an image need and do not bring, in order.

    The loader's rules are applied to the installed tree (`loader.py`). A library that the loader does not
    find and a wheel has somewhere counts as brought, for that wheel loads it before it is needed, but for
    another wheel's copy of one of `SYSTEM_LIBRARIES`.
    """
    owners = _installed(elves, platform)
    placed = {path: elves[wheel][inner] for path, (wheel, inner) in owners.items()}
    bringers = _bringers(elves)
    loader = Loader(
        find=lambda path: real if (real := posixpath.normpath(path)) in placed else None,
        files=placed,
        library_path=(),
        cache={},
        machine=platform.machine,
    )
    needs = []
    for item in loader.missing():
        wheel, file = owners[item.path]
        brought_by = bringers.get(item.name, set())
        if wheel not in brought_by and (not brought_by or item.name in SYSTEM_LIBRARIES):
            needs.append(Need(item.name, wheel.name, file))
    return tuple(sorted(needs))


def _elves(archive: WheelArchive, scratch: Path) -> Iterator[tuple[str, ElfInfo]]:
    for path, member in archive.members.items():
        if member.size < _SMALLEST_ELF or not next(member.chunks()).startswith(MAGIC):
            continue
        info = _read(path, member, scratch)
        if info is not None:
            yield path, info


def _read(path: str, member: Member, scratch: Path) -> ElfInfo | None:
    try:
        content = keep(member.chunks(), member.size, scratch)
    except OSError as error:
        raise storage_error(error, scratch) from error
    with seekable(content) as stream:
        try:
            return read_elf(stream, where=path)
        except IntegrityError:
            return None


def _installed(
    elves: Mapping[LockedWheel, Mapping[str, ElfInfo]], platform: Platform
) -> dict[str, tuple[LockedWheel, str]]:
    """Say whose file, and which, is at each path of the installed tree; only files for its machine."""
    machine = _MACHINES[platform.architecture]
    return {
        _PLACE.place(path, wheel.name): (wheel, path)
        for wheel, infos in elves.items()
        for path, info in infos.items()
        if (info.machine, info.bits) == machine
    }


def _bringers(elves: Mapping[LockedWheel, Mapping[str, ElfInfo]]) -> dict[str, set[LockedWheel]]:
    """Say which wheels have a library of each name, be it the file's or the SONAME."""
    found: dict[str, set[LockedWheel]] = {}
    for wheel, infos in elves.items():
        for path, info in infos.items():
            for name in {posixpath.basename(path), info.soname}:
                found.setdefault(name, set()).add(wheel)
    return found
