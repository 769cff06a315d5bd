"""Requests to registries: at the right address, in the right name, with refusals that say what they mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import TypeVar
from urllib.parse import urljoin

from msgspec import Struct, field

from lightship.errors import NetworkError
from lightship.registry.address import Repository, is_loopback
from lightship.registry.answers import denied, has_code, missing, refusal, wrong_password
from lightship.registry.auth import Authorizer, Scopes, pulling, pushing
from lightship.registry.challenge import choose, parse_challenges
from lightship.registry.exchange import Answer, Body, Request, Stream, finish
from lightship.registry.sender import Sender

Result = TypeVar("Result", Answer, Stream)

_MOST_RENEWALS = 2  # for one request: a token may be too old, and the next one at once again


class Call(Struct, frozen=True, kw_only=True):
    """A request to a repository: a `path` below its name, or a whole URL that the registry gave us.

    Args:
        accepted: the statuses that are answers; any other is an error.
        scopes: the rights to ask for; those of the repository, to pull or to push, where there are none.

    """

    method: str
    repository: Repository
    path: str
    accepted: Collection[int]
    headers: dict[str, str] = field(default_factory=dict)
    body: Body | None = None
    size: int = 0
    repeated: bool = True
    slow: bool = False
    writes: bool = False
    scopes: Scopes = ()

    @property
    def rights(self) -> Scopes:
        return self.scopes or (pushing if self.writes else pulling)(self.repository)


class Wire:
    """Speaks with registries; safe to share between threads.

    Args:
        sender: sends single requests.
        authorizer: gives the headers that say who we are.
        plain: hosts that are spoken to without TLS, because the user says so.

    """

    def __init__(self, sender: Sender, authorizer: Authorizer, plain: Collection[str] = ()) -> None:
        self.sender = sender
        self._authorizer = authorizer
        self._plain = frozenset(plain)
        self._schemes: dict[str, str] = {}
        self._probing = Lock()

    def read(self, call: Call) -> Answer:
        """Make a call and read its answer.

        Raises:
            NetworkError: unreachable, or a status that is not accepted; where it means that something is not
                allowed, the error says what, and in whose name it was asked.
            PassingError: as `Sender.open` does.
            UsageError: certificates, proxies or credentials are configured wrongly.

        """
        answer = self._authorized(call, self.sender.read, lambda answer: answer.status)
        if answer.status not in call.accepted:
            raise self.error(call, answer)
        return answer

    def open(self, call: Call) -> Stream:
        """Make a call and give its answer, to be read and closed.

        Raises:
            NetworkError: as `read` does.
            UsageError: as `read` does.

        """
        stream = self._authorized(call, self.sender.open, lambda stream: stream.status)
        if stream.status in call.accepted:
            return stream
        raise self.error(call, finish(stream))

    def origin(self, repository: Repository) -> str:
        """Give scheme and host of a repository's registry: TLS, except on this machine or where told."""
        if repository.api in self._plain or repository.host in self._plain:
            return f"http://{repository.api}"
        if not is_loopback(repository.api):
            return f"https://{repository.api}"
        with self._probing:
            if repository.api not in self._schemes:
                self._schemes[repository.api] = self._probe(repository)
        return f"{self._schemes[repository.api]}://{repository.api}"

    def _probe(self, repository: Repository) -> str:
        """Find out how a registry on this machine wants to be spoken to; nothing secret is sent.

        A server that expects TLS answers to anything else with 400, or not at all.
        """
        plain = self.sender.try_once(Request("GET", f"http://{repository.api}/v2/"))
        if plain is not None:
            return "https" if plain.status == 400 else "http"
        secure = self.sender.try_once(Request("GET", f"https://{repository.api}/v2/"))
        return "http" if secure is None else "https"

    def _authorized(
        self, call: Call, send: Callable[[Request], Result], status: Callable[[Result], int]
    ) -> Result:
        """Send a call with the header that its registry is known to want; after a 401, with what it wants."""
        origin = self.origin(call.repository)
        request = _request(call, origin)
        ours = request.url.startswith(f"{origin}/")
        used = self._authorizer.header(call.repository, call.rights) if ours else ""
        for _ in range(_MOST_RENEWALS):
            result = send(_with(request, used))
            if status(result) != 401 or not ours:
                return result
            challenge = choose(parse_challenges(result.headers.getlist("WWW-Authenticate")))
            if challenge is None or challenge.get("error") == "insufficient_scope":
                return result
            with _closing_on_error(result):
                header = self._authorizer.answer(
                    challenge, call.repository, call.rights, used=used, secure=origin.startswith("https:")
                )
            if not header:
                return result
            _close(result)
            used = header
        return send(_with(request, used))

    def error(self, call: Call, answer: Answer) -> NetworkError:
        """Say what an answer that was not hoped for means."""
        if answer.status == 404 and has_code(answer, "NAME_UNKNOWN"):
            return missing("", call.repository, answer)
        if answer.status not in (401, 403):
            return refusal(answer)
        credential = self._authorizer.credential(call.repository)
        challenge = choose(parse_challenges(answer.headers.getlist("WWW-Authenticate")))
        basic = challenge is not None and challenge.scheme == "basic"
        if answer.status == 401 and basic and credential is not None:
            return wrong_password(call.repository, credential)
        return denied(call.repository, credential, writes=call.writes, answer=answer)


def _request(call: Call, origin: str) -> Request:
    base = f"{origin}/v2/{call.repository.name}/"
    return Request(
        call.method,
        urljoin(base, call.path),
        call.headers,
        body=call.body,
        size=call.size,
        repeated=call.repeated,
        slow=call.slow,
    )


@contextmanager
def _closing_on_error(result: Answer | Stream) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _close(result)
        raise


def _close(result: Answer | Stream) -> None:
    if isinstance(result, Stream):
        result.close()


def _with(request: Request, authorization: str) -> Request:
    if not authorization:
        return request
    return replace(request, headers={**request.headers, "Authorization": authorization})
