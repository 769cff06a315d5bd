"""What goes to a registry, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import Struct
from urllib3 import HTTPHeaderDict

from lightship.errors import NetworkError
from lightship.net.connections import HttpError, Response
from lightship.net.redact import redact

Stream: TypeAlias = Response
"""An answer whose body is still to be read; whoever opened it closes it."""

Body: TypeAlias = Callable[[], Iterator[bytes]]
"""Makes a request's body anew for each time that it is sent."""

LARGEST_DOCUMENT = 4 << 20
"""Bytes of a manifest: what registries must take at least (distribution spec, "Pushing Manifests")."""


class PassingError(NetworkError):
    """What may succeed a moment later, and was not sent again: whoever asked has to look first.

    `retry_after` is what the server said about when.
    """

    retry_after = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; its `size` is that of the body, in bytes.

    One that must not be `repeated` raises PassingError where others are sent again. A `slow` one is waited
    for longer.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Body | None = None
    size: int = 0
    repeated: bool = True
    slow: bool = False


class Answer(Struct, frozen=True):
    """An answer that was read to its end; `url` is where it came from."""

    status: int
    headers: HTTPHeaderDict
    body: bytes
    url: str


def read_stream(stream: Stream) -> Answer:
    """Read an answer to its end, and close it.

    Raises:
        NetworkError: if it is longer than any document of a registry.

    """
    body = bytearray()
    try:
        for chunk in stream.iter_raw():
            body += chunk
            if len(body) > LARGEST_DOCUMENT:
                raise NetworkError(
                    f"the registry's answer is longer than {LARGEST_DOCUMENT} bytes",
                    where=redact(stream.url),
                    hint="check the address",
                )
    finally:
        stream.close()
    return Answer(stream.status, stream.headers, bytes(body), stream.url)


def finish(stream: Stream) -> Answer:
    """Read what an answer says beside its status; one that breaks off, or is too long, says nothing."""
    try:
        return read_stream(stream)
    except (HttpError, NetworkError):
        return Answer(stream.status, stream.headers, b"", stream.url)


def passing(failure: NetworkError, retry_after: str = "") -> PassingError:
    error = PassingError(failure.message, where=failure.where, hint=failure.hint, detail=failure.detail)
    error.retry_after = retry_after
    return error
