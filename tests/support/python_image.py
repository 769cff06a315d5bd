"""An image with a Python that really runs: the one that runs the tests, with the libraries it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from lightship.fs.entries import Entry, FileContent, Kind, directory, regular, symlink

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"usr/local/lib/{VERSION}/site-packages"
_LEFT_OUT = {
    "__pycache__",
    "site-packages",
    "dist-packages",
    "test",
    "idlelib",
    "tkinter",
    "ensurepip",
    "turtledemo",
}
_OPTIONAL = ("_tkinter", "_curses", "_gdbm", "_dbm", "readline", "nis")


def python_layer() -> Iterator[Entry]:
    """Yield a root with `/usr/local/bin/python3`, users `root` and `app` (1001:1002), and a `/tmp`."""
    yield directory("tmp", 0o1777)
    yield regular("etc/passwd", b"root:x:0:0:root:/root:/none\napp:x:1001:1002::/home/app:/none\n")
    yield regular("etc/group", b"root:x:0:\napp:x:1002:\n")
    stdlib = Path(sysconfig.get_path("stdlib"))
    program = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    yield _copy(program, f"usr/local/bin/{VERSION}", 0o755)
    yield symlink("usr/local/bin/python3", VERSION)
    yield symlink("usr/local/bin/python", "python3")
    modules = [path for path in _files(stdlib) if not path.name.startswith(_OPTIONAL)]
    for path in modules:
        yield _copy(path, f"usr/local/lib/{VERSION}/{path.relative_to(stdlib)}", 0o644)
    yield directory(SITE)
    for name, path in sorted(
        _libraries([program, *(path for path in modules if path.suffix == ".so")]).items()
    ):
        yield _copy(path, name.lstrip("/"), 0o755)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = set(path.relative_to(folder).parts)
        is_left_out = parts & _LEFT_OUT or any(part.startswith("config-") for part in parts)
        if path.is_file() and not is_left_out and path.suffix not in (".a", ".o"):
            yield path


def _libraries(files: list[Path]) -> dict[str, Path]:
    """Ask the host's loader what files need, and where it finds that."""
    output = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=True).stdout  # noqa: S607
    found = re.findall(r"(?:=> |^\s+)(/\S+) \(0x", output, re.MULTILINE)
    return {path: Path(path).resolve() for path in found}


def _copy(path: Path, name: str, mode: int) -> Entry:
    return Entry(name, Kind.FILE, mode, FileContent(path, path.stat().st_size))
