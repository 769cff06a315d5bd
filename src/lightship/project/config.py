"""`[tool.lightship]` in `pyproject.toml`, or the same keys in `lightship.toml`."""

from __future__ import annotations

import re
import signal
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from lightship.errors import UsageError

TRIM_LEVELS = ("safe", "traced", "none")
BYTECODE_LEVELS = ("imported", "all", "none")
LOCKED = "locked"
TRUST_LEVELS = ("all", LOCKED)
PRODUCTION = "production"
ATTESTATIONS = ("provenance", "cyclonedx", "spdx", "scan")
"""What may be said of an image beside itself."""
OWN_LABELS = "io.lightship."
UNIT = {"": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "MiB": 2**20, "GiB": 2**30}


class VariantConfig(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One variant: its requirement files or extras, and which PyTorch it takes."""

    requirements: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    torch: str = ""


class TargetConfig(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One target beside `production`: what it has on top of the variant; `project.targets` knows defaults."""

    requirements: tuple[str, ...] | None = None
    packages: tuple[str, ...] | None = None
    command: tuple[str, ...] = ()
    env: dict[str, str] = {}


class StageConfig(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One named stage: what it installs, sees and runs, or which image it is, and what it hands on.

    `copy` maps its outputs to paths of the image, `from` outputs of other stages and images (`STAGE:/path`,
    `oci:DIR:/path`) to places in its working folder. With no `variants`, it is for every one.
    """

    requirements: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    copy: dict[str, str] = {}
    from_: dict[str, str] = msgspec.field(name="from", default_factory=dict)
    variants: tuple[str, ...] = ()
    torch: str = "cpu"
    image: str = ""


class CheckConfig(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """The project's own check of a started service; `env` is for the service and the check alike."""

    command: tuple[str, ...] = ()
    env: dict[str, str] = {}


class LintConfig(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What `lint` does not report: rules, each with the reason."""

    ignore: dict[str, str] = {}


class VerifyConfig(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What `verify` accepts, by rule and place, each with the reason; how it weighs rules; what it asks for.

    `layers` is the most that an image may have, 0 for what runtimes mount; `advisories` a file or folder,
    `scanner` a program that is asked about vulnerabilities. A start has `memory` at rest at most, and `stop`
    seconds to end.
    """

    ignore: dict[str, str] = {}
    severity: dict[str, str] = {}
    layers: int = 0
    labels: tuple[str, ...] = ()
    advisories: str = ""
    scanner: str = ""
    memory: str = ""
    stop: float = 10.0


class Config(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """The whole configuration; empty fields are filled in by detection."""

    name: str = ""
    python: str = ""
    base: str = ""
    platforms: tuple[str, ...] = ()
    variant: str = ""
    sources: tuple[str, ...] = ()
    workdir: str = "/app"
    user: str = "appuser:1001:1001"
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    env: dict[str, str] = {}
    labels: dict[str, str] = {}
    health: str = ""
    stop_signal: str = ""
    build_packages: tuple[str, ...] = ()
    runtime_packages: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    debian_mirror: str = ""
    budget: str = ""
    trim: str = "safe"
    strip: bool = False
    bytecode: str = "imported"
    attest: tuple[str, ...] | None = None
    check: CheckConfig = CheckConfig()
    lint: LintConfig = LintConfig()
    verify: VerifyConfig = VerifyConfig()
    cache_from: tuple[str, ...] = ()
    cache_to: str = ""
    cache_trust: str = "all"
    variants: dict[str, VariantConfig] = {}
    targets: dict[str, TargetConfig] = {}
    stages: dict[str, StageConfig] = {}


def read_config(folder: Path) -> tuple[Config, Path | None]:
    """Read a project's configuration, and say which file holds it.

    Raises:
        UsageError: for a file that is not TOML, an unknown key (the nearest one is suggested), a wrong type.

    """
    own, shared = folder / "lightship.toml", folder / "pyproject.toml"
    if own.is_file():
        return parse_config(load_toml(own), own), own
    if shared.is_file():
        tools = load_toml(shared).get("tool")
        if isinstance(tools, Mapping) and "lightship" in tools:
            return parse_config(tools["lightship"], shared), shared
    return Config(), None


def load_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=str(path), hint="check the file's permissions"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not TOML: {error}", where=str(path), hint="mend the file") from error


def parse_config(table: Mapping[str, Any], where: Path) -> Config:
    """Check a table's keys, types and values."""
    _check_keys(table, Config, "", where)
    _check_keys(table.get("check", {}), CheckConfig, "check.", where)
    _check_keys(table.get("lint", {}), LintConfig, "lint.", where)
    _check_keys(table.get("verify", {}), VerifyConfig, "verify.", where)
    for name, kind in _TABLES:
        inner = table.get(name, {})
        if isinstance(inner, Mapping):  # what is not, is a wrong type, found below
            for key, value in inner.items():
                _check_keys(value, kind, f"{name}.{key}.", where)
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"wrong configuration: {error}", where=str(where), hint="see docs/configuration.md for every key"
        ) from error
    _check_values(config, where)
    return config


def size_in_bytes(text: str) -> int:
    """Read `480MB`, `1.2 GB` or a number of bytes; MB are 10⁶ bytes, MiB 2²⁰.

    Raises:
        UsageError: if it is no size.

    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text.strip())
    if not match or match[2] not in UNIT:
        raise UsageError(f"{text!r} is not a size", hint="write it as 480MB or 1.2GB")
    return round(float(match[1]) * UNIT[match[2]])


def _check_keys(table: object, kind: type[msgspec.Struct], prefix: str, where: Path) -> None:
    if not isinstance(table, Mapping):
        name = f"tool.lightship.{prefix}".rstrip(".")
        raise UsageError(f"[{name}] must be a table", where=str(where), hint=_SEE)
    known = kind.__struct_encode_fields__
    for key in table:
        if key not in known:
            import difflib

            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(known)}"
            raise UsageError(f"unknown key {prefix}{key}", where=str(where), hint=hint)


def _check_values(config: Config, where: Path) -> None:
    for problem in _problems(config):
        raise UsageError(problem, where=str(where), hint=_SEE)


def _problems(config: Config) -> list[str]:
    found = []
    if config.python and not re.fullmatch(r"3\.[0-9]+", config.python):
        found.append(f"python = {config.python!r} is not a version such as 3.11")
    if not config.workdir.startswith("/") or ".." in config.workdir.split("/"):
        found.append(f"workdir = {config.workdir!r} is not an absolute path")
    if not re.fullmatch(r"[a-z_][a-z0-9_-]*:[0-9]+:[0-9]+", config.user):
        found.append(f"user = {config.user!r} is not NAME:UID:GID")
    if any(not 0 < port < 65536 for port in config.ports):
        found.append("ports must lie between 1 and 65535")
    if config.trim not in TRIM_LEVELS:
        found.append(f"trim = {config.trim!r} is not a level: it may be {_either(TRIM_LEVELS)}")
    if config.trim == "traced" and not (config.check.command and config.health):
        found.append(
            'trim = "traced" needs a check of the service: health, and [tool.lightship.check] command'
        )
    if config.bytecode not in BYTECODE_LEVELS:
        found.append(f"bytecode = {config.bytecode!r} is not known: it may be {_either(BYTECODE_LEVELS)}")
    if config.cache_trust not in TRUST_LEVELS:
        found.append(f"cache-trust = {config.cache_trust!r} is not known: it may be {_either(TRUST_LEVELS)}")
    found += [
        f"attest has {kind!r}, which is not known: it may be {_either(ATTESTATIONS)}"
        for kind in config.attest or ()
        if kind not in ATTESTATIONS
    ]
    found += [f"variant name {name!r} may hold letters, digits, - and _" for name in _bad_names(config)]
    found += [problem for name in config.targets for problem in _target_problems(name)]
    found += [f"label {name!r} is Lightship's own" for name in config.labels if name.startswith(OWN_LABELS)]
    return [*found, *_service_problems(config)]


def _service_problems(config: Config) -> list[str]:
    found = []
    health = re.fullmatch(r"http://[^/:]*:([0-9]+)/\S*", config.health)
    if config.health and not (health and 0 < int(health[1]) < 65536):
        found.append(f"health = {config.health!r} is not of the form http://:8000/path")
    if config.stop_signal and config.stop_signal not in signal.Signals.__members__:
        found.append(f"stop-signal = {config.stop_signal!r} is no signal such as SIGINT")
    return found


def _either(levels: tuple[str, ...]) -> str:
    return f"{', '.join(levels[:-1])} or {levels[-1]}"


def _bad_names(config: Config) -> list[str]:
    return [name for name in config.variants if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name)]


def _target_problems(name: str) -> list[str]:
    """Find what is wrong with a target's name, which is a dependency group's in the lock (PEP 735)."""
    if name == PRODUCTION:
        return ["targets.production is the configuration outside of [tool.lightship.targets]: move it there"]
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        return [f"target name {name!r} may hold lower-case letters, digits, and single - between them"]
    return []


_TABLES = (("variants", VariantConfig), ("targets", TargetConfig), ("stages", StageConfig))
_SEE = "see docs/configuration.md for every key"
