"""What a registry's refusal means, and what to do about it (distribution spec, "Error Codes")."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from lightship.decoders import from_json
from lightship.errors import NetworkError
from lightship.net.redact import redact, redact_text
from lightship.registry.address import Repository
from lightship.registry.credentials import Credential
from lightship.registry.exchange import Answer

_LONGEST = 500  # characters of what a server says

_HINTS = {
    407: "give the proxy's user and password in HTTPS_PROXY",
    413: "a proxy before the registry limits the size of requests: ask its operator to raise it",
    429: "the registry asks for patience: try again later, or log in, which may raise its limit",
    507: "free some space in the registry",
}


class MissingError(NetworkError):
    """A repository, or something in it, is not there."""


class _Said(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


class _Body(msgspec.Struct, frozen=True):
    errors: tuple[_Said, ...] = ()


def said(answer: Answer) -> tuple[_Said, ...]:
    """Give the errors that an answer lists, or none where it is no registry's."""
    try:
        return from_json(answer.body, _Body).errors
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()


def has_code(answer: Answer, code: str) -> bool:
    return any(error.code == code for error in said(answer))


def refusal(answer: Answer) -> NetworkError:
    """Error for an answer of which nothing more is known."""
    status = answer.status
    default = "the registry has a problem: try again later" if status >= 500 else "check the reference"
    if any("no space left" in line for line in _lines(answer)):
        default = _HINTS[507]
    return NetworkError(
        f"the registry answered {status} {_phrase(status)}".strip(),
        where=redact(answer.url),
        hint=_HINTS.get(status, default),
        detail="\n".join(_lines(answer)),
    )


def missing(what: str, repository: Repository, answer: Answer, *, near: str = "") -> MissingError:
    """Error for a manifest or blob that is not there; says whether the repository is, and a `near` tag."""
    if has_code(answer, "NAME_UNKNOWN"):
        return MissingError(
            "the registry has no such repository",
            where=str(repository),
            hint="check the name; registries also say this of what you may not see: then log in",
        )
    return MissingError(
        f"the repository has no {what}",
        where=str(repository),
        hint=f"did you mean {near}?"
        if near
        else "check the tag or digest; registries also say this of what you may not see: then log in",
    )


def denied(
    repository: Repository, credential: Credential | None, *, writes: bool, answer: Answer | None = None
) -> NetworkError:
    """Error for what the registry does not allow, with or without credentials."""
    detail = "\n".join(_lines(answer)) if answer is not None else ""
    do, to = ("push to", "push there") if writes else ("pull from", "read it")
    if credential is None:
        return NetworkError(
            f"the registry lets nobody {do} this repository without a password",
            where=str(repository),
            hint=f"log in (`docker login {repository.host}`), or set DOCKER_AUTH_CONFIG or "
            "REGISTRY_AUTH_FILE; where it should be public, check the name",
            detail=detail,
        )
    return NetworkError(
        f"{_user(credential)} may not {do} this repository",
        where=str(repository),
        hint=f"check the name, or ask the registry's operator for the right to {to}"
        f" (the credentials are from {credential.origin})",
        detail=detail,
    )


def wrong_password(repository: Repository, credential: Credential) -> NetworkError:
    return NetworkError(
        f"the registry does not accept the password of {_user(credential)}",
        where=repository.host,
        hint=f"log in anew (`docker login {repository.host}`); the password is from {credential.origin}",
    )


def _user(credential: Credential) -> str:
    return f"user {credential.username!r}" if credential.username else "the token's user"


def _lines(answer: Answer) -> list[str]:
    found = [": ".join(part for part in (error.code, error.message) if part) for error in said(answer)]
    return [redact_text(line)[:_LONGEST] for line in found]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
