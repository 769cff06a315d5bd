"""Loads shared libraries, each in a process of its own; runs in the image, by its Python.

It is given to `python -c` with the name of a file that holds paths, one a line, and writes a JSON list of
those that cannot be loaded.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path


def loads(path: str) -> bool:
    """Load a library in a child, as importing it would; a crash is a no."""
    child = os.fork()
    if not child:
        try:
            ctypes.CDLL(path, mode=os.RTLD_LAZY)
        except OSError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


if __name__ == "__main__":
    paths = Path(sys.argv[1]).read_text("utf-8").splitlines()
    sys.stdout.write(json.dumps([path for path in paths if not loads(path)]))
