"""Find the web application in a project, from its syntax trees: nothing of it is run."""

from __future__ import annotations

import ast
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

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
)
"""Where people put the application, most usual first."""
HEALTH = frozenset({"/health", "/healthz", "/livez", "/live", "/ping", "/-/healthy"})


class Application(Struct, frozen=True):
    """`target` is what servers take, as `app.main:app`; `sources` are the paths that hold its code.

    `root` is the folder, relative to the project, that must be on the import path; empty for the project.
    `health` is the path of a route of the application that is named as health checks are, or empty.
    """

    target: str
    framework: str
    asgi: bool
    sources: tuple[str, ...]
    root: str
    health: str = ""


def find_application(folder: Path) -> Application | None:
    for place in PLACES:
        for path in sorted(folder.glob(place)):
            tree = _parse(path)
            found = _assigned(tree)
            if found:
                application = _application(folder, path, *found)
                return replace(application, health=_health(tree, variable=found[0]))
    return None


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _health(tree: ast.Module, *, variable: str) -> str:
    """Find a route such as `@app.get("/health")`; those of routers may get a prefix, so they do not count."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get" | "route"),
                args=[ast.Constant(value=str(route)), *_],
            ) if name == variable and route.rstrip("/") in HEALTH:
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
    return "ASGI" if called in ("create_app", "make_app", "build_app") else ""


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
    sources = _sources(root, f"{inner}/" if inner else "", parts)
    return Application(f"{module}:{variable}", framework, framework not in WSGI, sources, inner)


def _sources(root: Path, prefix: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Name the top-level modules and packages that stand beside the application."""
    packages = {path.parent.name for path in root.glob("*/__init__.py")} - _NOT_SHIPPED
    if len(parts) > 1:
        packages.add(parts[0])
    modules = {path.name for path in root.glob("*.py")} - _TOOLS
    return tuple(sorted({f"{prefix}{name}/" for name in packages} | {f"{prefix}{name}" for name in modules}))


_NOT_SHIPPED = frozenset({"tests", "test", "docs", "examples", "scripts", "benchmarks"})
_TOOLS = frozenset({"conftest.py", "noxfile.py", "setup.py", "tasks.py"})
