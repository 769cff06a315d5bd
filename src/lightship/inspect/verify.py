"""Proves an image: runs every check over what its layers hold."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from lightship.build.rootfs import prepare_root
from lightship.build.sandbox import Publish, RunRequest, Sandbox
from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.inspect.answers import UntoldError
from lightship.inspect.basis import attached_contents, tell
from lightship.inspect.checks.configuration import NONE, UNKNOWN_USER, Demands, check_demands
from lightship.inspect.checks.distributions import read_distributions
from lightship.inspect.checks.imports import NO_PYTHON, NOT_PYTHON, NOT_TRIED, ImportResult, check_imports
from lightship.inspect.checks.start import StartLimits, StartResult, check_start
from lightship.inspect.checks.target import for_target
from lightship.inspect.checks.vulnerabilities import Advisories, check_vulnerabilities
from lightship.inspect.checks.waste import wasted
from lightship.inspect.contents import Contents, check_platform, open_contents
from lightship.inspect.findings import Basis, Finding, Report, in_order
from lightship.inspect.rules import STATIC_CHECKS
from lightship.oci.model import Image

Check = Callable[[Contents], list[Finding]]


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How `--start` runs the image: variables over the image's own, and what it must keep to."""

    env: Mapping[str, str] = field(default_factory=dict)
    limits: StartLimits = field(default_factory=StartLimits)


def verify_image(
    image: Image,
    *,
    cache: Path,
    sandbox: Sandbox | None,
    reporter: Reporter,
    demands: Demands = NONE,
    start: StartOptions | None = None,
    advisories: Sequence[Advisories] = (),
    full: bool = False,
) -> Report:
    """Run every check.

    Args:
        image: what to prove.
        cache: where facts of layers are kept, and layers that are unpacked to be run.
        sandbox: runs the image's Python; without one, and for another machine's image, imports are not tried,
            and nothing is unpacked.
        reporter: is told what goes on.
        demands: what the project asks for.
        start: whether, and how, to start the image and wait for its health check.
        advisories: who knows of vulnerabilities.
        full: whether to read layers of a registry's image where a scan of them is attached; `start` does.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        UsageError: an unknown platform, `start` without a sandbox or on another machine, or a port is taken.
        StageError: the cache cannot be written.

    """
    check_platform(image)
    sandbox = sandbox if image.config.platform.machine == platform.machine() else None
    static = partial(_static, demands=demands, advisories=advisories)
    whole, runs = full or start is not None, sandbox is not None
    contents, findings, basis = _checked(image, static, cache, reporter, whole=whole, runs=runs)
    if sandbox is None and start is not None:
        raise UsageError(
            "the image cannot be started here",
            where=str(contents.config.platform),
            hint="use a machine of the image's platform, with bubblewrap installed",
        )
    if any(finding.rule == UNKNOWN_USER.id for finding in findings):
        sandbox = None
    if basis is Basis.SCAN:
        imports, started = _not_run("its layers are not here: `--full` fetches them"), StartResult(())
    else:
        imports, started = _run(image, sandbox, cache, reporter, start)
    findings += [_as_foreign(finding, contents) for finding in (*imports.findings, *started.findings)]
    report = _report(image, contents, demands.budget, findings, imports, started)
    return msgspec.structs.replace(report, basis=basis, asked=tuple(source.name for source in advisories))


def _checked(
    image: Image, check: Check, cache: Path, reporter: Reporter, *, whole: bool, runs: bool
) -> tuple[Contents, list[Finding], Basis]:
    """Check what is attached to the image, where that can be done; else its layers, unpacked if it `runs`."""
    attached = None if whole else attached_contents(image, cache=cache, reporter=reporter, runs=runs)
    if attached is not None:
        try:
            return attached, check(attached), Basis.SCAN
        except UntoldError as error:
            tell(reporter, error)
    contents = open_contents(image, cache=cache, reporter=reporter, unpack=runs)
    return contents, check(contents), Basis.LAYERS


def _static(contents: Contents, *, demands: Demands, advisories: Sequence[Advisories]) -> list[Finding]:
    findings = [finding for check in STATIC_CHECKS for finding in check(contents)]
    findings = [*for_target(findings, contents), *check_demands(contents, demands)]
    return [*findings, *check_vulnerabilities(contents, advisories)]


def _not_run(why: str) -> ImportResult:
    return ImportResult((NOT_TRIED.finding("image", why),), 0, ())


def _as_foreign(finding: Finding, contents: Contents) -> Finding:
    """Where nothing of Python is installed, Python is not missing."""
    if finding.rule == NO_PYTHON.id and next(contents.distributions(), None) is None:
        return NOT_PYTHON.finding(finding.where, "the image has no Python and no distribution")
    return finding


def _run(
    image: Image, sandbox: Sandbox | None, cache: Path, reporter: Reporter, start: StartOptions | None
) -> tuple[ImportResult, StartResult]:
    if sandbox is None:
        return _not_run("nothing of the image was run"), StartResult(())
    request = RunRequest(prepare_root(image, cache=cache, reporter=reporter), image.config.config)
    with reporter.task("importing every distribution", unit=""):
        imports = check_imports(sandbox, request)
    if start is None:
        return imports, StartResult(())
    with reporter.task("starting the service", unit=""):
        request = RunRequest(
            request.root,
            request.execution,
            env=start.env,
            publish=_exposed(image.config.config.exposed_ports),
        )
        return imports, check_start(sandbox, request, start.limits)


def _exposed(ports: Mapping[str, object]) -> tuple[Publish, ...]:
    """Turn `8000/tcp` into a port that must be free."""
    numbers = [text.partition("/")[0] for text in ports if not text.endswith(("/udp", "/sctp"))]
    return tuple(Publish("127.0.0.1", int(text), int(text)) for text in numbers if text.isdigit())


def _report(
    image: Image,
    contents: Contents,
    budget: int | None,
    findings: list[Finding],
    imports: ImportResult,
    started: StartResult,
) -> Report:
    return Report(
        image=image.descriptor.digest,
        platform=str(contents.config.platform),
        findings=in_order(findings),
        size=contents.size,
        budget=budget,
        layers=len(image.layers),
        files=len(contents.items),
        elf_files=len(contents.elf_files()),
        distributions=tuple(f"{item.name} {item.version}" for item in read_distributions(contents)),
        modules_imported=imports.modules,
        seconds_to_healthy=started.seconds,
        memory_at_rest=started.memory,
        wasted=sum(item.member.size for item in wasted(contents)),
    )
