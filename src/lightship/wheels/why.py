"""Which requirement brings a package, read from uv's annotations."""

from __future__ import annotations

import re

_LINE = re.compile(r"^([A-Za-z0-9._-]+)\S*.*?#\s*via (.+)$", re.MULTILINE)
_ROOT = re.compile(r"^-r |\(.*\)$")


def chain(annotated: str, name: str) -> list[str]:
    """Packages from the one that is required directly down to `name`.

    `annotated` is uv's output with `--annotation-style line`.
    """
    parents = {match[1]: match[2].split(", ") for match in _LINE.finditer(annotated)}
    path = [name]
    while not any(_ROOT.search(parent) for parent in parents.get(path[0], ["(unknown)"])):
        above = next(
            (parent for parent in parents[path[0]] if parent in parents and parent not in path), None
        )
        if above is None:
            break
        path.insert(0, above)
    return path
