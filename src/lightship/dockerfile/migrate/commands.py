"""What is left of a `RUN`: accounts, folders, tidying, downloads, programs of the service's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.expand import expand
from lightship.dockerfile.migrate.branches import guarded
from lightship.dockerfile.migrate.model import Outcome, by_hand, unneeded
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.migrate.scripts import fetches
from lightship.dockerfile.packages import read_install
from lightship.dockerfile.shell import Command
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Stage, Step

_QUIET = frozenset({
    *("set", "true", ":", "echo", "cd", "export", "test", "[", "[[", "ls", "id", "which", "sleep", "printf"),
    *("EOF", ".", "source", "activate"),
})  # fmt: skip
_CLEAN = "nothing but what is listed comes into a layer: there is nothing to clean"
_OWNED = "files belong to root and can be read by all; none is stored twice"
_INSTALLERS = "the lock resolves packages; no installer is in the image"
_WHY = {
    **dict.fromkeys(
        ("useradd", "groupadd", "adduser", "addgroup", "usermod", "passwd", "chpasswd"),
        "`user` makes the account",
    ),
    **dict.fromkeys(("rm", "find", "apt-get", "apt", "sync", "strip"), _CLEAN),
    **dict.fromkeys(("chown", "chmod"), _OWNED),
    **dict.fromkeys(
        ("poetry", "pipenv", "pdm", "uv", "pip", "pip3", "conda", "micromamba", "mamba"), _INSTALLERS
    ),
    **dict.fromkeys(("ldconfig", "update-ca-certificates", "update-alternatives"), "made by rule"),
}
"""Programs that nothing takes the place of, with the reason."""
_INSTALLING = re.compile(
    r"install\.python-poetry\.org|astral\.sh/uv|bootstrap\.pypa\.io|get-pip|get-poetry|sh\.rustup\.rs"
)
_REPOSITORIES = ("add-apt-repository", "apt-key", "apt-add-repository")
_FETCHED = (
    "fetch it into the project before the build; weights belong in a folder that `models` names:"
    ' models = ["models/"]'
)
_STAGE = "make it a named stage: its commands run in the builder, and `copy` ships what they leave in /out"
_WHEEL = (
    "if it is a wheel: publish it to an index, or put it into a folder of pip's find-links, and require it"
)
_PASSING = ("/tmp", "/var/lib/apt", "/build", "/root", "/wheels")  # noqa: S108 - folders of an image


def command_outcomes(scene: Scene, stage: Stage, step: Step) -> Iterator[Outcome]:
    """Say what becomes of the commands that install nothing; one outcome for a row of the same kind."""
    told: set[tuple[str, str]] = set()
    for one in guarded(step, scene.build.document.source.text):
        command = one.command
        if not command.words or read_install(command) or command.before == "|":
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
    if program in _WHY:
        return unneeded(span, _WHY[program])
    if program in _REPOSITORIES or "/etc/apt/" in scene.text(span):
        return _repository(span)
    if program == "mkdir":
        return _folder(step, command, shipped=scene.role(stage) is Role.FINAL)
    return _other(scene, stage, step, command)


def _other(scene: Scene, stage: Stage, step: Step, command: Command) -> Outcome:
    span = command.span
    why = _needless(command, scene.text(span))
    if why:
        return unneeded(span, why)
    if scene.role(stage) is Role.BUILDER:
        return by_hand(span, "runs in a builder: what it makes is not known", _WHEEL)
    if fetches(scene, stage, step):
        return by_hand(span, "fetches something while the image is built", _FETCHED)
    return by_hand(span, "runs while the image is built", _STAGE)


def _needless(command: Command, text: str) -> str:
    words = (command.program, *command.arguments)
    if "venv" in words[:3] or "virtualenv" in words[:3]:
        return "every image has a virtual environment, first in PATH"
    if {"compileall", "py_compile"} & set(words):
        return "images bring bytecode: see `bytecode`"
    if words[1:3] == ("-m", "pip") or _INSTALLING.search(text):
        return _INSTALLERS
    if words[0] == "ln" and "python" in words[-1]:
        return "Python is there by each of its names"
    return ""


def _repository(span: Span) -> Outcome:
    hint = "packages come from Debian's own archives: see whether the suite has them"
    return by_hand(span, "an archive of packages beside Debian's", hint)


def _folder(step: Step, command: Command, *, shipped: bool) -> Outcome:
    paths = [
        step.path(expand(word, step.variables)) for word in command.arguments if not word.startswith("-")
    ]
    if not shipped or all(path.startswith(_PASSING) or path == step.workdir for path in paths):
        return unneeded(command.span, "folders are made for what lies in them")
    hint = "an image is read-only to its service: mount a volume there, or write to /tmp"
    return by_hand(command.span, f"makes {', '.join(paths)}", hint)
