"""What is trimmed from a real base is missed by nothing that stays."""

from __future__ import annotations

import fnmatch
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightship.debs.skeleton import merged
from lightship.debs.unpack import data_entries
from lightship.fs.entries import Kind
from tests.integration.debs.conftest import SAFE, Base
from tests.support.imports import imported_modules, module_name

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("gpgv")]

NOT_AT_RUN_TIME = {
    ("_compat_pickle.py", "test.support"): "a table of names that modules had in Python 2",
    ("_compat_pickle.py", "test.test_support"): "a table of names that modules had in Python 2",
    ("multiprocessing/util.py", "test"): "_cleanup_tests, for Python's own tests",
    ("multiprocessing/util.py", "test.support"): "_cleanup_tests, for Python's own tests",
    ("pydoc.py", "pydoc_data.topics"): "Helper, which says so where it is missing",
}
PROGRAM = """
import ctypes, io, json, pydoc, pydoc_data, zoneinfo
libc = ctypes.CDLL("libc.so.6", use_errno=True)
libc.iconv_open.restype = ctypes.c_void_p
failed = ctypes.c_void_p(-1).value
names = "UTF-8 UTF-16 UTF-16LE UTF-32 UCS-2 UCS-4 LATIN1 ISO-8859-15 CP1252 ASCII".split()
out = io.StringIO()
pydoc.Helper(io.StringIO(), out).showtopic("if")
print(json.dumps({
    "there": [name for name in names if libc.iconv_open(b"UTF-8", name.encode()) != failed],
    "rare": libc.iconv_open(b"UTF-8", b"BIG5") == failed,
    "errno": ctypes.get_errno(),
    "python": "\\u6f22".encode("big5").hex(),
    "zones": sorted(zoneinfo.available_timezones()),
    "help": "could not be found" in out.getvalue(),
}))
"""
EINVAL = 22


def shipped(base: Base) -> Iterator[tuple[str, Path]]:
    for path in sorted(base.root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(base.root)), path


def packed(base: Base) -> dict[str, bytes]:
    """Files of the packages that are trimmed, by their place in the merged tree."""
    return {
        merged(entry.path): b"".join(entry.content.chunks()) if entry.content else b""
        for deb, archive in base.debs.items()
        for entry in data_entries(archive, package=deb.name)
        if entry.kind is not Kind.DIRECTORY and SAFE(merged(entry.path))
    }


def test_no_module_of_python_misses_one_that_is_trimmed(base: Base) -> None:
    library = f"usr/lib/python{base.python}/"
    below = [path.removeprefix(library).removeprefix("lib-dynload/") for path in packed(base)]
    gone = {module_name(path) for path in below} - {""}
    assert {"test", "test.support", "_testcapi", "pydoc_data.topics"} <= gone
    missed = {
        (path.removeprefix(library), name)
        for path, file in shipped(base)
        if path.startswith(library) and path.endswith(".py")
        for _, name in imported_modules(file.read_bytes(), path.removeprefix(library))
        if name in gone
    }
    assert missed <= set(NOT_AT_RUN_TIME)


def test_the_character_sets_that_go_are_those_that_glibc_lists_apart(base: Base) -> None:
    folder = f"usr/lib/{base.platform.multiarch}/gconv"
    gone = packed(base)
    rare = gone[f"{folder}/gconv-modules.d/gconv-modules-extra.conf"].decode()
    common = (base.root / folder / "gconv-modules").read_text()
    assert modules(common) == {path.stem for path in (base.root / folder).glob("*.so")}
    libraries = {Path(path).stem for path in gone if fnmatch.fnmatch(path, f"{folder}/[!l]*.so")}
    assert libraries <= modules(rare)


def modules(configuration: str) -> set[str]:
    lines = (line.split() for line in configuration.splitlines())
    return {line[3] for line in lines if line[:1] == ["module"]}


@pytest.mark.requires_tool("bwrap")
def test_what_stays_works(native_base: Base) -> None:
    base = native_base
    isolate = ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-all", "--clearenv"]
    command = ["/usr/bin/bwrap", "--ro-bind", str(base.root), "/", *isolate, f"/usr/bin/python{base.python}"]
    done = subprocess.run([*command, "-c", PROGRAM], check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)
    assert len(said["there"]) == 10
    assert (said["rare"], said["errno"]) == (True, EINVAL)
    assert said["python"] == "ba7e"
    assert "Europe/Berlin" in said["zones"]
    assert len(said["zones"]) > 400
    assert said["help"]
