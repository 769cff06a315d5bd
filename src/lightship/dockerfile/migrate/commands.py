"""What is left of a `RUN`: accounts, folders, tidying, downloads, programs of the service's own."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.dockerfile.expand import expand
from lightship.dockerfile.migrate.branches import guarded
from lightship.dockerfile.migrate.makers import fetches
from lightship.dockerfile.migrate.model import Outcome, by_hand, unneeded
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.packages import read_install
from lightship.dockerfile.shell import Command
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Stage, Step

_ACCOUNTS = ("useradd", "groupadd", "adduser", "addgroup", "usermod", "passwd", "chpasswd")
_QUIET = frozenset(
    {
        "set",
        "true",
        ":",
        "echo",
        "cd",
        "export",
        "test",
        "[",
        "[[",
        "ls",
        "id",
        "which",
        "sleep",
        "printf",
        "EOF",
    }
)
_CLEANING = frozenset({"rm", "find", "apt-get", "apt", "sync", "strip"})
_SYSTEM = frozenset(
    {
        "ldconfig",
        "update-ca-certificates",
        "locale-gen",
        "dpkg-reconfigure",
        "ln",
        "touch",
        "sed",
        "update-alternatives",
    }
)
_MANAGERS = ("poetry", "pipenv", "pdm", "uv", "pip", "pip3", "conda", "micromamba", "mamba", "corepack")
_REPOSITORIES = ("add-apt-repository", "apt-key", "apt-add-repository")
_DOWNLOADED = 'fetch it into the project before the build; weights belong in a folder that `models` names: models = ["models/"]'


def command_outcomes(scene: Scene, stage: Stage, step: Step) -> Iterator[Outcome]:
    """Say what becomes of the commands that install nothing; one outcome for a row of the same kind."""
    told: set[tuple[str, str]] = set()
    for one in guarded(step, scene.build.document.source.text):
        command = one.command
        if not command.words or read_install(command):
            continue
        outcome = _outcome(scene, stage, step, command)
        key = (outcome.kind, outcome.message) if outcome else ("", "")
        if outcome and key not in told:
            told.add(key)
            yield outcome


def _outcome(scene: Scene, stage: Stage, step: Step, command: Command) -> Outcome | None:
    span, program = command.span, command.program
    if program in _QUIET:
        return None
    if program in _ACCOUNTS:
        return unneeded(span, "`user` makes the account")
    if program in _CLEANING:
        return unneeded(span, "nothing but what is listed comes into a layer: there is nothing to clean")
    if program in ("chown", "chmod"):
        return unneeded(span, "files belong to root and can be read by all; none is stored twice")
    if scene.role(stage) is Role.BUILDER:
        return (
            unneeded(span, "of a stage that is not shipped")
            if program not in _REPOSITORIES
            else _repository(span)
        )
    if program == "mkdir":
        return _folder(step, command, span)
    return _of_shipped(scene, stage, step, command)


def _of_shipped(scene: Scene, stage: Stage, step: Step, command: Command) -> Outcome:
    span, program, words = command.span, command.program, command.arguments
    text = scene.text(span)
    if "venv" in (program, *words[:2]) or program == "virtualenv":
        return unneeded(span, "every image has a virtual environment, first in PATH")
    if "compileall" in words or "py_compile" in words:
        return unneeded(span, "images bring bytecode: see `bytecode`")
    if program in _MANAGERS or words[:2] == ("-m", "pip"):
        return unneeded(span, "the lock resolves packages; no installer is in the image")
    if program in _REPOSITORIES or "/etc/apt/" in text:
        return _repository(span)
    if program in _SYSTEM:
        return unneeded(
            span,
            "made by rule where packages need it",
            "if the service itself does: a file below `workdir`, among sources",
        )
    if fetches(scene, stage, step):
        return by_hand(span, "fetches something while the image is built", _DOWNLOADED)
    if "manage.py" in text and "collectstatic" in text:
        return by_hand(
            span,
            "makes files from the application",
            "run it before the build, and name the folder in `sources`",
        )
    hint = "make it a named stage: its commands run in the builder, and `copy` ships what they leave in /out"
    return by_hand(span, "runs while the image is built", hint)


def _repository(span: Span) -> Outcome:
    return by_hand(
        span,
        "an archive of packages beside Debian's",
        "packages come from Debian's own archives: see whether the suite has them",
    )


def _folder(step: Step, command: Command, span: Span) -> Outcome:
    paths = [
        step.path(expand(word, step.variables)) for word in command.arguments if not word.startswith("-")
    ]
    passing = all(
        path.startswith(("/tmp", "/var/lib/apt", "/build", "/root", "/wheels")) or path == step.workdir
        for path in paths
    )  # noqa: S108 - in the image
    if passing:
        return unneeded(span, "folders are made for what lies in them")
    hint = "an image is read-only to its service: mount a volume there, or write to /tmp"
    return by_hand(span, f"makes {', '.join(paths)}", hint)
