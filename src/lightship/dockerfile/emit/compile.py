"""Compiles modules to bytecode that Python takes without a look at their sources (PEP 552, unchecked hash).

    PYTHONHASHSEED=0 python -B compile.py LIST

LIST has a path a line, behind the name that sysconfig has for the folder it is in: `stdlib/json/__init__.py`.
What is not there, or does not compile, is left out, as pip leaves it out. One process compiles all of it, in
the order of the list: what marshal writes may depend on what else is in memory.
"""

from __future__ import annotations

import py_compile
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH
FAILURES = (py_compile.PyCompileError, ValueError, RecursionError, MemoryError)


def compile_modules(lines: Iterable[str]) -> None:
    for line in lines:
        folder, _, name = line.strip().partition("/")
        if not name or folder.startswith("#"):
            continue
        path = Path(sysconfig.get_path(folder), name)
        if path.is_file():
            with suppress(*FAILURES):
                py_compile.compile(str(path), doraise=True, invalidation_mode=UNCHECKED)


if __name__ == "__main__":
    compile_modules(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
