"""What the project's code imports, and whether it asks for a GPU; read from syntax trees, nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lightship.project.sources import SourceFile


@dataclass(frozen=True, slots=True, order=True)
class Sign:
    """Something in a file of the project: a top-level module that is imported, or a word that means CUDA."""

    file: str
    line: int
    what: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Usage:
    """Modules that the code imports from elsewhere, each where it is first imported, and signs of CUDA."""

    imports: tuple[Sign, ...]
    cuda: tuple[Sign, ...]


def read_usage(folder: Path, files: Iterable[SourceFile]) -> Usage:
    """Read the project's Python files; one that is no Python is passed over."""
    own = _own_modules(files)
    imports: dict[str, Sign] = {}
    cuda: list[Sign] = []
    for file in files:
        if not file.path.endswith(".py"):
            continue
        tree = _parse(folder / file.path)
        for line, module in _imports(tree):
            if module not in own:
                imports.setdefault(module, Sign(file.path, line, module))
        cuda += [Sign(file.path, line, word) for line, word in _cuda(tree)]
    return Usage(tuple(sorted(imports.values())), tuple(sorted(cuda)))


def _own_modules(files: Iterable[SourceFile]) -> set[str]:
    tops = (file.path.removeprefix("src/").split("/")[0] for file in files)
    return {top.removesuffix(".py") for top in tops}


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return ast.Module([], [])


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield absolute imports anywhere in a file, those inside functions too, and `import_module("…")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            yield from ((node.lineno, text.split(".")[0]) for text in _texts(node))


def _cuda(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "cuda":
            yield node.lineno, ".cuda"
        elif isinstance(node, ast.Constant) and re.fullmatch(r"cuda(?::\d+)?", str(node.value)):
            yield node.lineno, repr(node.value)


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _texts(node: ast.Call) -> list[str]:
    values = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
    return [value for value in values if isinstance(value, str)]
