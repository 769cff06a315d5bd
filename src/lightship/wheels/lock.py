"""`pylock.<variant>.toml`: a PEP 751 lock, with what else an image is made of in `[tool.lightship]`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from packaging.pylock import Package, Pylock, PylockValidationError, is_valid_pylock_path

from lightship import __version__
from lightship.debs.model import LockedDeb
from lightship.digest import Digest, parse_digest
from lightship.errors import LightshipError, UsageError
from lightship.platform import Platform, parse_platform
from lightship.wheels import toml
from lightship.wheels.layers import LockedLayer, records, render_layers
from lightship.wheels.merge import clean, clean_value
from lightship.wheels.model import LockedLibrary, LockedStage, LockedWheel

_Row = TypeVar("_Row", LockedDeb, LockedLibrary)
_AGAIN = "make it again with `lightship lock`"
_HEADER = """\
# Made by `lightship lock`; a PEP 751 lock of the variant "{variant}". Do not edit it: change the project's
# requirements, then run `lightship lock` again.
"""


class LockedBuilder(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What wheels are built with on one platform.

    `debian` is the closure of the compilers' root, `requires` the wheels of each distribution's
    `build-system.requires` (PEP 518), by the distribution's name.
    """

    debian: tuple[LockedDeb, ...] = ()
    requires: dict[str, tuple[LockedWheel, ...]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTarget:
    """What a target has on top of `production`; its Python packages are in a dependency group of its name.

    `inputs` is the digest of what the target asked for; the rest is as in `LockTable`.
    """

    inputs: Digest
    debs: Mapping[Platform, tuple[LockedDeb, ...]]
    libraries: Mapping[Platform, tuple[LockedLibrary, ...]]
    builders: Mapping[Platform, LockedBuilder]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTable:
    """What Lightship adds to a PEP 751 lock.

    `python` is the target's version (`3.11`), `base` what the image stands on (`debian:bookworm`), `inputs`
    the digest of everything that was asked for, `libraries` why packages are there that only wheels ask for,
    `generated_by` the version of Lightship that wrote the lock. `builders` has the platforms where a
    distribution has no wheel or a stage runs commands, `stages` the variant's named stages, `base_digests`
    the manifest of the base where that is an image, `targets` what is locked beside `production`, `layers`
    what is made from all these, where that is recorded.
    """

    variant: str
    python: str
    base: str
    inputs: Digest
    platforms: tuple[Platform, ...]
    debs: Mapping[Platform, tuple[LockedDeb, ...]]
    libraries: Mapping[Platform, tuple[LockedLibrary, ...]] = field(default_factory=dict)
    builders: Mapping[Platform, LockedBuilder] = field(default_factory=dict)
    targets: Mapping[str, LockedTarget] = field(default_factory=dict)
    stages: Mapping[Platform, Mapping[str, LockedStage]] = field(default_factory=dict)
    base_digests: Mapping[Platform, Digest] = field(default_factory=dict)
    layers: Mapping[Platform, tuple[LockedLayer, ...]] = field(default_factory=dict)
    generated_by: str = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(LockTable):
    """A lock that was read: the table and the Python packages of all its platforms."""

    pylock: Pylock

    @property
    def packages(self) -> tuple[Package, ...]:
        """Every package of the lock; its marker says on which platforms it counts."""
        return tuple(self.pylock.packages)


class _TargetTable(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.lightship.target.NAME]` as it is written; all but `inputs` is by architecture."""

    inputs: str
    debian: dict[str, list[LockedDeb]] = {}
    libraries: dict[str, list[LockedLibrary]] = {}
    builder: dict[str, LockedBuilder] = {}

    def read(self, platforms: Sequence[Platform]) -> LockedTarget:
        return LockedTarget(
            inputs=parse_digest(self.inputs),
            debs=_rows(self.debian, platforms),
            libraries=_rows(self.libraries, platforms),
            builders=_builders(self.builder, platforms),
        )


class _Table(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.lightship]` as it is written; the tables in it are by architecture."""

    version: str
    variant: str
    python: str
    base: str
    platforms: list[str]
    inputs: str
    debian: dict[str, list[LockedDeb]] = {}
    libraries: dict[str, list[LockedLibrary]] = {}
    builder: dict[str, LockedBuilder] = {}
    target: dict[str, _TargetTable] = {}
    stage: dict[str, dict[str, LockedStage]] = {}
    base_digests: dict[str, str] = {}
    layers: dict[str, list[LockedLayer]] = {}


def lock_path(folder: Path, variant: str) -> Path:
    """Where the lock of a variant lies.

    Raises:
        UsageError: if the variant's name makes no file name that PEP 751 allows.

    """
    path = folder / f"pylock.{variant}.toml"
    if "/" in variant or not is_valid_pylock_path(path):
        raise UsageError(
            f"{variant!r} cannot name a lock file", hint="use letters, digits, - and _ in variant names"
        )
    return path


def render_lock(pylock_text: str, table: LockTable) -> str:
    """Write a PEP 751 lock with Lightship's table: equal arguments give equal bytes, whatever made the lock.

    Raises:
        UsageError: if `pylock_text` is not a valid PEP 751 lock.

    """
    document = clean(_load(pylock_text, where="the resolver's answer"))
    head = {key: value for key, value in document.items() if key not in {"packages", "tool", "environments"}}
    head |= {"created-by": "lightship", "requires-python": f"=={table.python}.*"}
    environments = [_environment(platform) for platform in sorted(table.platforms)]
    blocks = [_HEADER.format(variant=table.variant) + "\n".join(toml.assignments(head))]
    blocks[0] += "\nenvironments = [\n" + "".join(f'    "{marker}",\n' for marker in environments) + "]\n"
    blocks += [toml.table("packages", package, array=True) for package in document["packages"]]
    return "\n".join([*blocks, *_render_table(table)])


def lock_of(pylock_text: str, table: LockTable) -> Lock:
    """Put a PEP 751 lock and Lightship's table together, as they are once they are written and read.

    Raises:
        UsageError: if `pylock_text` is not a valid PEP 751 lock.

    """
    where = "the resolver's answer"
    try:
        pylock = Pylock.from_dict(clean(_load(pylock_text, where=where)))
    except PylockValidationError as error:
        raise UsageError("the lock cannot be read", where=where, hint=_AGAIN, detail=str(error)) from error
    return Lock(**{item.name: getattr(table, item.name) for item in fields(LockTable)}, pylock=pylock)


def parse_lock(text: str, *, where: str = "") -> Lock:
    """Read a lock that `lightship lock` wrote; `where` names the file in errors.

    Raises:
        UsageError: if it is no valid PEP 751 lock, or Lightship's table is missing or not understood.

    """
    document = _load(text, where=where)
    found = document.get("tool", {}).get("lightship")
    if found is None:
        raise UsageError("the lock was not made by Lightship", where=where, hint=_AGAIN)
    try:
        table = msgspec.convert(found, _Table)
        platforms = tuple(parse_platform(text) for text in table.platforms)
        inputs = parse_digest(table.inputs)
        targets = {name: target.read(platforms) for name, target in table.target.items()}
        digests = {name: parse_digest(text) for name, text in table.base_digests.items()}
        layers = {
            platform: tuple(table.layers[platform.debian])
            for platform in platforms
            if platform.debian in table.layers
        }
        records(layers)  # are digests
        pylock = Pylock.from_dict(document)
    except (msgspec.ValidationError, PylockValidationError, LightshipError) as error:
        raise UsageError(
            "the lock cannot be read",
            where=where,
            hint=f"{_AGAIN}, or use the Lightship that made it",
            detail=str(error),
        ) from error
    return Lock(
        variant=table.variant,
        python=table.python,
        base=table.base,
        inputs=inputs,
        platforms=platforms,
        debs=_rows(table.debian, platforms),
        libraries=_rows(table.libraries, platforms),
        builders=_builders(table.builder, platforms),
        stages={
            platform: table.stage[platform.debian] for platform in platforms if platform.debian in table.stage
        },
        base_digests={
            platform: digests[platform.debian] for platform in platforms if platform.debian in digests
        },
        targets=targets,
        layers=layers,
        generated_by=table.version,
        pylock=pylock,
    )


def _rows(
    written: Mapping[str, list[_Row]], platforms: Sequence[Platform]
) -> dict[Platform, tuple[_Row, ...]]:
    return {platform: tuple(written.get(platform.debian, ())) for platform in platforms}


def _builders(
    written: Mapping[str, LockedBuilder], platforms: Sequence[Platform]
) -> dict[Platform, LockedBuilder]:
    return {platform: written[platform.debian] for platform in platforms if platform.debian in written}


def read_lock(path: Path) -> Lock:
    """Read the lock at `path`.

    Raises:
        UsageError: if it is missing or cannot be understood.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        missing = isinstance(error, FileNotFoundError)
        message = "there is no lock" if missing else "the lock cannot be read"
        raise UsageError(message, where=str(path), hint="make it with `lightship lock`") from error
    return parse_lock(text, where=str(path))


def find_lock(path: Path) -> Lock | None:
    """Read the lock at `path`; None where there is none, or none that can be read."""
    try:
        return read_lock(path)
    except LightshipError:
        return None


def _load(text: str, *, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("the lock is no valid TOML", where=where, hint=_AGAIN, detail=str(error)) from error


def _environment(platform: Platform) -> str:
    return (
        f"implementation_name == 'cpython' and sys_platform == '{platform.os}' "
        f"and platform_machine == '{platform.machine}'"
    )


def _render_table(table: LockTable) -> list[str]:
    scalars = {
        "version": table.generated_by,
        "variant": table.variant,
        "python": table.python,
        "base": table.base,
        "platforms": [str(platform) for platform in table.platforms],
        "inputs": table.inputs,
    }
    blocks = [toml.table("tool.lightship", scalars)]
    if table.base_digests:
        digests = {platform.debian: digest for platform, digest in sorted(table.base_digests.items())}
        blocks.append(toml.table("tool.lightship.base-digests", digests))
    blocks += _render_packages("tool.lightship", table)
    for platform, stages in sorted(table.stages.items()):
        for name, stage in sorted(stages.items()):
            blocks.append(_render_stage(f"tool.lightship.stage.{platform.debian}.{name}", stage))
    for name, target in sorted(table.targets.items()):
        prefix = f"tool.lightship.target.{name}"
        blocks += [toml.table(prefix, {"inputs": target.inputs}), *_render_packages(prefix, target)]
    return [*blocks, *render_layers(table.layers)]


def _render_packages(prefix: str, table: LockTable | LockedTarget) -> list[str]:
    blocks = []
    for name, rows in (("debian", table.debs), ("libraries", table.libraries)):
        written = _by_architecture(rows)
        blocks += [toml.table(f"{prefix}.{name}", written)] if written else []
    for platform, builder in sorted(table.builders.items()):
        blocks += _render_builder(f"{prefix}.builder.{platform.debian}", builder)
    return blocks


def _render_stage(name: str, stage: LockedStage) -> str:
    wheels = clean_value(msgspec.to_builtins(sorted(stage.wheels)))
    return toml.table(name, {"wheels": wheels, "images": dict(sorted(stage.images.items()))})


def _by_architecture(rows: Mapping[Platform, tuple[Any, ...]]) -> dict[str, Any]:
    return {key.debian: msgspec.to_builtins(sorted(value)) for key, value in sorted(rows.items()) if value}


def _render_builder(name: str, builder: LockedBuilder) -> list[str]:
    requires = {
        name: clean_value(msgspec.to_builtins(sorted(wheels)))
        for name, wheels in sorted(builder.requires.items())
    }
    blocks = [toml.table(name, {"debian": msgspec.to_builtins(sorted(builder.debian))})]
    return [*blocks, toml.table(f"{name}.requires", requires)] if requires else blocks
