"""What a process and those that it started hold in memory (proc(5))."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


def memory_of(pid: int) -> int | None:
    """Add up proportional set sizes, in bytes: what is shared counts once. None if they cannot be read."""
    children: dict[int, list[int]] = defaultdict(list)
    for other, parent in _parents():
        children[parent].append(other)
    found, todo = [], [pid]
    while todo:
        at = todo.pop()
        found.append(_share(at))
        todo += children[at]
    known = [size for size in found if size is not None]
    return sum(known) if known else None


def _parents() -> Iterator[tuple[int, int]]:
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                # The name, in parentheses, may hold anything.
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            yield int(folder.name), int(fields[1])


def _share(pid: int) -> int | None:
    try:
        found = _PSS.search((_PROC / str(pid) / "smaps_rollup").read_bytes())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
