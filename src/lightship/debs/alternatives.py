"""Names that `update-alternatives` makes from maintainer scripts, which are not run."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lightship.fs.entries import Entry, symlink

ALTERNATIVES = {
    "usr/bin/cc": "gcc",
    "usr/bin/c++": "g++",
    "usr/bin/c89": "c89-gcc",
    "usr/bin/c99": "c99-gcc",
    "usr/bin/awk": "mawk",
    "usr/bin/yacc": "bison.yacc",
    "usr/bin/lex": "flex",
    "usr/bin/nc": "nc.openbsd",
    "usr/bin/pager": "less",
    "usr/bin/vi": "vim.tiny",
    "usr/bin/w": "w.procps",
    "usr/bin/which": "which.debianutils",
}
"""Each name, and the program in its folder that it leads to."""


def alternatives(paths: Collection[str]) -> Iterator[Entry]:
    """Yield links for those programs that are among the tree's paths, where the names are not."""
    for path, program in ALTERNATIVES.items():
        place = f"{path.rpartition('/')[0]}/{program}"
        if path not in paths and place in paths:
            yield symlink(path, program)
