from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lightship.debs.model import LockedDeb
from lightship.oci.record import Compression
from lightship.plan.bytecode import Bytecode, compiler_version
from lightship.plan.layering import GIANT, bucket
from lightship.plan.model import BaseLayer, BytecodeLayer, FilesLayer, WheelsLayer, layer_key
from lightship.project.sources import SourceFile
from lightship.project.start import Start
from lightship.wheels.model import LockedWheel

SITE = "opt/venv/lib/python3.11/site-packages"
START = Start(
    "3.11",
    distributions={"a": "1", "b": "1", "torch": "1"},
    standard_library=("json/__init__.py",),
    modules={"a": ("a.py", "a/x.py"), "torch": ("torch/__init__.py",)},
)
PYTHON = LockedDeb("python3.11-minimal", "3.11.2-6+deb12u6", "amd64", "x", 1, "1" * 64)
LIBRARY = LockedDeb("libpython3.11-stdlib", "3.11.2-6+deb12u6", "amd64", "x", 1, "2" * 64)
OTHER = LockedDeb("libc6", "2.36", "amd64", "x", 1, "3" * 64)
BASE = BaseLayer("bookworm", "amd64", (OTHER, LIBRARY, PYTHON), ("documentation",))
APPLICATION = FilesLayer("application", "/app", (SourceFile("app/main.py"), SourceFile("app/data.json")))


def bytecode(level: str = "imported", start: Start | None = START, compiler: str = "3.11.2-6") -> Bytecode:
    return Bytecode(level, start, "3.11", compiler)


def wheel(name: str, size: int = 1000) -> LockedWheel:
    return LockedWheel(name, "1", f"{name}-1-py3-none-any.whl", "https://x", "4" * 64, size)


def layer(*names: str, size: int = 1000, **more: Any) -> WheelsLayer:
    return WheelsLayer("opt/venv", "3.11", tuple(wheel(name, size) for name in names), **more)


def names(made: BytecodeLayer) -> list[str]:
    assert isinstance(made.of, WheelsLayer)
    return [each.name for each in made.of.wheels]


def test_the_standard_library_comes_from_pythons_packages_alone() -> None:
    (made,) = bytecode().of_base(BASE)
    assert made.of == BaseLayer("bookworm", "amd64", (LIBRARY, PYTHON), ("documentation",))
    assert made.modules == ("usr/lib/python3.11/json/__init__.py",)
    assert made.title == "bytecode: standard library"


def test_only_what_was_imported_counts() -> None:
    (made,) = bytecode().of_wheels([layer("a", "b")])
    assert names(made) == ["a"]
    assert made.modules == (f"{SITE}/a.py", f"{SITE}/a/x.py")


def test_another_distribution_changes_no_bytecode() -> None:
    before, after = (list(bytecode().of_wheels([layer(*group)])) for group in (("a",), ("a", "b")))
    assert [layer_key(each, Compression.GZIP) for each in before] == [
        layer_key(each, Compression.GZIP) for each in after
    ]


def test_giants_have_layers_of_their_own_and_the_others_share_buckets() -> None:
    many = {f"p{number}": (f"p{number}.py",) for number in range(60)}
    start = Start("3.11", modules={**many, "torch": ("torch/__init__.py",)})
    layers = [layer("torch", size=GIANT), layer("p0", size=GIANT // 2), layer(*sorted(many)[1:])]
    made = list(bytecode(start=start).of_wheels(layers))
    assert names(made[0]) == ["torch"]
    assert sorted(name for each in made[1:] for name in names(each)) == sorted(many)
    for each in made[1:]:
        assert len({bucket(name) for name in names(each)}) == 1


def test_there_are_never_many_layers() -> None:
    start = Start("3.11", modules={f"p{number}": (f"p{number}.py",) for number in range(200)})
    layers = [layer(f"p{number}", size=GIANT) for number in range(200)]
    assert len(list(bytecode(start=start).of_wheels(layers))) <= 8 + 16


def test_what_is_not_shipped_is_not_compiled() -> None:
    (made,) = bytecode().of_wheels([layer("a", trim=("tests",), keep={"a": ("a.py",)}, strip=True)])
    assert made.of == layer("a", trim=("tests",), keep={"a": ("a.py",)})


def test_the_application_is_compiled_whole() -> None:
    (made,) = bytecode(start=None).of_files(APPLICATION)
    assert (made.of, made.modules) == (APPLICATION, ("app/app/main.py",))
    assert made.title == "bytecode: application"


def test_without_modules_there_is_no_layer() -> None:
    assert not list(bytecode().of_files(FilesLayer("application", "/app", ())))
    assert not list(bytecode(start=None).of_wheels([layer("a")]))
    assert not list(bytecode(start=None).of_base(BASE))


def test_at_level_all_no_record_is_needed() -> None:
    (library,) = bytecode("all", None).of_base(BASE)
    (wheels,) = bytecode("all", None).of_wheels([layer("a")])
    assert (library.modules, wheels.modules) == (None, None)


@pytest.mark.parametrize("made", [bytecode("none"), bytecode(compiler="")])
def test_at_level_none_and_without_a_compiler_there_is_nothing(made: Bytecode) -> None:
    found = (*made.of_base(BASE), *made.of_wheels([layer("a")]), *made.of_files(APPLICATION))
    assert found == ()


def test_the_compiler_is_pythons_own_package() -> None:
    rebuilt = msgspec.structs.replace(PYTHON, version="3.11.2-6+deb12u6+b2")
    assert compiler_version([OTHER, rebuilt], "3.11") == compiler_version([PYTHON], "3.11")
    assert compiler_version([PYTHON], "3.12") == ""


def test_the_compiler_and_the_modules_decide_a_layer() -> None:
    keys = {
        layer_key(next(made.of_wheels([layer("a")])), Compression.GZIP)
        for made in (
            bytecode(),
            bytecode(compiler="3.11.3-1"),
            bytecode("all"),
            bytecode(start=Start("3.11", modules={"a": ("a.py",)})),
        )
    }
    assert len(keys) == 4
