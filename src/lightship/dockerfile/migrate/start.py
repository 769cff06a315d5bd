"""`CMD`, `ENTRYPOINT`, `HEALTHCHECK`, `EXPOSE`, `STOPSIGNAL`: how the service is started and reached."""

from __future__ import annotations

import posixpath
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.migrate.asked import metadata
from lightship.dockerfile.migrate.model import Outcome, by_hand, carried, unneeded
from lightship.dockerfile.migrate.scene import Scene
from lightship.dockerfile.migrate.sources import Layout
from lightship.dockerfile.model import Instruction
from lightship.dockerfile.shell import Command, commands
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Stage, Step

_ENTRY_POINT = re.compile(r"([\w.]+)\s*:\s*(\w+)")
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_PROGRAM = re.compile(
    r"(?:/usr(?:/local)?/s?bin|/s?bin|.*/\.?(?:venv|virtualenv|env|v)[\w.-]*/bin|/opt/conda(?:/envs/[\w.-]+)?/bin|/root/\.local/bin)/([\w.+-]+)"
)
_RUNNERS = {"poetry": 2, "pipenv": 2, "uv": 2, "pdm": 2, "hatch": 2, "rye": 2}
_SCRIPT = re.compile(r".*\.(?:sh|bash)|.*entrypoint[\w.-]*|/start|gosu|su-exec|s6-\w+|/init")
_SEVERAL = ("supervisord", "nginx", "service", "cron", "crond", "systemctl", "s6-svscan")
_PORT = re.compile(
    r"(?:--?(?:p|port|server[.-]port|b|bind))[= ](?:[\w.*\[\]-]*:)?(\d{2,5})\b"
    r"|--(?:bind|host)[= ]\S+:(\d{2,5})\b"
)
_URL = re.compile(
    r"http://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\$\{?HOSTNAME\}?)(?::(\d+))?(/[^\s'\"),;|]*)?"
)
_ATTACHING = "write the words of `command`, for there is no shell to run this"
_KEEP_SHELL = (
    'or keep the shell: runtime-packages = ["dash"] and command = ["sh", "-c", "…"], which verify reports'
)


@dataclass(frozen=True, slots=True)
class Start:
    """The words that start the service, and what is to be said of them; none where they cannot be told."""

    words: tuple[str, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()


def start_outcomes(scene: Scene, layout: Layout) -> Iterator[Outcome]:
    """Say how the service is started, and where it listens."""
    final = scene.build.final
    start = start_of(scene, final, layout)
    instructions = in_force(scene, final)
    for step in scene.final_steps:
        if step.keyword in ("CMD", "ENTRYPOINT") and step.instruction not in instructions:
            yield unneeded(step.instruction.span, "another one takes its place")
    yield from _command(instructions, start)
    ports = list(_exposed(scene))
    yield from ports
    if not any(one.settings for one in ports) and instructions and start.words:
        ports = list(_port_of_command(instructions[-1].span, start.words))
        yield from ports
    yield from _health(scene, [port for one in ports for port in one.settings.get("ports", ())])
    yield from _signal(scene)


def in_force(scene: Scene, stage: Stage) -> tuple[Instruction, ...]:
    """Give the `ENTRYPOINT` and `CMD` that count; `CMD` is nothing beside an `ENTRYPOINT` in shell form."""
    entrypoint, command = scene.last(stage, "ENTRYPOINT"), scene.last(stage, "CMD")
    found = [one for one in (entrypoint, command) if one and one.args.text]
    if entrypoint and not entrypoint.json:
        found = [entrypoint]
    return tuple(found)


def start_of(scene: Scene, stage: Stage, layout: Layout) -> Start:
    """Read the command of a stage."""
    instructions = in_force(scene, stage)
    if not instructions:
        return Start()
    start = _read(instructions, _variables(scene, stage))
    words = _of_script(scene, _plain(start.words))
    return Start(tuple(_located(scene, word, layout) for word in words), start.remarks)


def _read(instructions: Sequence[Instruction], variables: dict[str, str]) -> Start:
    last = instructions[-1]
    if all(one.json for one in instructions):
        words = [word.text for one in instructions for word in one.words]
        return _shell_call(last, words, variables) or _exec(words)
    before = tuple(word.text for one in instructions[:-1] for word in one.words)
    start = _shell(commands(last), last.args.text, variables)
    return Start((*before, *start.words), start.remarks) if start.words else start


def _variables(scene: Scene, stage: Stage) -> dict[str, str]:
    """Give the variables of a running container: those of `ENV`, and a port that platforms set."""
    variables = {
        "PORT": next(
            (one.words[0].text.partition("/")[0] for one in [scene.last(stage, "EXPOSE")] if one), "8000"
        )
    }
    for step in stage.all_steps:
        if step.keyword == "ENV":
            for name, value, _ in step.instruction.pairs():
                variables[name] = expand(value, {**scene.variables(step), **variables})
    return variables


def _shell_call(instruction: Instruction, words: Sequence[str], variables: dict[str, str]) -> Start | None:
    """Read `["sh", "-c", "…"]`; None for any other list."""
    shell = [index for index, word in enumerate(words[:-1]) if re.fullmatch(r"-\w*c", word)]
    if not shell or words[shell[0] - 1].rsplit("/", 1)[-1] not in _SHELLS or len(instruction.words) < 3:
        return None
    return _shell(commands(instruction), words[shell[0] + 1], variables)


def _exec(words: Sequence[str]) -> Start:
    program = words[0] if words else ""
    if program.rsplit("/", 1)[-1] in _SHELLS or _SCRIPT.fullmatch(program):
        return Start(
            remarks=(
                (f"{program} is a shell script, and production has no shell", f"{_ENTRY}; {_KEEP_SHELL}"),
            )
        )
    return Start(tuple(words))


def _shell(called: Sequence[Command], text: str, variables: dict[str, str]) -> Start:
    """Take the last command of shell text; what runs before it is said."""
    if not called:
        return Start(remarks=(("what the shell is given cannot be read", f"{_ATTACHING}; {_KEEP_SHELL}"),))
    last = called[-1]
    words = [expand(word.text, variables) for word in last.words]
    if (
        last.before in ("|", "||", "&", "(")
        or re.search(r"[<>]", text)
        or any("$" in word or "`" in word for word in words)
    ):
        return Start(
            remarks=((f"a shell runs it: {' '.join(text.split())}", f"{_ATTACHING}; {_KEEP_SHELL}"),)
        )
    remarks = [
        (
            f"{' '.join(word.text for word in one.words)} runs before the service",
            "run it as a job of its own, such as before each deployment",
        )
        for one in called[:-1]
        if one.words and one.program not in ("set", "export", "echo")
    ]
    names = dict.fromkeys(re.findall(r"\$\{?([A-Za-z_]\w*)", text))
    told = ", ".join(f"{name} = {variables[name]}" for name in names if name in variables)
    if told:
        remarks.append((f"values are put in: {told}", _VALUES))
    start = _exec(words)
    return Start(start.words, (*remarks, *start.remarks))


def _plain(words: Sequence[str]) -> tuple[str, ...]:
    """Take off what starts others (`poetry run`, `conda run -n env`), and folders that `PATH` has."""
    found = list(words)
    if found[:2] == ["conda", "run"] or found[:2] == ["micromamba", "run"]:
        found = found[2:]
        while found and found[0].startswith("-"):
            found = found[2:] if found[0] in ("-n", "--name", "-p", "--prefix") else found[1:]
    if found[:1] and found[0] in _RUNNERS and found[1:2] == ["run"]:
        found = found[2:]
        while found and found[0].startswith("-"):
            found = found[1:]
    if found and found[0] in ("/usr/bin/env", "exec"):
        found = found[1:]
    match = _PROGRAM.fullmatch(found[0]) if found else None
    return tuple([match[1], *found[1:]] if match else found)


def _of_script(scene: Scene, words: tuple[str, ...]) -> tuple[str, ...]:
    """Call the function that a script of the project stands for: the project is shipped, not installed."""
    scripts = metadata(scene).get("project", {}).get("scripts", {})
    match = _ENTRY_POINT.fullmatch(str(scripts.get(words[0], ""))) if words else None
    if match is None:
        return words
    module, function = match[1], match[2]
    return (
        "python",
        "-c",
        f"import sys; from {module} import {function}; sys.exit({function}())",
        *words[1:],
    )


def _located(scene: Scene, word: str, layout: Layout) -> str:
    """Give the path of a script as it is now, where a folder's content was in the working directory."""
    if not layout.root or word.startswith(("-", "/")):
        return word
    path = posixpath.join(layout.root, word)
    return (
        path
        if scene.folder.is_file(path) or (word.endswith(".py") and not scene.folder.is_file(word))
        else word
    )


def _command(instructions: Sequence[Instruction], start: Start) -> Iterator[Outcome]:
    if not instructions:
        return
    span = instructions[-1].span
    if start.words and start.words[0].rsplit("/", 1)[-1] in _SEVERAL:
        yield by_hand(
            span, f"{start.words[0]} runs several services", "give each an image, or a target, of its own"
        )
    elif start.words:
        for one in instructions[:-1]:
            yield carried(one.span, "the beginning of command", {})
        yield carried(span, f"command: {' '.join(start.words)}", {"command": start.words})
    for message, hint in start.remarks:
        yield by_hand(span, message, hint)


def _exposed(scene: Scene) -> Iterator[Outcome]:
    for step in scene.final_steps:
        if step.keyword != "EXPOSE":
            continue
        for word in step.instruction.words:
            text = expand(word.text, scene.variables(step))
            number, _, protocol = text.partition("/")
            if number.isdecimal() and 0 < int(number) < 65536 and protocol in ("", "tcp"):
                yield carried(word.span, f"ports = [{int(number)}]", {"ports": (int(number),)})
            else:
                yield by_hand(word.span, f"{text} is no single port of TCP", "name each port in `ports`")


def _port_of_command(span: Span, words: Sequence[str]) -> Iterator[Outcome]:
    match = _PORT.search(" ".join(words))
    number = int(match[1] or match[2]) if match else 0
    if 0 < number < 65536:
        yield carried(span, f"ports = [{number}], which the command names", {"ports": (number,)})


def _health(scene: Scene, ports: Sequence[int]) -> Iterator[Outcome]:
    last = scene.last(scene.build.final, "HEALTHCHECK")
    if last is None:
        yield from _route(scene, ports)
        return
    if not last.words or last.words[0].text.upper() == "NONE":
        yield unneeded(last.span, "no health check is the default")
        return
    step: Step = next(step for step in scene.final_steps if step.instruction is last)
    text = expand(" ".join(word.text for word in last.words[1:]), {"PORT": "8000", **step.variables})
    match = _URL.search(text)
    if match is None or not 0 < int(match[1] or 80) < 65536 or unknown(match[0]):
        hint = 'have the service answer, and set health = "http://:PORT/PATH"'
        yield by_hand(last.span, "asks something else than an address of HTTP", hint)
        return
    health = f"http://:{match[1] or 80}{match[2] or '/'}"
    yield carried(
        last.span, f'health = "{health}"', {"health": health}, "interval and timeout are those of every image"
    )


def _route(scene: Scene, ports: Sequence[int]) -> Iterator[Outcome]:
    """Take the application's own route where the file has no health check."""
    path = scene.folder.health()
    if path and ports:
        health = f"http://:{ports[0]}{path}"
        message = f'no HEALTHCHECK, but the application has a route: health = "{health}"'
        yield carried(scene.build.final.start.span, message, {"health": health})


def _signal(scene: Scene) -> Iterator[Outcome]:
    last = scene.last(scene.build.final, "STOPSIGNAL")
    if last is None:
        return
    name = _signal_name(last.words[0].text)
    if name == "SIGTERM":
        yield unneeded(last.span, "SIGTERM is what images are stopped with")
    elif name:
        yield carried(last.span, f'stop-signal = "{name}"', {"stop-signal": name})
    else:
        yield by_hand(last.span, f"no signal is called {last.words[0].text}", "set `stop-signal`")


def _signal_name(text: str) -> str:
    known = {str(int(item)): item.name for item in signal.Signals}
    name = known.get(text, f"SIG{text.upper().removeprefix('SIG')}")
    return name if name in signal.Signals.__members__ else ""


_ENTRY = (
    "write what it ends in as `command`, and do the rest before the service starts, or in the service itself"
)
_VALUES = (
    "another value at run time does not reach the command: have the service read the variable"
    " (gunicorn: a configuration file, WEB_CONCURRENCY)"
)
