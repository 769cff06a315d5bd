"""What a project is, where its configuration does not say: server, port, requirements, variant, Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lightship.errors import UsageError
from lightship.platform import Platform, parse_platform
from lightship.project.application import Application, find_application
from lightship.project.config import Config, VariantConfig, load_toml, read_config
from lightship.project.requirements import names, normalised
from lightship.project.stages import check_stages

SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}
"""The Debian suite whose Python this is."""
TORCH = frozenset({
    "accelerate", "diffusers", "fastai", "flair", "lightning", "open-clip-torch", "openai-whisper", "peft",
    "pytorch-lightning", "sentence-transformers", "stanza", "timm", "torch", "torchaudio", "torchvision",
    "ultralytics",
})  # fmt: skip
"""Distributions that are PyTorch or always need it."""
CPU, NONE = "cpu", "none"
DEFAULT_PLATFORM = "linux/amd64"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a complete configuration; `found` says in words what was detected.

    `version` is the project's own, from `pyproject.toml`, or empty.
    """

    folder: Path
    config: Config
    file: Path | None
    found: tuple[str, ...] = ()
    version: str = ""

    @property
    def platforms(self) -> tuple[Platform, ...]:
        return tuple(parse_platform(text) for text in self.config.platforms or (DEFAULT_PLATFORM,))

    def variant(self, name: str) -> VariantConfig:
        """Look up a variant.

        Raises:
            UsageError: if there is none of that name (the nearest one is suggested).

        """
        if name in self.config.variants:
            return self.config.variants[name]
        import difflib

        known = sorted(self.config.variants)
        near = difflib.get_close_matches(name, known, n=1)
        raise UsageError(
            f"unknown variant {name!r}",
            where=str(self.file or self.folder),
            hint=f"did you mean {near[0]!r}?" if near else f"known variants: {', '.join(known)}",
        )


def is_suite(base: str) -> bool:
    """Whether a base is made from a Debian suite; any other is an image."""
    return base.startswith("debian:")


def debian_suite(base: str) -> str:
    """Read the suite out of a base such as `debian:bookworm`.

    Raises:
        UsageError: for a base that is no Debian suite.

    """
    kind, _, suite = base.partition(":")
    if kind != "debian" or not re.fullmatch(r"[a-z]+", suite):
        raise UsageError(
            f"base {base!r} names no Debian suite",
            hint='use its code name: base = "debian:bookworm"; the image of that name on Docker Hub is '
            f"docker.io/library/{base}",
        )
    return suite


def read_project(folder: Path) -> Project:
    """Read the configuration and fill in what it leaves out.

    Raises:
        UsageError: if the configuration is wrong, or there is nothing to build from.

    """
    if not folder.is_dir():
        raise UsageError("no such folder", where=str(folder), hint="name the project's folder")
    config, file = read_config(folder)
    metadata = _metadata(folder)
    found: list[str] = []
    config = replace(config, name=config.name or _name(folder, metadata))
    config = _with_python(config, folder, metadata, found)
    config = _with_variants(config, folder, metadata, found)
    config = _with_application(config, folder, metadata, found)
    check_stages(config, str(file or folder))
    return Project(folder, config, file, tuple(found), str(metadata.get("version", "")))


def _metadata(folder: Path) -> Mapping[str, Any]:
    path = folder / "pyproject.toml"
    table = load_toml(path).get("project", {}) if path.is_file() else {}
    return table if isinstance(table, Mapping) else {}


def _name(folder: Path, metadata: Mapping[str, Any]) -> str:
    text = str(metadata.get("name") or folder.resolve().name).lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-") or "app"


def _with_python(config: Config, folder: Path, metadata: Mapping[str, Any], found: list[str]) -> Config:
    python = config.python
    if not python:
        python = _wanted_python(config, folder, metadata)
        found.append(f"Python {python}")
    if config.base:
        return replace(config, python=python)
    if python not in SUITES:
        known = ", ".join(SUITES)
        raise UsageError(
            f"no Debian suite has Python {python}",
            where=str(folder),
            hint=f'set python = "…" in [tool.lightship] to one of {known}',
        )
    return replace(config, python=python, base=f"debian:{SUITES[python]}")


def _wanted_python(config: Config, folder: Path, metadata: Mapping[str, Any]) -> str:
    pinned = folder / ".python-version"
    if pinned.is_file():
        match = re.match(r"(?:cpython-)?(3\.[0-9]+)", pinned.read_text("utf-8").strip())
        if match:
            return match[1]
    of_any = not is_suite(config.base)
    known = [version for version, suite in SUITES.items() if of_any or config.base == f"debian:{suite}"]
    required = str(metadata.get("requires-python", ""))
    if required:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            fitting = [version for version in known if SpecifierSet(required).contains(f"{version}.99")]
        except InvalidSpecifier as error:
            raise UsageError(f"requires-python: {error}", where=str(folder / "pyproject.toml")) from error
        known = fitting or known
    return known[0] if known else next(iter(SUITES))


def _with_variants(config: Config, folder: Path, metadata: Mapping[str, Any], found: list[str]) -> Config:
    variants = config.variants or _find_variants(folder, metadata)
    if not variants:
        raise UsageError(
            "found no requirements.txt and no dependencies in pyproject.toml",
            where=str(folder),
            hint="name the files in [tool.lightship.variants.NAME] requirements = […]",
        )
    name = config.variant or (CPU if CPU in variants else next(iter(variants)))
    filled = replace(config, variants=variants, variant=name)
    chosen = Project(folder, filled, None, ()).variant(name)
    if not config.variants:
        what = ", ".join(chosen.requirements) or "pyproject.toml"
        found.append(f"variant {name} from {what}")
    return filled


def _find_variants(folder: Path, metadata: Mapping[str, Any]) -> dict[str, VariantConfig]:
    base = next((name for name in _BASE_FILES if (folder / name).is_file()), "")
    files = (base,) if base else ()
    tagged = sorted(folder.glob("requirements-torch-*.txt"))
    variants = {
        tag: VariantConfig((*files, path.name), torch=tag)
        for path in tagged
        if (tag := path.stem.removeprefix("requirements-torch-"))
    }
    if tagged and files:
        return {**variants, NONE: VariantConfig(files, torch=NONE)}
    if not files and "dependencies" not in metadata:
        return variants
    wanted = set(names(folder / base)) if base else _dependency_names(metadata)
    # torch = "cpu" also where nothing names torch: should it come in unseen, then not with CUDA
    return {CPU if wanted & TORCH else NONE: VariantConfig(files, torch=CPU)}


def _dependency_names(metadata: Mapping[str, Any]) -> set[str]:
    return {normalised(re.split(r"[^A-Za-z0-9._-]", str(item))[0]) for item in metadata["dependencies"]}


def _with_application(config: Config, folder: Path, metadata: Mapping[str, Any], found: list[str]) -> Config:
    if config.command and config.sources:
        return config
    application = find_application(folder)
    if application is None and not config.command:
        raise UsageError(
            "found no application: no FastAPI(), Starlette() or Flask() at a usual place",
            where=str(folder),
            hint='set command = ["…"] and sources = ["…"] in [tool.lightship]',
        )
    if application is None:
        return replace(config, sources=config.sources or _all_sources(folder))
    found.append(f"{application.framework} application {application.target}")
    port = config.ports[0] if config.ports else 8000
    path = {"PYTHONPATH": f"{config.workdir}/{application.root}"} if application.root else {}
    return replace(
        config,
        sources=config.sources or application.sources,
        command=config.command or _command(application, _server_names(config, folder, metadata), port),
        ports=config.ports or (port,),
        health=config.health or (f"http://:{port}{application.health}" if application.health else ""),
        env={**path, **config.env},
    )


def _all_sources(folder: Path) -> tuple[str, ...]:
    modules = (path.name for path in folder.glob("*.py"))
    packages = (f"{path.parent.name}/" for path in folder.glob("*/__init__.py"))
    return tuple(sorted({*modules, *packages}))


def _server_names(config: Config, folder: Path, metadata: Mapping[str, Any]) -> set[str]:
    files = {file for variant in config.variants.values() for file in variant.requirements}
    found = _dependency_names(metadata) if "dependencies" in metadata else set()
    return found.union(*(names(folder / file) for file in files))


def _command(application: Application, installed: set[str], port: int) -> tuple[str, ...]:
    bind = f"0.0.0.0:{port}"
    if application.asgi and {"gunicorn", "uvicorn"} <= installed:
        worker = "uvicorn.workers.UvicornWorker"
        return ("gunicorn", application.target, "--worker-class", worker, "--bind", bind)
    if application.asgi:
        return ("uvicorn", application.target, "--host", "0.0.0.0", "--port", str(port))  # noqa: S104
    return ("gunicorn", application.target, "--bind", bind)


_BASE_FILES = ("requirements.txt", "requirements-base.txt", "requirements.in")
