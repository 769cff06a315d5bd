from __future__ import annotations

import pytest

from lightship.inspect.oracle.imports import Importing

HERE = {"json", "fast", "pkg"}


def names(source: str, package: str = "") -> list[str]:
    return Importing(tuple(package.split(".")) if package else (), HERE.__contains__).names(source.encode())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a, b.c as d", ["a", "b.c"]),
        ("from a import b, c as d", ["a", "a.b", "a.c"]),
        ("from a import (\n    b,\n    c,\n)\n", ["a", "a.b", "a.c"]),
        ("with x:\n    import a\nfor y in x:\n    import b\n", ["a", "b"]),
        ("if x > 1:\n    import a\nelse:\n    import b\n", ["a", "b"]),
    ],
)
def test_statements_name_modules(source: str, expected: list[str]) -> None:
    assert names(source) == expected


def test_relative_imports_start_at_the_package() -> None:
    assert names("from . import a", "pkg.sub") == ["pkg.sub", "pkg.sub.a"]
    assert names("from .a import b", "pkg.sub") == ["pkg.sub.a", "pkg.sub.a.b"]
    assert names("from ..a import b", "pkg.sub") == ["pkg.a", "pkg.a.b"]
    assert names("from . import a") == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import a\n",
        "async def f():\n    import a\n",
        "@x\nclass C:\n    def f(self):\n        import a\n",
        "if TYPE_CHECKING:\n    import a\n",
        "if typing.TYPE_CHECKING:\n    from a import b\n",
        'if __name__ == "__main__":\n    import a\n',
        '"""\nimport a\n"""\n',
        "# import a",
    ],
)
def test_what_a_start_does_not_run_is_no_import(source: str) -> None:
    assert names(source) == []


def test_everywhere_means_functions_and_classes_too() -> None:
    source = b"class C:\n    import a\n    async def f(self):\n        with x:\n            from b import c\n"
    assert Importing((), HERE.__contains__, everywhere=True).names(source) == ["a", "b", "b.c"]


def test_names_that_are_imported_on_demand_are_those_that_type_checkers_see() -> None:
    source = b"if TYPE_CHECKING:\n    from .a import b, c as d\n    from x import y\n    import z\n"
    found = Importing(("pkg",), HERE.__contains__).on_demand(source)
    assert found == {"b": "pkg.a.b", "d": "pkg.a.c", "y": "x.y"}
    assert Importing(("pkg",), HERE.__contains__).on_demand(b"from .a import b\n") == {}


def test_of_what_is_tried_the_way_that_is_gone_counts() -> None:
    source = (
        "try:\n    import {}\nexcept ImportError:\n    import slow\n"
        "else:\n    import more\nfinally:\n    import last\n"
    )
    assert names(source.format("fast")) == ["fast", "more", "last"]
    assert names(source.format("gone")) == ["gone", "slow", "last"]
    attribute = "try:\n    from pkg import anything\nexcept ImportError:\n    import slow\n"
    assert names(attribute) == ["pkg", "pkg.anything"]


def test_text_that_looks_like_a_statement_is_read_with_all_around_it() -> None:
    source = 'import a\nX = """\ndef\ndef f():\n"""\nimport b\n'
    assert names(source) == ["a", "b"]


def test_what_python_warns_of_is_read_all_the_same() -> None:
    assert names('X = "\\d"\nimport a\n') == ["a"]


@pytest.mark.parametrize("source", ["import (", "import a\0", "(" * 5000])
def test_what_is_not_python_imports_nothing(source: str) -> None:
    assert names(source) == []
