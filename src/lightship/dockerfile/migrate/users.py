"""`USER`, and the commands that make accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lightship.dockerfile.expand import expand
from lightship.dockerfile.migrate.model import Outcome, by_hand, carried, unneeded
from lightship.dockerfile.migrate.scene import Scene
from lightship.dockerfile.shell import Command
from lightship.dockerfile.stages import Stage
from lightship.project.config import Config

_NAME = re.compile(r"[a-z_][a-z0-9_-]*")
_OPTIONS = {
    *("-u", "--uid", "-g", "--gid", "-d", "--home", "--home-dir", "-s", "--shell", "-c", "--comment", "-G"),
    *("--groups", "--gecos", "-h", "--ingroup", "-k", "--skel", "-K", "-b", "--base-dir", "--group"),
}
_FLAG_OF_ADDUSER = ("--group", "-G")
_KNOWN = {"nobody": (65534, 65534), "www-data": (33, 33), "daemon": (1, 1), "nonroot": (65532, 65532)}
_FIRST, _FIRST_SYSTEM = 1000, 999
_DEFAULT = Config().user


@dataclass(frozen=True, slots=True)
class Account:
    """A user or group that a command makes; -1 for an ID that is not given."""

    name: str
    uid: int
    group: str
    gid: int
    system: bool


def user_outcomes(scene: Scene) -> Iterator[Outcome]:
    """Say which user the service runs as."""
    for stage in scene.build.final.chain:
        for step in stage.steps:
            if step.keyword == "USER" and step.instruction is not scene.last(scene.build.final, "USER"):
                yield unneeded(step.instruction.span, "another one takes its place below")
    last = scene.last(scene.build.final, "USER")
    if last is None:
        yield unneeded(scene.build.final.start.span, f"no USER: the service is never root, but {_DEFAULT}")
        return
    step = next(step for step in scene.final_steps if step.instruction is last)
    written = expand(last.words[0].text, step.variables)
    name, _, group = written.partition(":")
    if name in ("root", "0"):
        hint = "where it needs root's rights, such as for a port below 1024, let it listen on another"
        yield by_hand(last.span, f"runs as {_DEFAULT}, never as root", hint)
        return
    user = _user(scene.build.final, name, group)
    if user is None:
        yield by_hand(last.span, f"runs as {_DEFAULT}: {written} tells no user", 'set user = "NAME:UID:GID"')
        return
    yield carried(last.span, f'user = "{user}"', {"user": user})


def _user(stage: Stage, name: str, group: str) -> str | None:
    accounts = list(_accounts(stage))
    users = {account.name: account for account in accounts if account.uid != -2}
    groups = {account.name: account.gid for account in accounts if account.uid == -2}
    if name.isdecimal():
        uid, gid = int(name), int(group) if group.isdecimal() else int(name)
        made = [account.name for account in users.values() if account.uid == uid]
        return f"{_plain(made[0]) if made else 'appuser'}:{uid}:{gid}" if uid else None
    if name in _KNOWN and name not in users:
        uid, gid = _KNOWN[name]
        return f"{name}:{uid}:{gid}"
    account = users.get(name)
    if account is None or not _NAME.fullmatch(name):
        return None
    first = _FIRST_SYSTEM if account.system else _FIRST
    uid = account.uid if account.uid >= 0 else first
    named = groups.get(group or account.group, account.gid)
    return f"{name}:{uid}:{named if named >= 0 else uid}" if uid else None


def _plain(name: str) -> str:
    return name if _NAME.fullmatch(name) else "appuser"


def _accounts(stage: Stage) -> Iterator[Account]:
    for step in stage.all_steps:
        for command in step.commands:
            if command.program in ("useradd", "adduser", "groupadd", "addgroup"):
                texts = [expand(word.text, step.variables) for word in command.words[1:]]
                yield _account(command, texts)


def _account(command: Command, words: list[str]) -> Account:
    """Read one command; a group has the user ID -2."""
    options: dict[str, str] = {}
    names: list[str] = []
    at = 0
    while at < len(words):
        name, equals, value = words[at].partition("=")
        takes = name in _OPTIONS and not (command.program == "adduser" and name == "--group")
        if not name.startswith("-"):
            names.append(words[at])
        elif equals or not takes:
            options[name] = value
        elif at + 1 < len(words):
            at += 1
            options[name] = words[at]
        at += 1
    group = command.program in ("groupadd", "addgroup")
    uid = _number(options, "-u", "--uid")
    gid_text = next((options[key] for key in ("-g", "--gid", "--ingroup", "-G") if key in options), "")
    gid = int(gid_text) if gid_text.isdecimal() else -1
    system = bool({"-r", "--system", "-S"} & set(options))
    return Account(
        names[-1 if command.program == "useradd" else 0] if names else "",
        -2 if group else uid,
        gid_text,
        gid,
        system,
    )


def _number(options: dict[str, str], *names: str) -> int:
    return next((int(options[name]) for name in names if options.get(name, "").isdecimal()), -1)
