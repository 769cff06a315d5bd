"""`lightship migrate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lightship.cli.options import Output, common
from lightship.cli.terminal import show_json
from lightship.errors import UsageError

if TYPE_CHECKING:
    from lightship.dockerfile.migrate.model import Migration, Row
    from lightship.dockerfile.model import Document

_COLOURS = {"carried over": "green", "not needed": "blue", "by hand": "yellow"}
_USUAL = ("Dockerfile", "Containerfile")


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--target", default="", metavar="STAGE", help="The stage that is the image; the last one by default."
)
@click.option(
    "--context", type=click.Path(path_type=Path), help="The build context; the file's folder by default."
)
@click.option("--stdout", is_flag=True, help="Print the configuration, and write nothing.")
@click.option("--force", is_flag=True, help="Overwrite a configuration that is there.")
@common
def command(
    *, path: Path, target: str, context: Path | None, stdout: bool, force: bool, output: Output
) -> int:
    """Turn a Dockerfile into configuration, and say line by line what became of it.

    PATH is a Dockerfile, or a folder with one. The configuration goes to the build context: into
    pyproject.toml where there is one, else to lightship.toml.

    Exits with 1 if something is left to be done by hand, with 2 if the file cannot be parsed.
    """
    from lightship.dockerfile.files import read_text
    from lightship.dockerfile.migrate.folder import ProjectFolder
    from lightship.dockerfile.migrate.migrate import migrate
    from lightship.dockerfile.migrate.write import config_file, write_all
    from lightship.dockerfile.parser import parse

    file = _dockerfile(path)
    folder = context or file.parent
    document = parse(str(file), read_text(file))
    if document.problems:
        return _show_problems(document, output)
    if not folder.is_dir():
        raise UsageError("no such folder", where=str(folder), hint="name the build context")
    migration = migrate(document, ProjectFolder(folder), target)
    if not stdout:
        config_file(folder, force=force)
    written = () if stdout else write_all(folder, migration, file.name, force=force)
    if output.as_json:
        show_json(_as_json(migration, written))
    else:
        _show(migration, file, written, output)
    return 0 if migration.complete else 1


def _dockerfile(path: Path) -> Path:
    """Choose the one file: of a folder's several, the one that is called just so."""
    from lightship.dockerfile.files import find_dockerfiles

    found = find_dockerfiles((path,))
    usual = [file for file in found if file.name in _USUAL]
    if len(found) == 1 or usual:
        return (usual or list(found))[0]
    names = ", ".join(file.name for file in found)
    raise UsageError("there are several Dockerfiles", where=str(path), hint=f"name one of them: {names}")


def _show_problems(document: Document, output: Output) -> int:
    from lightship.cli.lint import finding_line
    from lightship.dockerfile.lint import syntax_findings

    findings = syntax_findings(document)
    if output.as_json:
        show_json({"findings": [finding.to_json() for finding in findings]})
    for finding in () if output.as_json else findings:
        click.echo(finding_line(finding))
    return 2


def _as_json(migration: Migration, written: Sequence[Path]) -> dict[str, object]:
    return {
        "configuration": migration.settings,
        "files": migration.files,
        "rows": [row.to_json() for row in migration.rows],
        "complete": migration.complete,
        "written": [str(path) for path in written],
    }


def _show(migration: Migration, file: Path, written: Sequence[Path], output: Output) -> None:
    """Print the configuration; then, on standard error with --stdout, what became of each line."""
    from lightship.dockerfile.migrate.write import to_toml

    click.echo(to_toml(migration.settings, file.name, shared=False))
    aside = not written
    if output.level:
        for before, row in zip((None, *migration.rows), migration.rows, strict=False):
            same = before is not None and (before.line, before.text) == (row.line, row.text)
            click.echo(_lines(row, same=same), err=aside)
    click.echo(_summary(migration), err=aside)
    for name, text in migration.files.items() if aside else ():
        click.echo(f"{name} would hold: {', '.join(text.splitlines())}", err=True)
    for path in written:
        click.echo(f"wrote {path}")


def _lines(row: Row, *, same: bool) -> str:
    """Write an outcome below the line that it is about; one more of the same line goes without it."""
    head = "" if same else f"{row.line:4}  {row.text}\n"
    kind = click.style(f"{row.kind}:", fg=_COLOURS[row.kind], bold=True)
    label = "try" if row.kind == "by hand" else "note"
    hint = f"\n        {label}: {row.hint}" if row.hint else ""
    return f"{head}      {kind} {row.message}{hint}"


def _summary(migration: Migration) -> str:
    counts = {kind: sum(row.kind == kind for row in migration.rows) for kind in _COLOURS}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
