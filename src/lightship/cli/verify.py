"""`lightship verify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lightship.build.machine import Machine
from lightship.cli.engines import engine_option, stored_image
from lightship.cli.options import Output, common, machine, target_option
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json, size

if TYPE_CHECKING:
    from lightship.inspect.findings import Finding, Report
    from lightship.inspect.verify import StartOptions

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    image: str
    variant: str
    target: str
    platform: str
    engine: str
    budget: str
    ignores: tuple[str, ...]
    start: bool
    variables: tuple[str, ...]
    timeout: float


@click.command()
@click.argument("image", default=".")
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@target_option
@platform_option
@engine_option("Whose store has the image")
@click.option(
    "--budget", default="", metavar="SIZE", help="Largest unpacked size; the configured one by default."
)
@click.option(
    "--ignore",
    "ignores",
    multiple=True,
    metavar="RULE[:WHERE]",
    help="Accept findings of a rule, or those at places that match a pattern (repeatable).",
)
@click.option("--start", is_flag=True, help="Start the image, and wait for its health check.")
@click.option(
    "-e", "--env", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable for --start."
)
@click.option("--timeout", default=60.0, show_default=True, help="Seconds that --start waits.")
@common
def command(*, output: Output, **given: Any) -> int:
    """Prove what an image holds, and what it does not.

    IMAGE is a name in the local store, or an engine's, a project's folder, oci:DIR, or a reference of a
    registry, from which the layers are read that are not known yet. Exits with 1 if there is an error.
    """
    from lightship.inspect.ignoring import without_ignored
    from lightship.inspect.verify import verify_image

    asked = _Asked(**given)
    surroundings = machine(output)
    place = (asked.image, asked.variant, asked.target, parse_option(asked.platform))
    stored = stored_image(*place, engine=asked.engine, surroundings=surroundings, output=output)
    with stored as (name, found):
        report = verify_image(
            found,
            budget=_budget(asked.budget, asked.image, asked.target),
            cache=surroundings.home.cache,
            sandbox=_sandbox(surroundings, required=asked.start),
            reporter=surroundings.reporter,
            start=_start(asked),
        )
    report = without_ignored(report, asked.ignores)
    if output.as_json:
        show_json({"name": name, **report.to_json()})
    else:
        _show(name, report)
    return 0 if report.passed else 1


def _start(asked: _Asked) -> StartOptions | None:
    from lightship.inspect.verify import StartOptions

    variables = dict(item.partition("=")[::2] for item in asked.variables)
    return StartOptions(variables, asked.timeout) if asked.start else None


def _budget(text: str, image: str, target: str) -> int | None:
    """Read the budget that is given, else the configured one, which is production's."""
    from pathlib import Path

    from lightship.project.config import PRODUCTION, size_in_bytes
    from lightship.project.detect import read_project

    if not text and target == PRODUCTION and Path(image).is_dir():
        text = read_project(Path(image)).config.budget
    return size_in_bytes(text) if text else None


def _sandbox(surroundings: Machine, *, required: bool) -> Any:
    from lightship.build.sandbox import Sandbox
    from lightship.errors import UsageError

    try:
        return Sandbox.find(surroundings.environ.get("PATH", ""))
    except UsageError as error:
        if required:
            raise
        surroundings.reporter.warn(f"imports are not tried: {error.message}")
        return None


def _show(name: str, report: Report) -> None:
    for finding in report.findings:
        click.echo(_line(finding))
    counts = {severity: sum(item.severity == severity for item in report.findings) for severity in _COLOURS}
    found = ", ".join(f"{count} {severity}{'s'[: count != 1]}" for severity, count in counts.items() if count)
    verdict = click.style("passed", fg="green") if report.passed else click.style("failed", fg="red")
    click.echo(f"{click.style(name, bold=True)} {verdict}: {found or 'nothing found'}")
    budget = f" of {size(report.budget)}" if report.budget else ""
    click.echo(
        f"  {size(report.size)}{budget} unpacked, {report.layers} layers, {report.files} files; "
        f"{report.elf_files} ELF files resolved, {len(report.distributions)} distributions, "
        f"{report.modules_imported} modules imported"
    )
    if report.seconds_to_healthy is not None:
        click.echo(f"  healthy {report.seconds_to_healthy:.1f} s after its start")


def _line(finding: Finding) -> str:
    severity = click.style(f"{finding.severity}:", fg=_COLOURS[finding.severity], bold=True)
    return f"{severity} {finding.where}: {finding.message} [{finding.rule}]\n  try: {finding.remedy}"
