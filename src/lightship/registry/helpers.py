"""Credential helpers: programs named `docker-credential-NAME` (docs.docker.com, "Credential helpers")."""

from __future__ import annotations

import msgspec

from lightship.decoders import from_json
from lightship.errors import UsageError

_NOT_FOUND = "credentials not found"  # how a helper says that it has none, with an exit status of 1
_PATIENCE = 60.0  # seconds: a helper may ask a person


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    username: str = ""
    secret: str = ""


def ask_helper(name: str, server: str, path: str) -> tuple[str, str] | None:
    """Give user and secret that a helper, found in `path`, has for a server, or None.

    Raises:
        UsageError: if it is not installed, or fails. Nothing that it prints is shown: it may be a secret.

    """
    import shutil
    import subprocess

    command = f"docker-credential-{name}"
    program = shutil.which(command, path=path)
    if program is None or "/" in name:
        raise UsageError(
            f"the credential helper {command} is not installed",
            where=server,
            hint="install it, or take it out of Docker's config.json",
        )
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(command, server, "does not answer") from error
    if done.returncode:
        if _NOT_FOUND in (done.stdout + done.stderr).decode(errors="replace"):
            return None
        raise _failed(command, server, f"failed with exit status {done.returncode}")
    try:
        answer = from_json(done.stdout, _Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _failed(command, server, "does not answer with JSON") from None
    return (answer.username, answer.secret) if answer.secret else None


def _failed(command: str, server: str, what: str) -> UsageError:
    return UsageError(
        f"the credential helper {command} {what}",
        where=server,
        hint=f"try `echo {server} | {command} get` yourself, or log in anew",
    )
