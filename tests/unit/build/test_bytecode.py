from __future__ import annotations

import ast
import importlib.util
import marshal
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType

import pytest
from msgspec import Struct

from lightship.build import bytecode
from lightship.build.bytecode import LOADERS, Compiler
from lightship.errors import IntegrityError, StageError
from lightship.fs.entries import Entry, Kind, regular
from lightship.platform import Platform

COMPILE_PROBE = Path(bytecode.__file__).with_name("compile_probe.py")
NATIVE = Platform({"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine])
SOURCES = [
    regular("opt/a/x.py", b"def f():\n    return {'b', 'a'}\n"),
    regular("opt/a/broken.py", b"def f(:\n"),
    regular("opt/a/latin.py", "# coding: latin-1\nx = 'é'\n".encode("latin-1")),
    regular("opt/a/data.txt", b"text"),
]


def compiler(tmp_path: Path, script: str = 'shift 3\nunset PYTHONHOME\nexec "$PYTHON" "$@"') -> Compiler:
    """A compiler whose loader runs this very Python."""
    loader = tmp_path / "root/usr/lib" / NATIVE.multiarch / LOADERS[NATIVE.machine]
    loader.parent.mkdir(parents=True, exist_ok=True)
    loader.write_text(f"#!/bin/sh\nPYTHON={sys.executable}\n{script}\n")
    loader.chmod(0o755)
    return Compiler(tmp_path / "root", NATIVE, "3.11", tmp_path / "scratch")


def compiled(
    tmp_path: Path, modules: Iterable[str] | None, entries: Iterable[Entry] = SOURCES
) -> dict[str, bytes]:
    wanted = None if modules is None else tuple(modules)
    with compiler(tmp_path).compiled(entries, wanted) as made:
        return {entry.path: b"".join(entry.content.chunks()) for entry in made if entry.content is not None}


def test_modules_become_bytecode_that_python_takes_unchecked(tmp_path: Path) -> None:
    ((path, data),) = compiled(tmp_path, ["opt/a/x.py"]).items()
    assert path == "opt/a/__pycache__/x.cpython-311.pyc"
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(data[4:8], "little") == 0b01  # PEP 552: by hash, and not checked
    source = b"".join(SOURCES[0].content.chunks()) if SOURCES[0].content else b""
    assert data[8:16] == importlib.util.source_hash(source)


def test_tracebacks_name_the_path_in_the_image(tmp_path: Path) -> None:
    ((_, data),) = compiled(tmp_path, ["opt/a/x.py"]).items()
    code = marshal.loads(data[16:])  # noqa: S302 - we made it
    assert isinstance(code, CodeType)
    assert code.co_filename == "/opt/a/x.py"


def test_without_a_choice_everything_that_compiles_is_compiled(tmp_path: Path) -> None:
    assert set(compiled(tmp_path, None)) == {
        "opt/a/__pycache__/latin.cpython-311.pyc",
        "opt/a/__pycache__/x.cpython-311.pyc",
    }


def test_what_is_not_there_is_passed_over(tmp_path: Path) -> None:
    assert compiled(tmp_path, ["opt/a/gone.py"]) == {}


def test_the_order_of_entries_and_the_seed_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = compiled(tmp_path, None)
    monkeypatch.setenv("PYTHONHASHSEED", "99")
    assert compiled(tmp_path, None, SOURCES[::-1]) == one


def test_folders_come_before_their_files(tmp_path: Path) -> None:
    with compiler(tmp_path).compiled(SOURCES, ["opt/a/x.py"]) as made:
        assert [(entry.path, entry.kind, entry.mode) for entry in made] == [
            ("opt", Kind.DIRECTORY, 0o755),
            ("opt/a", Kind.DIRECTORY, 0o755),
            ("opt/a/__pycache__", Kind.DIRECTORY, 0o755),
            ("opt/a/__pycache__/x.cpython-311.pyc", Kind.FILE, 0o644),
        ]


@pytest.mark.parametrize("script", ["echo no >&2\nexit 3", None])
def test_a_compiler_that_does_not_run_is_an_error(tmp_path: Path, script: str | None) -> None:
    broken = compiler(tmp_path, script or "")
    if script is None:
        broken = Compiler(tmp_path / "nowhere", NATIVE, "3.11", tmp_path / "scratch")
    with (
        pytest.raises(StageError, match=r"Python 3\.11 could not compile") as caught,
        broken.compiled(SOURCES, None),
    ):
        pass
    assert 'bytecode = "none"' in caught.value.hint
    assert caught.value.detail


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    compiled(tmp_path, None)
    assert list((tmp_path / "scratch").iterdir()) == []


STATEFUL = [
    regular("a/star.py", b"from os import *\n"),
    regular("b/constants.py", "x = '*', '+', 'é', 'è', '', 'a', 'name', 'normalize'\n".encode()),
    regular("c/names.py", "é = 1\nx = '\\N{DIGIT ONE}', '*', 'é'\n".encode()),
    regular("d/cyrillic.py", "# coding: cp1251\nx = 'я', {1, 'b', (2, 'ж')}\n".encode("cp1251")),
    regular("e/broken.py", b"x = '\\d' if\n"),
    regular("f/escape.py", b"x = '\\d', [y for y in 'ab'], lambda: 0\n"),
]


def test_no_bytecode_depends_on_what_else_is_compiled(tmp_path: Path) -> None:
    together = compiled(tmp_path, None, STATEFUL)
    assert len(together) == len(STATEFUL) - 1
    assert compiled(tmp_path, None, STATEFUL[::-1]) == together
    alone = [compiled(tmp_path, None, [entry]) for entry in STATEFUL]
    assert {path: data for one in alone for path, data in one.items()} == together


def test_the_script_imports_what_is_in_the_interpreter_alone() -> None:
    nodes = list(ast.walk(ast.parse(COMPILE_PROBE.read_text("utf-8"))))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert named - {"_frozen_importlib_external"} <= set(sys.builtin_module_names)


def test_sources_that_are_refused_end_the_compiler(tmp_path: Path) -> None:
    class Damaged(Struct, frozen=True):
        size: int = 1

        def chunks(self) -> Iterator[bytes]:
            raise IntegrityError("damaged")

    entries = [*SOURCES, Entry("opt/a/y.py", Kind.FILE, 0o644, Damaged())]
    with pytest.raises(IntegrityError, match="damaged"), compiler(tmp_path).compiled(entries, None):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_compiler_that_ends_amid_its_work_is_an_error(tmp_path: Path) -> None:
    entries = [regular(f"opt/a/x{number}.py", bytes(100_000)) for number in range(9)]
    broken = compiler(tmp_path, "head -c 10000 >/dev/null\necho no more >&2\nexit 3")
    with pytest.raises(StageError) as caught, broken.compiled(entries, None):
        pass
    assert caught.value.detail == "no more\n"
