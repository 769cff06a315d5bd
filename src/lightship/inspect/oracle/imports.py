"""What a module imports when it is imported itself, read from its source: nothing is run.

Imports within functions do not count where the module is a library's, which has many that nobody asks for; in
an application they do. Those for type checkers never count (PEP 484, "Runtime or type checking?").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_STATEMENT = re.compile(rb"^(?=[^\s#)\]}])", re.MULTILINE)
_BODIES = (b"def ", b"class ", b"async def ", b"@")


@dataclass(frozen=True, slots=True)
class Importing:
    """A module that is read: `package` is what its relative imports start at, `is_there` knows others.

    With `everywhere`, functions and classes are read, too.
    """

    package: tuple[str, ...]
    is_there: Callable[[str], bool]
    everywhere: bool = False

    def names(self, source: bytes) -> list[str]:
        """Name what is imported; `from a import b` names `a` and `a.b`, which need not be a module.

        A source that another Python's grammar is needed for names nothing.
        """
        return list(self._of(_parse(source, whole=self.everywhere)))

    def _of(self, statements: Iterable[ast.stmt]) -> Iterator[str]:
        for statement in statements:
            match statement:
                case ast.Import(names=aliases):
                    yield from (alias.name for alias in aliases)
                case ast.ImportFrom():
                    yield from self._imported_from(statement)
                case ast.If():
                    yield from self._of(_taken(statement))
                case ast.Try() | ast.TryStar():
                    yield from self._tried(statement)
                case ast.With(body=body) | ast.For(body=body) | ast.While(body=body):
                    yield from self._of(body)
                case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body) | ast.ClassDef(body=body):
                    yield from self._of(body if self.everywhere else ())
                case _:
                    pass

    def _imported_from(self, statement: ast.ImportFrom) -> Iterator[str]:
        above = self.package[: len(self.package) + 1 - statement.level] if statement.level else ()
        module = ".".join((*above, statement.module) if statement.module else above)
        if module:
            yield module
            yield from (f"{module}.{alias.name}" for alias in statement.names)

    def _tried(self, statement: ast.Try | ast.TryStar) -> Iterator[str]:
        """Read the way that is gone: the handlers where something is tried that is not there."""
        tried = list(self._of(statement.body))
        yield from tried
        needed = (name for part in statement.body for name in _modules(part, self))
        if all(self.is_there(name) for name in needed):
            yield from self._of(statement.orelse)
        else:
            yield from (name for handler in statement.handlers for name in self._of(handler.body))
        yield from self._of(statement.finalbody)


def _modules(statement: ast.stmt, reading: Importing) -> Iterator[str]:
    """Name the modules that must be there, without what may be any name in them."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        yield from list(reading._imported_from(statement))[:1]  # noqa: SLF001 - it is this module's own


def _taken(statement: ast.If) -> list[ast.stmt]:
    """Give what is gone through: both branches where the condition is not known."""
    condition = ast.unparse(statement.test)
    if condition.startswith("__name__ =="):
        return statement.orelse
    if re.fullmatch(r"(\w+\.)?TYPE_CHECKING", condition):
        return statement.orelse
    return [*statement.body, *statement.orelse]


def _parse(source: bytes, *, whole: bool) -> list[ast.stmt]:
    """Parse a source; unless `whole`, what stands outside of functions and classes, a fraction of it.

    That fails where the text of a string looks like a statement: then all is parsed.
    """
    parts = (part for part in _STATEMENT.split(source) if not part.startswith(_BODIES))
    for text in (source,) if whole else (b"".join(parts), source):
        try:
            return ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return []
