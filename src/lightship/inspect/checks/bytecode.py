"""Bytecode that the image's Python can use, and that is that of its source (PEP 552, PEP 3147)."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator

from lightship.inspect.contents import Contents, Item
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.scan import HASHED_ALIKE, MAGIC_NUMBERS, source_of
from lightship.inspect.sizes import megabytes

OTHER = Rule(
    "LV521-bytecode-of-another-python",
    "bytecode is for the image's Python",
    Severity.WARNING,
    "No Python of the image can use it: dead weight, and the modules are compiled at every start.",
    "compile with the image's own Python (`python -m compileall`), or leave `__pycache__` out",
)
STALE = Rule(
    "LV522-stale-bytecode",
    "bytecode is that of its source",
    Severity.WARNING,
    "By time stamp and size Python notices, and compiles at every start. Unchecked bytecode it runs, and the"
    " source that people read is another.",
    "compile after the last change of the sources, or leave `__pycache__` out",
)
RULES = (OTHER, STALE)

_TAG = re.compile(r".*\.cpython-3(\d+)(?:\.opt-\d)?\.pyc")
_FOLDER = re.compile(r"(?:^|/)python3\.(\d+)/")
_PROGRAM = re.compile(r"(?:^|.*/)bin/python3\.(\d+)")


def check(contents: Contents) -> Iterator[Finding]:
    """Yield one finding for each folder of packages, or top folder."""
    pythons = _pythons(contents)
    others: dict[str, list[int]] = defaultdict(list)
    stale: dict[str, list[str]] = defaultdict(list)
    for path, item in contents.items.items():
        if item.compiled is None:
            continue
        minor = _TAG.fullmatch(path)
        if minor and not _is_of(item, int(minor[1]), pythons):
            others[_place(item)].append(item.size)
        elif minor and (reason := _staleness(contents, item, int(minor[1]))):
            stale[_place(item)].append(f"{source_of(path)} {reason}")
    for where, sizes in sorted(others.items()):
        known = " and ".join(f"3.{minor}" for minor in sorted(pythons))
        yield OTHER.finding(
            where, f"{len(sizes):,} files, {megabytes(sum(sizes))}, are not of Python {known}"
        )
    for where, reasons in sorted(stale.items()):
        more = f", and {len(reasons) - 1:,} more" if len(reasons) > 1 else ""
        yield STALE.finding(where, reasons[0] + more)


def _pythons(contents: Contents) -> frozenset[int]:
    """Give the minor versions of the Pythons of the image; if there is no program, those of its folders."""
    programs = {int(found[1]) for path in contents.items if (found := _PROGRAM.fullmatch(path))}
    return frozenset(
        programs or {int(found[1]) for path in contents.items if (found := _FOLDER.search(path))}
    )


def _is_of(item: Item, minor: int, pythons: frozenset[int]) -> bool:
    folder = _FOLDER.search(item.path)
    if (pythons and minor not in pythons) or (folder and int(folder[1]) != minor):
        return False
    return item.compiled is None or MAGIC_NUMBERS.get(minor, item.compiled.magic) == item.compiled.magic


def _staleness(contents: Contents, item: Item, minor: int) -> str:
    """Say what is untrue; nothing where the source is not there, which Python ignores then."""
    source = contents.items.get(source_of(item.path))
    compiled = item.compiled
    if source is None or source.file is None or compiled is None or len(compiled.header) < 16:
        return ""
    if compiled.is_hashed:
        if minor < HASHED_ALIKE:
            return ""
        is_beside = source.layer == item.layer and compiled.source_hash
        found = compiled.source_hash if is_beside else contents.reader.source_hash(source.file, compiled)
        return "" if found == compiled.header[8:16] else "has another hash than its bytecode says"
    mtime, size = (int.from_bytes(compiled.header[at : at + 4], "little") for at in (8, 12))
    if size != source.size & 0xFFFFFFFF:
        return f"has {source.size:,} bytes, and {size:,} when it was compiled"
    return "" if mtime == source.mtime & 0xFFFFFFFF else "has another time stamp than its bytecode says"


def _place(item: Item) -> str:
    if item.package_folder:
        return item.package_folder
    folder = posixpath.dirname(posixpath.dirname(item.path))
    found = _FOLDER.search(f"{folder}/")
    return folder[: found.end()].rstrip("/") if found else folder
