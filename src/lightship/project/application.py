"""Find the web application in a project, from its syntax trees: nothing of it is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lightship.project.code import code_of, is_shipped, modules_of

ASGI = frozenset({"FastAPI", "Starlette", "Litestar", "Quart", "BlackSheep", "Robyn"})
WSGI = frozenset({"Flask", "Bottle", "Falcon"})
PLACES = (
    "app/main.py",
    "main.py",
    "app.py",
    "app/__init__.py",
    "app/app.py",
    "app/server.py",
    "server.py",
    "api/main.py",
    "wsgi.py",
    "asgi.py",
    "*/main.py",
    "*/app.py",
    "src/*/main.py",
    "src/*/app.py",
    "src/*/__init__.py",
    "*/wsgi.py",
)
"""Where people put the application, most usual first; then it is looked for everywhere."""
DJANGO = "Django"
FACTORY = "factory"
"""What a function of another module makes, whose framework is not known there."""
_FACTORIES = frozenset({"build_app", "create_app", "get_app", "make_app"})
_NAMES = re.compile("|".join(sorted({*ASGI, *WSGI, *_FACTORIES, "get_wsgi_application"})).encode())
HEALTH = frozenset({"/health", "/healthz", "/livez", "/live", "/ping", "/-/healthy"})


class Application(Struct, frozen=True):
    """`target` is what servers take, as `app.main:app`; `sources` are the paths that hold its code.

    `root` is the folder, relative to the project, that must be on the import path; empty for the project.
    `health` is the path of a route of the application that is named as health checks are, or empty.
    `is_factory` says that the target is a function, which is called without arguments.
    """

    target: str
    framework: str
    asgi: bool
    sources: tuple[str, ...]
    root: str
    health: str = ""
    is_factory: bool = False


def find_application(folder: Path) -> Application | None:
    """Look for an application that a module has, else for a function that makes one."""
    for path in _places(folder):
        tree = _naming(path)
        if found := _assigned(tree):
            application = _application(folder, path, *found)
            return replace(application, health=_health(tree, variable=found[0]))
    for path in _places(folder):
        tree = _naming(path)
        if found := _factory(tree):
            application = _application(folder, path, *found)
            return replace(application, is_factory=True, health=_health(tree, variable=""))
    return None


def _places(folder: Path) -> Iterator[Path]:
    for place in PLACES:
        yield from sorted(
            path for path in folder.glob(place) if is_shipped(path.parent) or path.parent == folder
        )
    yield from modules_of(folder)


def _naming(path: Path) -> ast.Module:
    """Read a module that names a framework or a factory; of others there may be thousands."""
    return parsed(path) if _NAMES.search(path.read_bytes()) else ast.Module([], [])


def parsed(path: Path) -> ast.Module:
    """Read a module; one that does not parse has nothing in it."""
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _health(tree: ast.Module, *, variable: str) -> str:
    """Find a route such as `@app.get("/health")`; those of routers may get a prefix, so they do not count.

    Of an application that a function makes, no variable is known, so any counts.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get" | "route"),
                args=[ast.Constant(value=str(route)), *_],
            ) if variable in ("", name) and route.rstrip("/") in HEALTH:
                return route
    return ""


def _assigned(tree: ast.Module) -> tuple[str, str] | None:
    """Name and class of the first module-level `name = Framework(…)`."""
    annotated = {_variable(node): _returned(node, tree) for node in tree.body}
    for variable, framework in annotated.items():
        if variable and framework:
            return variable, framework
    return None


def _variable(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    return ""


def _returned(node: ast.stmt, tree: ast.Module) -> str:
    """Class that a statement assigns an instance of, directly or through a factory of the same module."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return ""
    called = _name(node.value.func)
    if called in ASGI | WSGI:
        return called
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == called and function.returns:
            returned = _name(function.returns)
            return returned if returned in ASGI | WSGI else ""
    if called == "get_wsgi_application":
        return DJANGO
    return FACTORY if called in _FACTORIES else ""


def _factory(tree: ast.Module) -> tuple[str, str] | None:
    """Name and class of what a function such as `create_app()` makes."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name in _FACTORIES:
            calls = (_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call))
            framework = next((called for called in calls if called in ASGI | WSGI), "")
            if framework:
                return function.name, framework
    return None


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _application(folder: Path, path: Path, variable: str, framework: str) -> Application:
    parts = path.relative_to(folder).with_suffix("").parts
    root = folder
    if parts[0] == "src":
        parts, root = parts[1:], folder / "src"
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    inner = "" if root == folder else "src"
    asgi = framework not in WSGI and framework != DJANGO
    return Application(f"{module}:{variable}", framework, asgi, code_of(folder, inner), inner)
