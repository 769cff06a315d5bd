"""Compiles modules; run by the target's own Python, on the build machine.

It reads JSON from its standard input: a list of the file that holds a source, the file to write, and the
path that tracebacks will name. What does not compile is left out, as pip leaves it out.
"""

from __future__ import annotations

import json
import py_compile
import sys

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH

for source, compiled, name in json.load(sys.stdin):
    try:  # noqa: SIM105 - nothing is imported that is not needed: it would be in memory while this compiles
        py_compile.compile(source, compiled, name, doraise=True, invalidation_mode=UNCHECKED)
    except (py_compile.PyCompileError, ValueError, RecursionError, MemoryError):
        pass
