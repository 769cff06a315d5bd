from __future__ import annotations

from typing import Any

import pytest

from lightship.debs.model import LockedDeb
from lightship.digest import of_bytes
from lightship.oci.model import Execution
from lightship.plan.model import (
    BaseLayer,
    BytecodeLayer,
    EnvironmentLayer,
    FilesLayer,
    LayerPlan,
    Plan,
    WheelsLayer,
)
from lightship.plan.startup import startup_paths
from lightship.project.sources import SourceFile
from lightship.project.start import Start
from lightship.wheels.model import LockedWheel

SITE = "opt/venv/lib/python3.11/site-packages"
LIBRARY = "usr/lib/python3.11"
LIBC = "usr/lib/x86_64-linux-gnu/libc.so.6"
START = Start(
    "3.11",
    distributions={"a": "1", "b": "1"},
    standard_library=("json/__init__.py", "os.py"),
    modules={"a": ("a.py", "a/x.py"), "b": ("b.py",)},
    opened={"amd64": {"a": ("a.py", "a/data", "a/x.so"), "b": ()}},
    system={"amd64": ("etc/passwd", LIBC)},
)
BASE = BaseLayer("bookworm", "amd64", (LockedDeb("libc6", "2.36", "amd64", "x", 1, "3" * 64),))
ENVIRONMENT = EnvironmentLayer("opt/venv", "3.11", "app", 1, 1, "/app")
FILES = FilesLayer("application", "/app", (SourceFile("main.py"), SourceFile("data")))


def wheels(*names: str, version: str = "1") -> WheelsLayer:
    made = (LockedWheel(name, version, f"{name}.whl", "https://x", "4" * 64, 1) for name in names)
    return WheelsLayer("opt/venv", "3.11", tuple(made))


def compiled(of: Any, *modules: str) -> BytecodeLayer:
    return BytecodeLayer(of, "3.11", "3.11.2", modules or None)


def first(*layers: LayerPlan, start: Start | None = START, architecture: str = "amd64") -> list[Any]:
    plan = Plan("p", "none", "production", architecture, layers, Execution(), of_bytes(b""))
    return startup_paths(plan, start)


def test_nothing_is_known_without_a_record() -> None:
    assert first(BASE, ENVIRONMENT, wheels("a"), FILES, start=None) == [(), (), (), ()]


def test_imports_and_opened_files_are_looked_for_where_they_lie() -> None:
    assert first(BASE, ENVIRONMENT, wheels("a"), wheels("b"), FILES) == [
        ("etc/passwd", "usr/bin/python3.11", f"{LIBRARY}/json/__init__.py", f"{LIBRARY}/os.py", LIBC),
        ("etc/passwd", "opt/venv/pyvenv.cfg", LIBC),
        (f"{SITE}/a.py", f"{SITE}/a/data", f"{SITE}/a/x.py", f"{SITE}/a/x.so"),
        (f"{SITE}/b.py",),
        (),
    ]


def test_what_was_opened_on_another_architecture_does_not_count() -> None:
    assert first(ENVIRONMENT, wheels("a"), architecture="arm64") == [
        ("opt/venv/pyvenv.cfg",),
        (f"{SITE}/a.py", f"{SITE}/a/x.py"),
    ]


def test_of_another_release_nothing_is_known() -> None:
    assert first(wheels("a", version="2")) == [()]


@pytest.mark.parametrize("modules", [(f"{SITE}/a.py", f"{SITE}/a/x.py"), ()], ids=["imported", "all"])
def test_of_compiled_modules_the_bytecode_is_read_instead(modules: tuple[str, ...]) -> None:
    layer = wheels("a", "b")
    assert first(layer, compiled(wheels("a"), *modules)) == [
        (f"{SITE}/a/data", f"{SITE}/a/x.so", f"{SITE}/b.py"),
        (f"{SITE}/__pycache__/a.cpython-311.pyc", f"{SITE}/a/__pycache__/x.cpython-311.pyc"),
    ]


def test_the_standard_librarys_bytecode_counts_likewise() -> None:
    assert first(BASE, compiled(BASE, f"{LIBRARY}/os.py")) == [
        ("etc/passwd", "usr/bin/python3.11", f"{LIBRARY}/json/__init__.py", LIBC),
        (f"{LIBRARY}/__pycache__/os.cpython-311.pyc",),
    ]


def test_the_applications_compiled_modules_all_count() -> None:
    assert first(FILES, compiled(FILES, "app/main.py")) == [
        (),
        ("app/__pycache__/main.cpython-311.pyc",),
    ]
