"""Typed values read from JSON and MessagePack; safe where several threads read the first of a type.

msgspec works out what a type is when it is used first, and lets another thread see it half done: the process
dies of a null pointer (version 0.22). So one thread at a time makes a decoder.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value")
_MAKING = Lock()


def from_json(data: bytes | str, kind: type[Value]) -> Value:
    """Read JSON.

    Raises:
        msgspec.DecodeError: if it is none, or of another type.
        UnicodeDecodeError: if it is not UTF-8.

    """
    with _MAKING:
        decoder: msgspec.json.Decoder[Value] = _json(kind)  # type: ignore[arg-type]  # a type is hashable
    return decoder.decode(data)


def from_msgpack(data: bytes, kind: type[Value]) -> Value:
    """Read MessagePack.

    Raises:
        msgspec.DecodeError: if it is none, or of another type.
        UnicodeDecodeError: if a text in it is not UTF-8.

    """
    with _MAKING:
        decoder: msgspec.msgpack.Decoder[Value] = _msgpack(kind)  # type: ignore[arg-type]
    return decoder.decode(data)


def from_builtins(value: Any, kind: type[Value]) -> Value:
    """Read what is made of dictionaries, lists and scalars.

    Raises:
        msgspec.ValidationError: if it is of another type.

    """
    with _MAKING:
        _json(kind)  # type: ignore[arg-type]
    return msgspec.convert(value, kind)


@cache
def _json(kind: Any) -> Any:
    return msgspec.json.Decoder(kind)


@cache
def _msgpack(kind: Any) -> Any:
    return msgspec.msgpack.Decoder(kind)
