"""`lightship init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lightship.cli.options import Output, common, path_argument
from lightship.cli.terminal import show_json
from lightship.errors import UsageError
from lightship.project.config import Config
from lightship.project.detect import Project


@click.command()
@path_argument
@common
def command(*, path: Path, output: Output) -> None:
    """Look at the project, say what it is, and write its configuration.

    Writes [tool.lightship] into pyproject.toml, or lightship.toml where there is none, and .dockerignore.
    """
    from lightship.project.detect import read_project

    project = read_project(path)
    if project.file is not None:
        raise UsageError(
            "the project has a configuration already",
            where=str(project.file),
            hint="change it there; `lightship plan` says what it comes to",
        )
    found = (*project.found, _development(project), *_torch(project))
    written = [_write_configuration(project), *_write_ignore(path)]
    if output.as_json:
        show_json({"found": found, "written": [str(file) for file in written]})
        return
    for line in found:
        click.echo(f"found: {line}")
    for file in written:
        click.echo(f"wrote {file}")


def _torch(project: Project) -> list[str]:
    """Say whether the code uses PyTorch, as far as that can be known before anything is resolved."""
    from lightship.project.detect import TORCH
    from lightship.project.ignore import read_ignore
    from lightship.project.requirements import normalised
    from lightship.project.sources import scan
    from lightship.project.usage import read_usage

    files = scan(project.folder, project.config.sources, read_ignore(project.folder))
    usage = read_usage(project.folder, files)
    users = [sign for sign in usage.imports if normalised(sign.what) in TORCH]
    if not users:
        return ["PyTorch is not imported, nor what always needs it"]
    gpu = f", and CUDA is asked for at {usage.cuda[0].where}" if usage.cuda else ", and nothing asks for CUDA"
    return [f"PyTorch is needed: {users[0].where} imports {users[0].what}{gpu}"]


def _development(project: Project) -> str:
    from lightship.project.targets import DEVELOPMENT, find_target

    target = find_target(project, DEVELOPMENT)
    adds = ", ".join(target.requirements) or "no requirements of its own"
    return f"target {DEVELOPMENT}: {adds}, a shell, `{' '.join(target.command)}`"


def _write_configuration(project: Project) -> Path:
    import tomlkit

    table = _table(project.config)
    shared = project.folder / "pyproject.toml"
    if not shared.is_file():
        file = project.folder / "lightship.toml"
        file.write_text(tomlkit.dumps(table), "utf-8")
        return file
    text = shared.read_text("utf-8")
    shared.write_text(f"{text.rstrip()}\n\n{tomlkit.dumps({'tool': {'lightship': table}})}", "utf-8")
    return shared


def _table(config: Config) -> dict[str, Any]:
    """Give what was detected, as the file has it; what is as by default is left out."""
    import msgspec

    values = msgspec.to_builtins(config)
    defaults = msgspec.to_builtins(Config())
    told = {key: value for key, value in values.items() if value != defaults[key]}
    variants = {
        name: {key: value for key, value in variant.items() if value}
        for name, variant in values["variants"].items()
    }
    return {**told, "variants": variants}


def _write_ignore(path: Path) -> list[Path]:
    from lightship.project.ignore import ALWAYS

    file = path / ".dockerignore"
    if file.exists():
        return []
    file.write_text("".join(f"{pattern}\n" for pattern in (*ALWAYS, "tests", "docs")), "utf-8")
    return [file]
