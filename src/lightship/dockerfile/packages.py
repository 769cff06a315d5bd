"""What a command installs or removes, with which package manager, and from where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lightship.dockerfile.model import Word
from lightship.dockerfile.shell import Command
from lightship.dockerfile.stages import Stage, Step

APT = ("apt-get", "apt", "aptitude")
PYTHON_MANAGERS = ("pip", "uv", "poetry", "pipenv", "pdm", "conda")
_PIP = re.compile(r"pip(?:[23](?:\.\d+)?)?")
_PYTHON = re.compile(r"(?:python|pypy)(?:3(?:\.\d+)?)?")
_CONDA = ("conda", "mamba", "micromamba")
_SUBCOMMANDS = {
    "apk": {"add": "install", "del": "remove"},
    "poetry": {"install": "install", "sync": "install"},
    "pipenv": {"install": "install", "sync": "install"},
    "pdm": {"install": "install", "sync": "install"},
    "conda": {"install": "install", "env": "install", "create": "install", "clean": "clean"},
}
_APT_ACTIONS = {
    **dict.fromkeys(("install", "upgrade", "dist-upgrade", "build-dep"), "install"),
    **dict.fromkeys(("remove", "purge", "autoremove"), "remove"),
    "update": "update",
}
# Options whose value is the next word, where it is not joined by =.
_WITH_VALUE = {
    *(
        "-r",
        "--requirement",
        "-c",
        "--constraint",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
    ),
    *("-e", "--editable", "-t", "--target", "--prefix", "--root", "--platform", "--python", "-p", "--index"),
    *("--python-version", "--only-binary", "--no-binary", "-w", "--wheel-dir", "-d", "--dest", "--cache-dir"),
    *(
        "-n",
        "--name",
        "--file",
        "--channel",
        "-o",
        "--option",
        "--virtual",
        "--repository",
        "-X",
        "--timeout",
    ),
    *(
        "--default-timeout",
        "--trusted-host",
        "--retries",
        "--group",
        "--extra",
        "--only",
        "--with",
        "--without",
    ),
    *(
        "--torch-backend",
        "--src",
        "--proxy",
        "--cert",
        "--log",
        "--abi",
        "--implementation",
        "--default-index",
    ),
}
_CONDA_VALUES = {"-c", "--channel"}


@dataclass(frozen=True, slots=True)
class Install:
    """One call of a package manager.

    `manager` is `apt`, `apk`, `pip` (also pip3 and python -m pip), `uv`, `poetry`, `pipenv`, `pdm` or
    `conda`; `action` is `install`, `wheel`, `download`, `remove`, `update` or `clean`. `packages` are
    requirements as they are written, `options` every option with its value ("" where it stands alone).
    """

    manager: str
    action: str
    command: Command
    verb: Word
    packages: tuple[Word, ...]
    options: tuple[tuple[str, str], ...]

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.options)

    def values(self, *names: str) -> tuple[str, ...]:
        return tuple(value for name, value in self.options if name in names)

    @property
    def is_python(self) -> bool:
        return self.manager in PYTHON_MANAGERS

    @property
    def requirement_files(self) -> tuple[str, ...]:
        return self.values("-r", "--requirement")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the packages, without versions, extras and architectures."""
        return tuple(bare_name(word.text) for word in self.packages)


def installs(step: Step) -> tuple[Install, ...]:
    """Every call of a package manager in a `RUN`."""
    return tuple(found for command in step.commands if (found := read_install(command)))


def stage_installs(stage: Stage) -> Iterator[tuple[Step, Install]]:
    """Yield the calls in a stage's own steps."""
    for step in stage.steps:
        for found in installs(step):
            yield step, found


def chain_installs(stage: Stage) -> Iterator[tuple[Step, Install]]:
    """Yield the calls in a stage and in those it is built on."""
    for one in stage.chain:
        yield from stage_installs(one)


def read_install(command: Command) -> Install | None:
    """Read one command; None if it calls no package manager."""
    words = list(command.words)
    if not words:
        return None
    if _PYTHON.fullmatch(command.program) and len(words) > 2 and words[1].text == "-m":
        words = words[2:]
    program = words[0].text.rsplit("/", 1)[-1]
    if _PIP.fullmatch(program):
        return _make("pip", command, words, {"install": "install", "wheel": "wheel", "download": "download"})
    if program == "uv":
        return _uv(command, words)
    if program in APT:
        return _make("apt", command, words, _APT_ACTIONS)
    if program in _CONDA:
        return _make("conda", command, words, _SUBCOMMANDS["conda"])
    return _make(program, command, words, _SUBCOMMANDS[program]) if program in _SUBCOMMANDS else None


def bare_name(requirement: str) -> str:
    """Give the name in `torch[x]==2.1; marker`, `gcc=4:12` or `libpq-dev:amd64`; PEP 503 letters."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._+-]*", requirement)
    return match[0].lower().rstrip(".") if match else ""


def _uv(command: Command, words: list[Word]) -> Install | None:
    if len(words) > 2 and words[1].text == "pip":
        return _make("uv", command, words[1:], {"install": "install", "sync": "install"})
    return _make("uv", command, words, {"sync": "install"})


def _make(manager: str, command: Command, words: list[Word], actions: Mapping[str, str]) -> Install | None:
    at = next((index for index, word in enumerate(words) if index and not _is_value(words, index)), 0)
    if not at or words[at].text not in actions:
        return None
    packages, options = _arguments(manager, words[1:at] + words[at + 1 :])
    action = actions[words[at].text]
    return Install(manager, action, command, words[at], packages, options)


def _is_value(words: list[Word], index: int) -> bool:
    return words[index].text.startswith("-") or words[index - 1].text in _WITH_VALUE


def _arguments(manager: str, words: list[Word]) -> tuple[tuple[Word, ...], tuple[tuple[str, str], ...]]:
    packages: list[Word] = []
    options: list[tuple[str, str]] = []
    at = 0
    while at < len(words):
        text = words[at].text
        name, equals, value = text.partition("=")
        if not text.startswith("-") or text == "-":
            packages.append(words[at])
        elif equals:
            options.append((name, value))
        elif _takes_value(manager, text) and at + 1 < len(words):
            at += 1
            options.append((text, words[at].text))
        elif re.fullmatch(r"-[rcef]\S+", text) and manager == "pip":
            options.append((text[:2], text[2:]))
        else:
            options.append((text, ""))
        at += 1
    return tuple(packages), tuple(options)


def _takes_value(manager: str, option: str) -> bool:
    if manager == "conda":
        return option in _WITH_VALUE | _CONDA_VALUES - {"-p"}
    if manager == "apt":
        return option in ("-t", "-o", "--option", "--target-release")
    if manager == "apk":
        return option in ("-t", "--virtual", "--repository", "-X")
    return option in _WITH_VALUE
