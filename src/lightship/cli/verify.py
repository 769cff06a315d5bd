"""`lightship verify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.build.machine import Machine
from lightship.cli.basis import full_option, said_of
from lightship.cli.engines import engine_option, stored_image
from lightship.cli.findings import show_findings
from lightship.cli.options import Output, common, machine, target_option
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json, size

if TYPE_CHECKING:
    from lightship.inspect.checks.configuration import Demands
    from lightship.inspect.findings import Report
    from lightship.inspect.ignoring import Policy
    from lightship.inspect.osv import OsvFiles
    from lightship.inspect.scanners.running import InstalledScanner
    from lightship.inspect.verify import StartOptions
    from lightship.oci.model import Image
    from lightship.project.config import VerifyConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    image: str
    variant: str
    target: str
    platform: str
    engine: str
    budget: str
    layers: int
    ignores: tuple[str, ...]
    advisories: Path | None
    scanner: str
    offline: bool
    strict: bool
    sarif: bool
    static: bool
    start: bool
    variables: tuple[str, ...]
    timeout: float
    stop: float | None
    memory: str
    full: bool


@click.command()
@click.argument("image", default=".")
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@target_option
@platform_option
@engine_option("Whose store has the image")
@click.option(
    "--budget", default="", metavar="SIZE", help="Largest unpacked size; the configured one by default."
)
@click.option("--layers", default=0, metavar="COUNT", help="Most layers; as configured, else 127.")
@click.option(
    "--ignore",
    "ignores",
    multiple=True,
    metavar="RULE[:WHERE][=REASON]",
    help="Accept findings of a rule, or those at places that match a pattern (repeatable).",
)
@click.option(
    "--advisories",
    type=click.Path(path_type=Path),
    help="Look for known vulnerabilities in these OSV documents: a file, or a folder of them.",
)
@click.option(
    "--scanner",
    default="",
    metavar="NAME",
    help="Ask an installed scanner, too: grype, trivy or osv-scanner.",
)
@click.option(
    "--offline", is_flag=True, help="Use only what is in the caches; a scanner uses the database it has."
)
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.option("--sarif", is_flag=True, help="Print the findings as SARIF 2.1.0.")
@click.option("--static", is_flag=True, help="Run nothing of the image: imports are not tried.")
@click.option("--start", is_flag=True, help="Start the image, and wait for its health check.")
@full_option
@click.option(
    "-e", "--env", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable for --start."
)
@click.option("--timeout", default=60.0, show_default=True, help="Seconds that --start waits.")
@click.option("--stop", type=float, help="Seconds that a start has to stop; as configured, else 10.")
@click.option("--memory", default="", metavar="SIZE", help="Most memory of a start at rest; as configured.")
@common
def command(*, output: Output, **given: Any) -> int:
    """Prove what an image holds, and what it does not.

    IMAGE is a name in the local store, or an engine's, a project's folder, oci:DIR, docker-archive:FILE,
    oci-archive:FILE, or a reference of a registry, from which the layers are read that are not known yet.
    Where a scan of them is attached to the image (`push --attest scan`), it is checked, and no layer fetched.
    docs/verify.md has every rule. What is accepted says [tool.lightship.verify] of the project's folder, or
    else of the current one.

    Exits with 1 if there is an error.
    """
    from lightship.inspect.ignoring import judge
    from lightship.inspect.verify import verify_image

    asked = _Asked(**given)
    if output.as_json and asked.sarif:
        raise click.UsageError("--json and --sarif are two answers: choose one")
    if asked.static and asked.start:
        raise click.UsageError("--static runs nothing, and --start runs the image: choose one")
    if (asked.memory or asked.stop is not None) and not asked.start:
        raise click.UsageError("--memory and --stop are about a start: give --start, too")
    surroundings = machine(output, offline=asked.offline)
    config, origin = _configured(asked)
    policy = _policy(asked, config, origin)
    scanner = _scanner(asked, config, origin, surroundings)
    place = (asked.image, asked.variant, asked.target, parse_option(asked.platform))
    stored = stored_image(*place, engine=asked.engine, surroundings=surroundings, output=output)
    with stored as (name, found):
        report = verify_image(
            found,
            cache=surroundings.home.cache,
            sandbox=None if asked.static else _sandbox(surroundings, required=asked.start),
            reporter=surroundings.reporter,
            demands=_demands(asked, config),
            start=_start(asked, config),
            advisories=(*_advisories(asked, config, origin), *scanner(found)),
            full=asked.full,
        )
    report = judge(report, policy)
    _answer(name, report, asked, output)
    return 0 if report.passes(strict=asked.strict) else 1


def _configured(asked: _Asked) -> tuple[VerifyConfig, Path | None]:
    """Read the project's configuration, by default that of the current folder."""
    from lightship.project.config import read_config

    folder = Path(asked.image)
    config, where = read_config(folder if folder.is_dir() else Path())
    return config.verify, where


def _policy(asked: _Asked, config: VerifyConfig, origin: Path | None) -> Policy:
    from dataclasses import replace

    from lightship.inspect.ignoring import given_ignores, read_policy

    policy = read_policy(config.ignore, config.severity, str(origin))
    return replace(policy, ignores=(*policy.ignores, *given_ignores(asked.ignores)))


def _demands(asked: _Asked, config: VerifyConfig) -> Demands:
    """Say what is asked for; a configured budget is that of the project's production."""
    from lightship.inspect.checks.configuration import Demands
    from lightship.project.config import PRODUCTION, size_in_bytes
    from lightship.project.detect import read_project

    text = asked.budget
    if not text and asked.target == PRODUCTION and Path(asked.image).is_dir():
        text = read_project(Path(asked.image)).config.budget
    return Demands(size_in_bytes(text) if text else None, asked.layers or config.layers, config.labels)


def _advisories(asked: _Asked, config: VerifyConfig, origin: Path | None) -> tuple[OsvFiles, ...]:
    from lightship.inspect.osv import OsvFiles

    if asked.advisories is not None:
        return (OsvFiles(asked.advisories),)
    if config.advisories and origin is not None:
        return (OsvFiles(origin.parent / config.advisories),)
    return ()


def _scanner(
    asked: _Asked, config: VerifyConfig, origin: Path | None, surroundings: Machine
) -> Callable[[Image], tuple[InstalledScanner, ...]]:
    """Find the scanner that is asked for; it is given the bill of materials of an image."""
    from lightship.inspect.scanners.running import InstalledScanner, find_scanner

    name = asked.scanner or config.scanner
    if not name:
        return lambda _: ()
    where = "--scanner" if asked.scanner else f"verify.scanner of {origin}"
    environ, reporter = surroundings.environ, surroundings.reporter
    scanner, program = find_scanner(name, environ.get("PATH", ""), where=where)

    def asking(image: Image) -> tuple[InstalledScanner, ...]:
        sbom = partial(_sbom, image, surroundings, full=asked.full or asked.start)
        return (InstalledScanner(scanner, program, sbom, environ, reporter, asked.offline),)

    return asking


def _sbom(image: Image, surroundings: Machine, *, full: bool) -> bytes:
    from lightship.attest.asking import ask_bill
    from lightship.attest.documents import CYCLONEDX
    from lightship.build.origins import known_origin

    home, reporter = surroundings.home, surroundings.reporter
    origin = known_origin(image.descriptor.digest, home)
    return ask_bill(image, CYCLONEDX, origin, cache=home.cache, reporter=reporter, full=full).document


def _start(asked: _Asked, config: VerifyConfig) -> StartOptions | None:
    from lightship.inspect.checks.start import StartLimits
    from lightship.inspect.verify import StartOptions
    from lightship.project.config import size_in_bytes

    memory = asked.memory or config.memory
    most = size_in_bytes(memory) if memory else None
    stop = config.stop if asked.stop is None else asked.stop
    variables = dict(item.partition("=")[::2] for item in asked.variables)
    return StartOptions(variables, StartLimits(asked.timeout, stop, most)) if asked.start else None


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


def _answer(name: str, report: Report, asked: _Asked, output: Output) -> None:
    if asked.sarif:
        from lightship.inspect.sarif import to_sarif

        show_json(to_sarif(name, report))
    elif output.as_json:
        show_json({"name": name, **report.to_json()})
    else:
        show_findings(report.findings, every=output.level > 1)
        _show(name, report, strict=asked.strict)


def _show(name: str, report: Report, *, strict: bool) -> None:
    passed = report.passes(strict=strict)
    verdict = click.style("passed", fg="green") if passed else click.style("failed", fg="red")
    click.echo(f"{click.style(name, bold=True)} {verdict}: {_counts(report)}")
    budget = f" of {size(report.budget)}" if report.budget else ""
    wasted = f", {size(report.wasted)} of it hidden" if report.wasted else ""
    click.echo(
        f"  {size(report.size)}{budget} unpacked{wasted}, {report.layers} layers, {report.files} files; "
        f"{report.elf_files} ELF files resolved, {len(report.distributions)} distributions, "
        f"{report.modules_imported} modules imported"
    )
    if report.asked:
        click.echo(f"  asked about vulnerabilities: {', '.join(report.asked)}")
    if basis := said_of(report.basis, "checked"):
        click.echo(f"  {basis}")
    if report.seconds_to_healthy is not None:
        memory = f", {size(report.memory_at_rest)} in memory at rest" if report.memory_at_rest else ""
        click.echo(f"  healthy {report.seconds_to_healthy:.1f} s after its start{memory}")


def _counts(report: Report) -> str:
    """Count rules, not places: a base with ten shells has one thing to mend."""
    from lightship.inspect.findings import Severity, by_rule

    severities = [group[0].severity for group in by_rule(report.findings)]
    counts = {severity: severities.count(severity) for severity in Severity}
    found = [f"{count} {severity}{'s'[: count != 1]}" for severity, count in counts.items() if count]
    found += [f"{len(report.accepted)} accepted"] if report.accepted else []
    return ", ".join(found) or "nothing found"
