"""Who we are to a registry: passwords (RFC 7617) and tokens for scopes.

Tokens follow the distribution project's "Token Authentication Specification" and its OAuth 2 variant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import TypeAlias
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from lightship.decoders import from_json
from lightship.errors import NetworkError
from lightship.net.redact import redact
from lightship.registry.address import Repository
from lightship.registry.answers import denied, refusal, wrong_password
from lightship.registry.challenge import Challenge
from lightship.registry.credentials import Credential, FindCredential
from lightship.registry.exchange import Request
from lightship.registry.sender import Sender

Scopes: TypeAlias = tuple[str, ...]

_SHORTEST = 60.0  # seconds that a token is valid where the server does not say: the specification's default
_EARLY = 5.0  # seconds: a token that is about to expire is not used any more


def pulling(repository: Repository) -> Scopes:
    return (f"repository:{repository.name}:pull",)


def pushing(repository: Repository) -> Scopes:
    return (f"repository:{repository.name}:pull,push",)


class _TokenAnswer(msgspec.Struct, frozen=True):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None


class _Token(Struct, frozen=True):
    header: str
    expires: float


class Authorizer:
    """Remembers how each registry wants to be spoken to; safe to share between threads.

    Only `Authorization` headers leave this class, and only for the registry that they are for.
    """

    def __init__(self, sender: Sender, find: FindCredential, now: Callable[[], float]) -> None:
        self._sender = sender
        self._find = find
        self._now = now
        self._lock = Lock()
        self._known: dict[str, Challenge] = {}
        self._tokens: dict[tuple[str, Scopes], _Token] = {}
        self._credentials: dict[Repository, Credential | None] = {}

    def header(self, repository: Repository, scopes: Scopes) -> str:
        """Give the header to send, empty while the registry has not asked for any.

        Raises:
            NetworkError: the password is wrong, or no token can be had.
            UsageError: credentials cannot be read.

        """
        with self._lock:
            challenge = self._known.get(repository.api)
            return self._header(challenge, repository, scopes) if challenge is not None else ""

    def answer(
        self, challenge: Challenge, repository: Repository, scopes: Scopes, *, used: str, secure: bool
    ) -> str:
        """Give the header to send after a 401 to a request that was sent with the header `used`.

        Empty where there is no other than that. `secure` tells that the registry is spoken to over TLS.

        Raises:
            NetworkError: as `header` does, and if it would send us to a token service without TLS.
            UsageError: as `header` does.

        """
        realm = challenge.get("realm")
        if challenge.scheme == "bearer" and secure and not realm.startswith("https://"):
            raise NetworkError(
                "the registry asks for a token from a service without TLS",
                where=redact(realm),
                hint="ask its operator: a password would cross the network in clear text",
            )
        with self._lock:
            self._known[repository.api] = challenge
            token = self._tokens.get((repository.api, scopes))
            if token is not None and token.header == used:
                del self._tokens[repository.api, scopes]
            header = self._header(challenge, repository, scopes)
            return "" if header == used else header

    def credential(self, repository: Repository) -> Credential | None:
        """Look the credential up, once for each repository."""
        if repository not in self._credentials:
            self._credentials[repository] = self._find(repository)
        return self._credentials[repository]

    def _header(self, challenge: Challenge, repository: Repository, scopes: Scopes) -> str:
        if challenge.scheme == "basic":
            credential = self.credential(repository)
            return credential.basic if credential is not None else ""
        token = self._tokens.get((repository.api, scopes))
        if token is None or token.expires <= self._now():
            token = self._fetch(challenge, repository, scopes)
            self._tokens[repository.api, scopes] = token
        return token.header

    def _fetch(self, challenge: Challenge, repository: Repository, scopes: Scopes) -> _Token:
        credential = self.credential(repository)
        asked = self._now()
        answer = self._sender.read(_token_request(challenge, scopes, credential))
        if answer.status in (400, 401, 403):
            if credential is not None and answer.status != 403:  # 400 is OAuth's word for it: RFC 6749, 5.2
                raise wrong_password(repository, credential)
            raise denied(repository, credential, writes=_writes(scopes), answer=answer)
        if answer.status != 200:
            raise refusal(answer)
        try:
            said = from_json(answer.body, _TokenAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError):  # whose text could show a token
            said = _TokenAnswer()
        text = said.token or said.access_token
        if not text or not text.isascii() or not text.isprintable():
            raise NetworkError(
                "the registry's token service sent no token",
                where=redact(answer.url),
                hint="ask its operator",
            )
        return _Token(f"Bearer {text}", asked + max(said.expires_in or _SHORTEST, _SHORTEST) - _EARLY)


def _token_request(challenge: Challenge, scopes: Scopes, credential: Credential | None) -> Request:
    """Ask as the specification says: GET with a password, POST with a refresh token."""
    realm, service = challenge.get("realm"), challenge.get("service")
    named = [("service", service)] if service else []
    if credential is not None and credential.token:
        form = [
            ("grant_type", "refresh_token"),
            *named,
            ("client_id", "lightship"),
            ("scope", " ".join(scopes)),
            ("refresh_token", credential.token),
        ]
        return _post(realm, urlencode(form).encode())
    query = urlencode([*named, *(("scope", scope) for scope in scopes)])
    joint = "&" if urlsplit(realm).query else "?"
    headers = {"Authorization": credential.basic} if credential is not None and credential.basic else {}
    return Request("GET", f"{realm}{joint}{query}", headers)


def _post(url: str, data: bytes) -> Request:
    def body() -> Iterator[bytes]:
        yield data

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", url, headers, body=body, size=len(data))


def _writes(scopes: Scopes) -> bool:
    return any(scope.endswith(",push") for scope in scopes)
