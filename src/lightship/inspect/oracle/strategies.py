"""What hand-written Dockerfiles make of the same lock, and what each step towards Lightship's image saves.

`docs/article.md` has such images, built by Docker and measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from lightship.inspect.oracle.model import PREDICTED, Prediction

FULL, SLIM = (986_000_000, 363_000_000), (132_000_000, 49_000_000)
"""Bytes, unpacked and compressed, of the stand-ins for `python:3.11` and `python:3.11-slim` that
`make standins` builds (docs/article.md, "The bases"). Other versions differ by some megabytes."""
Sizes = tuple[int, int]
"""Bytes, unpacked and compressed."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a Dockerfile's image is put together from, in bytes: unpacked and compressed.

    `installed` is all of the wheels, with bytecode of every module, as pip leaves them; `wheels` are the
    archives, `files` the application and its models.
    """

    installed: Sizes
    wheels: int
    files: Sizes


class Strategy(msgspec.Struct, frozen=True):
    """An image that a Dockerfile would make."""

    name: str
    unpacked: int
    compressed: int
    basis: str = PREDICTED


class Step(msgspec.Struct, frozen=True):
    """What one image saves that the one before it has not saved, in bytes, and why.

    `without` names what is not counted of the latter: so much less is saved.
    """

    step: str
    unpacked: int
    compressed: int
    why: str
    basis: str = PREDICTED
    without: tuple[str, ...] = ()


def strategies(name: str, parts: Parts) -> tuple[Strategy, ...]:
    """Tell the sizes of the article's images, the biggest first."""
    naive = _sum(FULL, parts.installed, parts.files)
    left = _sum(SLIM, parts.installed, parts.files, (parts.wheels, parts.wheels))
    slim = _sum(SLIM, parts.installed, parts.files)
    return (
        Strategy(f"{name} (naive)", *naive),
        Strategy(f"{name} (multi-stage, wheels in a layer)", *left),
        Strategy(f"{name} (slim, one stage)", *slim),
    )


def steps(made: tuple[Strategy, ...], own: Prediction, others: tuple[Prediction, ...]) -> Iterator[Step]:
    """Tell what each step saves: the article's three, one of which `others`, the variants, are, and ours."""
    naive, left, slim = made
    yield _step("headers and compilers out", naive, slim, _COMPILERS)
    yield _step("wheels not kept", left, slim, _WHEELS)
    for other in others:
        yield _step(f"{other.name} in place of {own.name}", own, other, _VARIANT)
    yield _step("Lightship", slim, own, _LIGHTSHIP)


def _step(name: str, before: Strategy | Prediction, after: Strategy | Prediction, why: str) -> Step:
    without = after.without if isinstance(after, Prediction) else ()
    unpacked, compressed = before.unpacked - after.unpacked, before.compressed - after.compressed
    return Step(name, unpacked, compressed, why, without=without)


def _sum(*sizes: Sizes) -> Sizes:
    return sum(size[0] for size in sizes), sum(size[1] for size in sizes)


_COMPILERS = "only building needs them: python:3.11-slim in place of python:3.11"
_WHEELS = "they are in the image twice, installed and packed; a later `rm` frees nothing"
_LIGHTSHIP = "no tests, headers and stubs, bytecode of what is imported alone, a base of what Python needs"
_VARIANT = "a build of PyTorch without CUDA, or no PyTorch: only what the service imports"
