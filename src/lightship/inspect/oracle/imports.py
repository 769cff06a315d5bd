"""What a module imports when it is imported itself, read from its source: nothing is run.

Imports within functions do not count where the module is a library's, which has many that nobody asks for; in
an application they do. Those for type checkers are not run (PEP 484, "Runtime or type checking?"): but where
a package imports by `__getattr__` what it is asked for (PEP 562), they say where each name comes from.
"""

from __future__ import annotations

import ast
import re
import warnings
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

    def on_demand(self, source: bytes) -> dict[str, str]:
        """Say where names come from that only type checkers see: who asks for one is given it then."""
        if b"TYPE_CHECKING" not in source:
            return {}
        guarded = (
            imported
            for statement in _parse(source, whole=False)
            if isinstance(statement, ast.If) and _is_for_checkers(statement)
            for imported in ast.walk(statement)
            if isinstance(imported, ast.ImportFrom)
        )
        return {
            alias.asname or alias.name: f"{module}.{alias.name}"
            for imported in guarded
            if (module := self._module(imported))
            for alias in imported.names
        }

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
        if module := self._module(statement):
            yield module
            yield from (f"{module}.{alias.name}" for alias in statement.names)

    def _module(self, statement: ast.ImportFrom) -> str:
        above = self.package[: len(self.package) + 1 - statement.level] if statement.level else ()
        return ".".join((*above, statement.module) if statement.module else above)

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
    if _is_for_checkers(statement):
        return statement.orelse
    return [*statement.body, *statement.orelse]


def _is_for_checkers(statement: ast.If) -> bool:
    return re.fullmatch(r"(\w+\.)?TYPE_CHECKING", ast.unparse(statement.test)) is not None


def _parse(source: bytes, *, whole: bool) -> list[ast.stmt]:
    """Parse a source; unless `whole`, what stands outside of functions and classes, a fraction of it.

    That fails where the text of a string looks like a statement: then all is parsed.
    """
    parts = (part for part in _STATEMENT.split(source) if not part.startswith(_BODIES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escape sequences, which are their authors' affair
        for text in (source,) if whole else (b"".join(parts), source):
            try:
                return ast.parse(text).body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return []
