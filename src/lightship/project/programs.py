"""Find what a project starts where it has no web application of its own: from its syntax trees, too."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightship.project.application import parsed
from lightship.project.code import code_of

SCRIPTS = (
    "streamlit_app.py",
    "app.py",
    "main.py",
    "Home.py",
    "demo.py",
    "run.py",
    "server.py",
    "worker.py",
    "bot.py",
)
"""Where people put what they start with `python`, most usual first."""
INTERRUPT = "SIGINT"
ANYWHERE = "0.0.0.0"  # noqa: S104 - a container's own address


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and what it is called in words.

    `port` is 0, and `health` empty, where it serves nothing. `stop_signal` is empty for SIGTERM.
    `root` is the folder, relative to the project, that must be on the import path; empty for the project.
    """

    what: str
    command: tuple[str, ...]
    sources: tuple[str, ...]
    port: int = 0
    health: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    stop_signal: str = ""


def find_program(folder: Path, metadata: Mapping[str, Any], port: int) -> Program | None:
    """Look for a framework's script, a script, a package with `__main__`, or the only console script.

    `metadata` is the table `project` of `pyproject.toml`; `port` is the configured one, or 0.
    """
    scripts = [path for name in SCRIPTS if (path := folder / name).is_file()]
    for path in scripts:
        imported = set(_imports(parsed(path)))
        for module, program in _FRAMEWORKS.items():
            if module in imported:
                return program(path.name, code_of(folder), port)
    if scripts:
        script = next((path for path in scripts if _is_main(parsed(path))), scripts[0])
        command = ("python", script.name)
        return Program(f"script {script.name}", command, code_of(folder), stop_signal=stops_with(script))
    return _package(folder) or _console(folder, metadata)


def stops_with(script: Path) -> str:
    """Give the signal that ends a script: without a handler, the first process of a container has no SIGTERM.

    Python always handles SIGINT (pid_namespaces(7), signal.default_int_handler).
    """
    return "" if b"SIGTERM" in script.read_bytes() else INTERRUPT


def _streamlit(script: str, sources: tuple[str, ...], port: int) -> Program:
    port = port or 8501
    options = ("--server.address", ANYWHERE, "--server.port", str(port), "--server.headless", "true")
    quiet = ("--browser.gatherUsageStats", "false")
    command = ("streamlit", "run", script, *options, *quiet)
    return Program(f"Streamlit application {script}", command, sources, port, "/_stcore/health")


def _gradio(script: str, sources: tuple[str, ...], port: int) -> Program:
    port = port or 7860
    env = {
        "GRADIO_SERVER_NAME": ANYWHERE,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    command = ("python", script)
    return Program(f"Gradio application {script}", command, sources, port, "/", env, stop_signal=INTERRUPT)


_FRAMEWORKS: Mapping[str, Callable[[str, tuple[str, ...], int], Program]] = {
    "streamlit": _streamlit,
    "gradio": _gradio,
}
"""Those that have a server of their own, by the module that a script imports."""


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def _is_main(tree: ast.Module) -> bool:
    """Whether a module says what it does when it is started: `if __name__ == "__main__":`."""
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
        for node in tree.body
    )


def _package(folder: Path) -> Program | None:
    for root in ("", "src"):
        for path in sorted((folder / root).glob("*/__main__.py")):
            name, sources, signal = path.parent.name, code_of(folder, root), stops_with(path)
            return Program(f"package {name}", ("python", "-m", name), sources, root=root, stop_signal=signal)
    return None


def _console(folder: Path, metadata: Mapping[str, Any]) -> Program | None:
    """Start the only script that the project declares (PyPA specifications, "Entry points")."""
    scripts = metadata.get("scripts", {})
    if not isinstance(scripts, Mapping) or len(scripts) != 1:
        return None
    ((name, target),) = scripts.items()
    module, _, function = str(target).partition(":")
    root = "src" if (folder / "src").is_dir() else ""
    if not function.isidentifier() or not all(map(str.isidentifier, module.split("."))):
        return None
    started = f"import sys; from {module} import {function}; sys.exit({function}())"
    return Program(f"script {name}", ("python", "-c", started), code_of(folder, root), root=root)
