"""Which modules Python sources import, read without running them."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator


def module_name(path: str) -> str:
    """`a.b` of `a/b.py`, `a/b/__init__.py` and `a/b.abi3.so`; empty for other files."""
    if not path.endswith((".py", ".so")):
        return ""
    folder, _, name = path.rpartition("/")
    name = name.partition(".")[0]
    return ".".join(folder.split("/") + ([] if name == "__init__" else [name])).strip(".")


def imported_modules(source: bytes, path: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of every module that might be imported: by a statement, or named in a string.

    Code that is not of this Python's version yields nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of others' escapes in strings
            tree = ast.parse(source)
    except SyntaxError:
        return
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        for name in _named(node, package):
            yield getattr(node, "lineno", 0), name


def _named(node: ast.AST, package: list[str]) -> Iterable[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            return [base, *(f"{base}.{alias.name}" for alias in node.names)]
        case ast.Constant(value=str(text)) if text.count(".") and text.replace(".", "").isidentifier():
            return [text]
    return []
