"""A cheap fingerprint of what a lock depends on: while it is the same, nothing need be read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from lightship.digest import Digest, of_bytes, of_value
from lightship.errors import UsageError
from lightship.project.config import Config, StageConfig, VariantConfig
from lightship.project.requirements import included
from lightship.project.targets import Target

FORMAT = 1


def fingerprint(
    folder: Path,
    config: Config,
    variant: VariantConfig,
    stages: Mapping[str, StageConfig] = MappingProxyType({}),
) -> Digest:
    """Digest of requirement files, with those they include, and of the configuration.

    `stages` are those that the variant needs.

    Raises:
        UsageError: if a requirement file is missing, or `pyproject.toml` where it is needed.

    """
    asked = [*variant.requirements, *(name for stage in stages.values() for name in stage.requirements)]
    files = [path for name in asked for path in included(folder / name)]
    if uses_pyproject(variant):
        files.append(_pyproject(folder))
    contents = [of_bytes(path.read_bytes()) for path in files]
    decides = [config.python, config.base, config.platforms, config.runtime_packages, config.build_packages]
    by_stages = [stages] if stages else []
    return of_value([FORMAT, contents, msgspec.structs.astuple(variant), decides, *by_stages])


def target_fingerprint(folder: Path, target: Target) -> Digest:
    """Digest of what a target adds: requirement files, with those they include, and Debian packages.

    Raises:
        UsageError: if a requirement file is missing.

    """
    files = [path for name in target.requirements for path in included(folder / name)]
    return of_value([FORMAT, [of_bytes(path.read_bytes()) for path in files], list(target.packages)])


def _pyproject(folder: Path) -> Path:
    path = folder / "pyproject.toml"
    if not path.is_file():
        raise UsageError(
            "the variant names no requirement files, and there is no pyproject.toml",
            where=str(folder),
            hint="set `requirements` in [tool.lightship.variants.NAME]",
        )
    return path


def uses_pyproject(variant: VariantConfig) -> bool:
    """Whether a variant's requirements are the project's dependencies: it names extras, or no files."""
    return bool(variant.extras) or not variant.requirements
