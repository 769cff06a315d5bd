"""What a lock depends on, as one digest: a lock made from other inputs is stale."""

from __future__ import annotations

from pathlib import Path

from lightship.digest import Digest, of_bytes, of_value
from lightship.project.config import Config, VariantConfig
from lightship.project.requirements import included

FORMAT = 1


def lock_inputs(folder: Path, config: Config, variant: VariantConfig, platforms: tuple[str, ...]) -> Digest:
    """Digest of requirement files, with those they include, and of the configuration that decides a lock.

    Raises:
        UsageError: if a requirement file is missing.

    """
    files = requirement_files(folder, variant)
    return of_value(
        {
            "format": FORMAT,
            "files": {str(index): of_bytes(path.read_bytes()) for index, path in enumerate(files)},
            "project": _project(folder) if uses_pyproject(variant) else "",
            "extras": variant.extras,
            "torch": variant.torch,
            "python": config.python,
            "base": config.base,
            "platforms": platforms,
            "runtime-packages": config.runtime_packages,
        }
    )


def requirement_files(folder: Path, variant: VariantConfig) -> tuple[Path, ...]:
    return tuple(path for name in variant.requirements for path in included(folder / name))


def uses_pyproject(variant: VariantConfig) -> bool:
    """Whether a variant's requirements are the project's dependencies: it names extras, or no files."""
    return bool(variant.extras) or not variant.requirements


def _project(folder: Path) -> Digest:
    from lightship.project.config import load_toml

    project = load_toml(folder / "pyproject.toml").get("project", {})
    keys = ("dependencies", "optional-dependencies", "requires-python", "dynamic")
    return of_value({key: project.get(key) for key in keys})
