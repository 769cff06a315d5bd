"""Installed distributions without what no service reads: files that rules name, and symbols for debuggers.

Lightship uses this module for its own layers. `lightship dockerfile` writes it, as it stands, beside the
Dockerfile, where the image's Python runs it after pip; so it imports the standard library only:

    python slim.py PLAN [PREFIX]

PLAN is JSON: by machine (`x86_64`), which `distributions` to look at, the `rules` for their files, what is
`kept` of those that a recorded start decides about, and whether to `strip` libraries. PREFIX has
`lib/pythonX.Y/site-packages`; without it, it is Python's own. RECORD says what is left (PEP 376).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import platform
import posixpath
import re
import struct
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypedDict

# ---- which files go


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Files that are left out.

    A pattern is a path with `*` for anything but a slash, and `**` for any folders: `a/**` is the folder `a`
    and all below it, `**/*.a` a file at any depth. `keep` has exceptions. The rule holds for packages in
    `owners` (for every one, if empty) but those in `spared`.
    """

    name: str
    paths: tuple[str, ...]
    keep: tuple[str, ...] = ()
    owners: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()

    def concerns(self, owner: str) -> bool:
        return owner not in self.spared and (not self.owners or owner in self.owners)


Trimmer = Callable[[str], str]
"""Gives the name of the rule by which a path is left out, or nothing."""
NOT_OPENED = "not-opened"
"""The name of the rule by which a recorded start leaves files out."""


def keep_all(path: str) -> str:  # noqa: ARG001 - a Trimmer
    return ""


def trimmer(rules: Iterable[Rule], owner: str) -> Trimmer:
    """Put the rules that concern a package into one function; the first rule that matches is named."""
    own = [rule for rule in rules if rule.concerns(owner)]
    if not own:
        return keep_all
    compiled = [(rule.name, _compile(rule.paths), _compile(rule.keep)) for rule in own]

    def trimmed_by(path: str) -> str:
        for name, paths, keep in compiled:
            if paths.fullmatch(path) and not keep.fullmatch(path):
                return name
        return ""

    return trimmed_by


def wheel_trimmer(rules: Iterable[Rule], distribution: str, kept: Collection[str] | None = None) -> Trimmer:
    """Give the function that tells which paths below site-packages go; metadata stays.

    With `kept`, only those paths stay, as far as the rules allow.
    """
    by_rule = trimmer(rules, distribution)
    if by_rule is keep_all and kept is None:
        return keep_all
    stays = None if kept is None else frozenset(kept)

    def trimmed_by(path: str) -> str:
        if ".dist-info/" in path:
            return ""
        return by_rule(path) or ("" if stays is None or path in stays else NOT_OPENED)

    return trimmed_by


def _compile(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_translate, patterns)) or r"(?!)")


def _translate(pattern: str) -> str:
    special = {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|/\*\*$|\*)", pattern)
    return "".join(special.get(part) or re.escape(part) for part in parts)


# ---- symbols for debuggers
#
# The loader reads segments; sections that lie in none of them serve linkers and debuggers (System V gABI,
# chapter 4). They stand at a file's end, so what is dropped is its tail, and not one byte of a segment moves:
# binutils' `strip`, which writes segments anew, breaks libraries that auditwheel has patched (alignment of
# pages). Sections that stay keep their numbers, for symbols refer to them by number.

_LIBRARY = re.compile(r".+\.so(\.[0-9.]+)?")
ELF_IDENT = b"\x7fELF\x02\x01\x01"
"""How a library begins that can be cut: 64 bits, little-endian, version 1."""
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_ET_DYN, _SHT_NOBITS, _SHF_ALLOC = 3, 8, 2
_LARGEST = 1 << 40
_PIECE = 1 << 20
_PADDING = 4096
"""Bytes between sections that may belong to none: linkers align them."""


class Cut(NamedTuple):
    """What stays of a library: `kept` bytes, under a new header; `tail` has names and table of sections."""

    header: bytes
    kept: int
    tail: bytes


class _Section(NamedTuple):
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    @property
    def end(self) -> int:
        return self.offset + (0 if self.type == _SHT_NOBITS else self.size)


def is_library(path: str) -> bool:
    """Tell by its name whether a file is a shared library."""
    return bool(_LIBRARY.fullmatch(posixpath.basename(path)))


def cut_library(stream: BinaryIO, size: int) -> Cut | None:
    """Say how a library of `size` bytes loses its symbols; None if it has none, or is no library.

    Nor is one cut that has anything behind its segments that no section describes: it may read it itself.
    """
    head = _read(stream, 0, ELF_HEADER.size)
    if len(head) < ELF_HEADER.size or not head.startswith(ELF_IDENT):
        return None
    fields = list(ELF_HEADER.unpack(head))
    kind, segments_at, sections_at = fields[1], fields[5], fields[6]
    segment_size, segments, section_size, count, names_index = fields[9:14]
    if (kind, segment_size, section_size) != (_ET_DYN, _SEGMENT.size, _SECTION.size) or names_index >= count:
        return None
    sections = [_Section(*row) for row in _table(stream, _SECTION, sections_at, count)]
    ranges = [row[2] + row[5] for row in _table(stream, _SEGMENT, segments_at, segments)]
    kept = max([segments_at + segments * _SEGMENT.size, *ranges])
    stays = [bool(section.flags & _SHF_ALLOC) or section.end <= kept for section in sections]
    kept = max([kept, *(section.end for section, stay in zip(sections, stays, strict=True) if stay)])
    table_end = sections_at + count * _SECTION.size
    if (
        len(sections) != count
        or kept > size
        or not _is_described(sections, (sections_at, table_end), kept, size)
    ):
        return None
    names = _read(stream, sections[names_index].offset, sections[names_index].size)
    aligned = -(-(kept + len(names)) // 8) * 8
    fields[6] = aligned
    table = []
    for number, (section, stay) in enumerate(zip(sections, stays, strict=True)):
        if number == names_index:
            table.append(section._replace(offset=kept))
        else:
            table.append(section if stay else _Section(*(0 for _ in section)))
    tail = names.ljust(aligned - kept, b"\0") + b"".join(_SECTION.pack(*row) for row in table)
    return Cut(ELF_HEADER.pack(*fields), kept, tail) if kept + len(tail) < size else None


def _is_described(sections: list[_Section], table: tuple[int, int], start: int, size: int) -> bool:
    """Tell whether sections, and their table, are all that lies behind `start`."""
    position = start
    for begin, end in sorted([(section.offset, section.end) for section in sections] + [table]):
        if end > position:
            if begin > position + _PADDING:
                return False
            position = end
    return size <= position + _PADDING


def _table(stream: BinaryIO, row: struct.Struct, offset: int, count: int) -> list[tuple[int, ...]]:
    data = _read(stream, offset, row.size * count)
    return list(row.iter_unpack(data[: len(data) // row.size * row.size]))


def _read(stream: BinaryIO, offset: int, size: int) -> bytes:
    """Read up to `size` bytes; nothing where a damaged header points beyond every file."""
    if offset > _LARGEST or size > _LARGEST:
        return b""
    stream.seek(offset)
    return stream.read(size)


# ---- what pip has installed

Row = tuple[str, str, str]
"""Of RECORD: a path seen from site-packages, the file's digest, and its size in bytes."""


class Plan(TypedDict):
    """What is done to which distributions; `rules` are fields of `Rule`, `kept` has paths by distribution."""

    distributions: list[str]
    rules: list[dict[str, Any]]
    kept: dict[str, list[str]]
    strip: bool


def slim_site(site: Path, plan: Plan) -> None:
    """Apply a plan to what is installed in a site-packages folder; a second time changes nothing.

    A file that several distributions bring stays as long as one of them keeps it.
    """
    rules = [Rule(**{key: _frozen(key, value) for key, value in given.items()}) for given in plan["rules"]]
    there: set[str] = set()
    gone: set[str] = set()
    for info in sorted(site.glob("*.dist-info")):
        rows = left = _read_record(info)
        name = re.sub(r"[-_.]+", "-", info.name.partition("-")[0]).lower()
        if name in plan["distributions"]:
            trimmed_by = wheel_trimmer(rules, name, plan["kept"].get(name))
            left = [row for row in rows if row[0].startswith("../") or not trimmed_by(row[0])]
            gone |= {row[0] for row in rows}
            left = [_stripped(site, row) for row in left] if plan["strip"] else left
            if left != rows:
                _write_record(info, left)
        there |= {row[0] for row in left}
    for path in sorted(gone - there):
        _remove(site, path)


def _frozen(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    return frozenset(value) if key in {"owners", "spared"} else tuple(value)


def _read_record(info: Path) -> list[Row]:
    with (info / "RECORD").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return [(row[0], row[1], row[2]) for row in csv.reader(file) if len(row) == 3]


def _write_record(info: Path, rows: list[Row]) -> None:
    with (info / "RECORD").open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _stripped(site: Path, row: Row) -> Row:
    """Cut a library where it lies, and give its new row."""
    path = site / row[0]
    if not is_library(row[0]) or path.is_symlink() or not path.is_file():
        return row
    size = path.stat().st_size
    with path.open("rb") as stream:
        cut = cut_library(stream, size)
    if cut is None:
        return row
    with path.open("r+b") as stream:
        stream.write(cut.header)
        stream.truncate(cut.kept)
        stream.seek(cut.kept)
        stream.write(cut.tail)
        stream.seek(0)
        state = hashlib.sha256()
        for chunk in iter(lambda: stream.read(_PIECE), b""):
            state.update(chunk)
    digest = base64.urlsafe_b64encode(state.digest()).rstrip(b"=").decode()
    return row[0], f"sha256={digest}", str(cut.kept + len(cut.tail))


def _remove(site: Path, path: str) -> None:
    """Remove a file below site-packages, and the folders that it leaves empty."""
    found = Path(os.path.normpath(site / path))
    if site not in found.parents:
        return
    found.unlink(missing_ok=True)
    for folder in found.parents:
        if folder == site or any(folder.iterdir()):
            return
        folder.rmdir()


def main(plan: str, prefix: str = sys.prefix) -> None:
    """Apply what a plan has for this machine; a machine that it does not name loses nothing."""
    part = json.loads(Path(plan).read_text(encoding="utf-8")).get(platform.machine())
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if part:
        slim_site(Path(prefix, "lib", version, "site-packages"), part)


if __name__ == "__main__":
    main(*sys.argv[1:])
