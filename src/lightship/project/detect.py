"""What a project is, where its configuration does not say: server, port, requirements, variant, Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lightship.errors import UsageError
from lightship.platform import Platform, parse_platform
from lightship.project.application import FACTORY, find_application
from lightship.project.code import code_of
from lightship.project.config import Config, VariantConfig, load_toml, read_config
from lightship.project.programs import INTERRUPT, Program, find_program
from lightship.project.requirements import names, normalised
from lightship.project.server import needs_server, serving
from lightship.project.stages import check_stages

SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}
"""The Debian suite whose Python this is."""
TORCH = frozenset({
    "accelerate", "diffusers", "fastai", "flair", "lightning", "open-clip-torch", "openai-whisper", "peft",
    "pytorch-lightning", "sentence-transformers", "stanza", "timm", "torch", "torchaudio", "torchvision",
    "ultralytics",
})  # fmt: skip
"""Distributions that are PyTorch or always need it."""
_VERSIONS = tuple(f"3.{minor}" for minor in range(9, 16))
"""Those that a project may insist on, whether a suite has them or not."""
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
            hint=f'set base = "python:{python}-slim" in [tool.lightship], or python to one of {known}',
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
            wanted = SpecifierSet(required)
            fitting = [version for version in known if wanted.contains(f"{version}.99")]
        except InvalidSpecifier as error:
            raise UsageError(f"requires-python: {error}", where=str(folder / "pyproject.toml")) from error
        known = fitting or [text for text in _VERSIONS if wanted.contains(f"{text}.99")] or known
    return known[0] if known else next(iter(SUITES))


def _with_variants(config: Config, folder: Path, metadata: Mapping[str, Any], found: list[str]) -> Config:
    variants = config.variants or _find_variants(folder, metadata)
    if not variants:
        raise UsageError(
            "found no requirements.txt and no dependencies in pyproject.toml",
            where=str(folder),
            hint=_elsewhere(folder) or "name the files in [tool.lightship.variants.NAME] requirements = […]",
        )
    name = config.variant or (CPU if CPU in variants else next(iter(variants)))
    filled = replace(config, variants=variants, variant=name)
    chosen = Project(folder, filled, None, ()).variant(name)
    if not config.variants:
        what = ", ".join(chosen.requirements) or "pyproject.toml"
        found.append(f"variant {name} from {what}")
    return filled


def _elsewhere(folder: Path) -> str:
    """Say how requirements that another tool keeps become a file."""
    project = folder / "pyproject.toml"
    if project.is_file() and "poetry" in load_toml(project).get("tool", {}):
        return f"they are Poetry's: `poetry export --without-hashes -o {_BASE_FILES[0]}`"
    return next((hint for name, hint in _OTHERS.items() if (folder / name).is_file()), "")


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
    installed = _server_names(config, folder, metadata)
    port = config.ports[0] if config.ports else 0
    program = _served(folder, installed, port)
    if program is None and not config.command:
        program = find_program(folder, metadata, port)
    if program is None and not config.command:
        raise UsageError(
            "found nothing to start: no web application, no script such as main.py, no package with __main__",
            where=str(folder),
            hint='set command = ["…"] and sources = ["…"] in [tool.lightship]',
        )
    if program is None:
        return replace(config, sources=config.sources or code_of(folder))
    found.append(program.what)
    health = f"http://:{program.port}{program.health}" if program.health else ""
    path = {"PYTHONPATH": f"{config.workdir}/{program.root}"} if program.root else {}
    return replace(
        config,
        sources=config.sources or program.sources,
        command=config.command or program.command,
        ports=config.ports or ((program.port,) if program.port else ()),
        health=config.health or health,
        stop_signal=config.stop_signal or ("" if config.command else program.stop_signal),
        env={**path, **program.env, **config.env},
    )


def _served(folder: Path, installed: set[str], port: int) -> Program | None:
    """Find a web application, and what serves it."""
    application = find_application(folder)
    if application is None:
        return None
    if application.framework == FACTORY:
        flask = "flask" in installed and not {"fastapi", "starlette"} & installed
        application = replaced(application, framework="Flask" if flask else "ASGI", asgi=not flask)
    what = f"{application.framework} application {application.target}"
    if needs_server(application, installed):
        what += f", served for development only: {application.framework} needs a server such as gunicorn"
    port = port or 8000
    return Program(
        what,
        serving(application, installed, port),
        application.sources,
        port,
        application.health,
        root=application.root,
        stop_signal=INTERRUPT if needs_server(application, installed) else "",
    )


def _server_names(config: Config, folder: Path, metadata: Mapping[str, Any]) -> set[str]:
    files = {file for variant in config.variants.values() for file in variant.requirements}
    found = _dependency_names(metadata) if "dependencies" in metadata else set()
    return found.union(*(names(folder / file) for file in files))


_BASE_FILES = ("requirements.txt", "requirements-base.txt", "requirements.in")
_OTHERS = {
    "Pipfile": f"they are Pipenv's: `pipenv requirements > {_BASE_FILES[0]}`",
    "environment.yml": f"conda's packages are not PyPI's: list what pip installs in {_BASE_FILES[0]}",
}
