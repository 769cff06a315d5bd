"""Where a project's code lies, where the configuration does not say: by names alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

RESOURCES = frozenset({".streamlit", "assets", "pages", "prompts", "public", "static", "templates"})
"""Folders that frameworks read beside the code: Flask, Django, Streamlit, Chainlit; and prompts of models."""
_NOT_SHIPPED = frozenset({
    "benchmarks", "build", "dist", "docker", "docs", "env", "examples", "node_modules", "notebooks",
    "scripts", "test", "tests", "venv",
})  # fmt: skip
"""Folders for a project's makers; `docker` has what `lightship dockerfile` writes."""
_DEPTH = 5
"""Levels of folders that are looked at: what lies deeper is data."""
_TOOLS = frozenset({"conftest.py", "noxfile.py", "setup.py", "tasks.py"})


def code_of(folder: Path, root: str = "") -> tuple[str, ...]:
    """Name the modules, the folders with modules and the resources below a root, as `sources` has them.

    `root` is the folder, relative to the project, that is on the import path; empty for the project.
    """
    top = folder / root
    prefix = f"{root}/" if root else ""
    modules = {f"{prefix}{path.name}" for path in top.glob("*.py")} - {f"{prefix}{name}" for name in _TOOLS}
    resources = {folder / name for name in RESOURCES if (folder / name).is_dir()}
    packages = {path for path in _folders(top) if any(path.glob("*.py"))}
    return tuple(sorted(modules | {f"{path.relative_to(folder)}/" for path in packages | resources}))


def modules_of(folder: Path) -> Iterator[Path]:
    """Yield the modules of a project that could be shipped, those nearest to its root first."""
    level = [folder]
    for _ in range(_DEPTH):
        for place in level:
            yield from sorted(path for path in place.glob("*.py") if path.name not in _TOOLS)
        level = [inner for place in level for inner in _folders(place)]


def is_shipped(path: Path) -> bool:
    """Whether a folder may hold what is shipped: it is no environment, and not for the makers alone."""
    name = path.name
    hidden = name.startswith(".") or path.is_symlink()
    return not hidden and name not in _NOT_SHIPPED and not (path / "pyvenv.cfg").exists()


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir() and is_shipped(path))
