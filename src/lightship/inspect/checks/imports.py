"""Every installed distribution imports, by the image's own Python, as its own user."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import IO

import msgspec

from lightship.build.inroot import find_program
from lightship.build.sandbox import DEFAULT_PATH, RunRequest, Sandbox
from lightship.inspect.findings import Finding, Rule, Severity

FAILS = Rule(
    "LV501-import-fails",
    "every distribution imports",
    Severity.ERROR,
    "What does not import here does not import in production.",
    "see the error: a shared library, a data file or another distribution is missing",
)
LACKS_OPTIONAL = Rule(
    "LV502-optional-import",
    "modules that want what their distribution does not require",
    Severity.WARNING,
    "The module needs a distribution that is not among those its own declares as required.",
    "add the missing distribution to the requirements if the service uses the module",
)
CRASHES = Rule(
    "LV503-import-crashes",
    "no import ends the process",
    Severity.ERROR,
    "A worker that imports the module dies without a traceback.",
    "see which processor features or libraries the distribution needs",
)
NO_PYTHON = Rule(
    "LV504-no-python",
    "there is a Python",
    Severity.ERROR,
    "The image holds distributions, and no Python to use them.",
    "build on a base with Python, and keep it in the image's `PATH`",
)
NOT_TRIED = Rule(
    "LV505-imports-not-tried",
    "imports were tried",
    Severity.NOTE,
    "Nothing of the image was run: there is no sandbox here, it is for another machine or elsewhere, or"
    " nobody wanted it (`--static`).",
    "verify without `--static`, on a machine of the image's platform, with bubblewrap installed; `--full`"
    " fetches the layers",
)
NOT_PYTHON = Rule(
    "LV506-not-python",
    "the image is of a Python service",
    Severity.NOTE,
    "There is nothing of Python in it: what was checked is its files, layers and configuration.",
    "nothing need be done; if it is meant to be a Python service, see what became of its layers",
)
RULES = (FAILS, LACKS_OPTIONAL, CRASHES, NO_PYTHON, NOT_TRIED, NOT_PYTHON)

TIMEOUT = 600.0
"""Seconds for one process that imports; a module may hang."""
_MOST_CRASHES = 20
_IMPORT = "import importlib, sys; importlib.import_module(sys.argv[1])"
_PYTHONS = ("python3", "python")


class _Message(msgspec.Struct):
    """One line of the probe."""

    begin: str = ""
    end: str = ""
    distribution: str = ""
    error: str = ""
    lacks: str = ""
    requires: tuple[str, ...] = ()
    finished: bool = False


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What was tried, and what went wrong."""

    findings: tuple[Finding, ...]
    modules: int
    distributions: tuple[str, ...]


def check_imports(sandbox: Sandbox, request: RunRequest) -> ImportResult:
    """Import everything in one process; where a module ends it, go on behind that module in another."""
    search = request.execution.environment.get("PATH", DEFAULT_PATH)
    places = (name for name in _PYTHONS if find_program(request.root, name, search=search, workdir="/"))
    python = next(places, None)
    if python is None:
        return ImportResult((NO_PYTHON.finding(f"PATH={search}", "the image has no Python"),), 0, ())
    script = files("lightship.inspect").joinpath("import_probe.py").read_text("utf-8")
    tried: dict[str, str] = {}
    findings: list[Finding] = []
    for _ in range(_MOST_CRASHES):
        run = _run(sandbox, replace(request, argv=(python, "-c", script, *tried)))
        tried |= {message.begin: message.distribution for message in run.messages if message.begin}
        failed = [message for message in run.messages if message.error]
        findings.extend(_judge(item) for item in failed if not _works_alone(sandbox, request, python, item))
        open_ends = [message for message in run.messages if message.begin][-1:]
        if run.finished or not open_ends:
            break
        findings.append(CRASHES.finding(_where(open_ends[0]), run.ending))
    if not (run.finished or open_ends):
        findings.append(NO_PYTHON.finding(python, f"the image's Python does not start: {run.ending}"))
    return ImportResult(tuple(findings), len(tried), tuple(sorted(set(tried.values()), key=str.lower)))


@dataclass(frozen=True, slots=True)
class _Run:
    """What one process said, and how it ended."""

    messages: list[_Message]
    ending: str
    status: int

    @property
    def finished(self) -> bool:
        return any(message.finished for message in self.messages)


def _run(sandbox: Sandbox, request: RunRequest) -> _Run:
    with tempfile.TemporaryFile() as log:
        running = sandbox.start(request, stdout=subprocess.PIPE, stderr=log)
        clock = threading.Timer(TIMEOUT, running.signal, (signal.SIGKILL,))
        clock.start()
        try:
            with running.output as stream:
                messages = list(_messages(stream))
            status = running.wait()
        finally:
            clock.cancel()
            running.stop(0)
        return _Run(messages, f"ended with status {status}: {last_words(log)}", status)


def _works_alone(sandbox: Sandbox, request: RunRequest, python: str, failed: _Message) -> bool:
    """Tell whether only what was imported before was in the way, as a `distutils` is in setuptools'."""
    argv = (python, "-c", _IMPORT, failed.end)
    return not failed.lacks and _run(sandbox, replace(request, argv=argv)).status == 0


def _messages(stream: IO[bytes]) -> Iterator[_Message]:
    for line in stream:
        try:
            yield msgspec.json.decode(line, type=_Message)
        except msgspec.DecodeError:
            continue  # a module found the stream and wrote to it


def _judge(message: _Message) -> Finding:
    rule = LACKS_OPTIONAL if message.lacks and not _is_required(message) else FAILS
    return rule.finding(_where(message), message.error)


def _where(message: _Message) -> str:
    return f"{message.begin or message.end} ({message.distribution})"


def _is_required(message: _Message) -> bool:
    """Tell whether what a module lacks is its own, or of a distribution that its own requires."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lacks = message.lacks.partition(".")[0]
    if lacks == message.end.partition(".")[0]:
        return True
    required = (Requirement(text) for text in message.requires)
    names = {canonicalize_name(item.name) for item in required if "extra" not in str(item.marker)}
    return canonicalize_name(lacks) in names


def last_words(log: IO[bytes], most: int = 2000) -> str:
    """Return the end of a log, where the reason stands."""
    log.seek(max(0, log.seek(0, 2) - most))
    return log.read().decode("utf-8", "replace").strip() or "it wrote nothing"
