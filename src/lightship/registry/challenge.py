"""What a server asks for with a 401: `WWW-Authenticate` (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar's word
_PART = re.compile(
    rf'\s*(?P<name>{_TOKEN})(?:\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{_TOKEN})))?\s*,?'
)


class Challenge(Struct, frozen=True):
    """One way to authenticate: its scheme in lower case, and its parameters."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.parameters.get(name, "")


def parse_challenges(headers: Sequence[str]) -> list[Challenge]:
    """Read the headers; what is no challenge is passed over."""
    return [challenge for header in headers for challenge in _challenges(header)]


def choose(challenges: Sequence[Challenge]) -> Challenge | None:
    """Prefer tokens to passwords."""
    known = {challenge.scheme: challenge for challenge in reversed(challenges)}
    bearer = known.get("bearer")
    return bearer if bearer is not None and bearer.get("realm") else known.get("basic")


def _challenges(header: str) -> list[Challenge]:
    """A name alone begins a challenge; a name with a value belongs to the one begun before."""
    found: list[tuple[str, dict[str, str]]] = []
    for match in _PART.finditer(header):
        quoted, plain = match["quoted"], match["plain"]
        if quoted is None and plain is None:
            found.append((match["name"].lower(), {}))
        elif found:
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(match["name"].lower(), value)
    return [Challenge(scheme, parameters) for scheme, parameters in found]
