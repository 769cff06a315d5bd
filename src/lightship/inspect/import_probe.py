"""Imports what every installed distribution offers; runs in the image, by the image's own Python.

It is given to `python -c`, so it stands alone, and keeps to what Python 3.8 knows. It writes JSON, an object
a line, to what was its standard output: `begin` before a module is imported, then `end`; what modules
themselves print goes to the standard error stream. The names on its command line were tried by an earlier
process.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
from pathlib import PurePosixPath
from typing import Dict, Iterator, List, Set, TextIO  # noqa: UP035 - the image's Python may be older

JUNK = {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "setup"}
EXTENSIONS = (".so", ".py")


def modules_of(distribution: importlib.metadata.Distribution) -> List[str]:  # noqa: UP006
    """Name the packages and modules a user of a distribution imports, by its RECORD.

    A folder without an `__init__` is a namespace (PEP 420): the packages directly within it count.
    """
    files = [PurePosixPath(str(path)) for path in distribution.files or ()]
    code = [path for path in files if path.name.endswith(EXTENSIONS) and ".." not in path.parts]
    packages = {path.parent for path in code if path.name.split(".")[0] == "__init__"}
    found = {name for path in code for name in importable(path, packages)}
    return sorted(found)


def importable(path: PurePosixPath, packages: Set[PurePosixPath]) -> Iterator[str]:  # noqa: UP006
    """Yield the outermost package that holds a file, or the module that it is."""
    above = [folder for folder in reversed(path.parents) if folder in packages]
    parts = list(above[0].parts) if above else [*path.parts[:-1], path.name.split(".")[0]]
    is_private = any(part.startswith("_") or part in JUNK for part in parts)
    if all(part.isidentifier() for part in parts) and not is_private and len(parts) <= 3:
        yield ".".join(parts)


def attempt(module: str) -> Dict[str, str]:  # noqa: UP006
    """Import one module; whatever goes wrong is the answer."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        return {"error": f"{type(error).__name__}: {error}", "lacks": error.name or ""}
    except BaseException as error:  # noqa: BLE001 - SystemExit and the like at import are faults, too
        return {"error": f"{type(error).__name__}: {error}"}
    return {}


def main(done: Set[str], out: TextIO) -> None:  # noqa: UP006
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        for module in modules_of(distribution):
            if module not in done:
                done.add(module)
                say(out, begin=module, distribution=name)
                answer = attempt(module)
                requires = distribution.requires or [] if answer else []
                say(out, end=module, distribution=name, requires=requires, **answer)
    say(out, finished=True)


def say(out: TextIO, **message: object) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


if __name__ == "__main__":
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main(set(sys.argv[1:]), stream)
    os._exit(0)  # without the threads and exit handlers that modules left behind
