"""What every command shares: its options, and the machine that the library is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from lightship.build.machine import Machine
from lightship.cli.terminal import TerminalReporter
from lightship.errors import UsageError
from lightship.project.config import PRODUCTION

if TYPE_CHECKING:
    from lightship.registry.credentials import Credential
    from lightship.registry.wire import Wire

Function = TypeVar("Function", bound=Callable[..., Any])


class Output(Struct, frozen=True):
    """How a command is to speak."""

    as_json: bool
    level: int


def common(function: Function) -> Function:
    """Add the options of every command; the command gets them as one `output`."""

    def wrapped(*, json: bool, quiet: bool, verbose: bool, debug: bool, **rest: Any) -> Any:  # noqa: ARG001
        level = 0 if quiet else 2 if verbose else 1
        return function(output=Output(json, level), **rest)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    wrapped.__click_params__ = list(getattr(function, "__click_params__", []))  # type: ignore[attr-defined]
    for option in reversed(
        (
            click.option("--json", is_flag=True, help="Print the result as JSON."),
            click.option("-q", "--quiet", is_flag=True, help="Print no progress."),
            click.option("-v", "--verbose", is_flag=True, help="Print notes too."),
            click.option("--debug", is_flag=True, help="Show the traceback of an error."),
        )
    ):
        option(wrapped)
    return wrapped  # type: ignore[return-value]


target_option = click.option(
    "--target", default=PRODUCTION, show_default=True, help="production, development, or one of your own."
)
path_argument = click.argument("path", default=".", type=click.Path(path_type=Path))


def machine(output: Output, *, offline: bool = False, claim: bool = True) -> Machine:
    """Describe this process's surroundings.

    With `claim`, nothing that the command uses is removed by `lightship cache prune` until the command ends.
    """

    def connect() -> Wire:
        return client()

    made = Machine(
        environ=dict(os.environ),
        user=Path.home(),
        prefix=Path(sys.prefix),
        clock=lambda: datetime.now(UTC),
        reporter=TerminalReporter(output.level),
        offline=offline,
        registries=connect,
    )
    client = registries(made)
    if claim:
        click.get_current_context().with_resource(made.home.claimed())
    return made


def registries(machine: Machine, explicit: Credential | None = None) -> Callable[[], Wire]:
    """Speak with registries when first asked to, until the command ends."""
    context = click.get_current_context()

    @cache
    def connect() -> Wire:
        from lightship.build.remote import connect_registries

        return context.with_resource(connect_registries(machine, explicit))

    return connect


def login(function: Function) -> Function:
    """Add the options that give a password; the command gets them as `username` and `password_stdin`."""
    return _username(_password_stdin(function))


def given_credential(username: str, *, password_stdin: bool) -> Credential | None:
    """Read what the options of `login` give, or None where they are not used.

    Raises:
        UsageError: for one of them without the other.

    """
    if bool(username) is not password_stdin:
        raise UsageError(
            "--username and --password-stdin go together", hint="a password on the command line could be seen"
        )
    if not username:
        return None
    from lightship.registry.credentials import Credential

    password = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    return Credential(username, password, origin="--password-stdin")


_username = click.option("--username", default="", help="Log in as this user, rather than as configured.")
_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)
