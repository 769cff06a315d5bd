"""Whether an image can be built on: its Python, its C library, and where its links lead."""

from __future__ import annotations

from collections.abc import Iterable

from lightship.errors import UsageError
from lightship.fs.paths import parents
from lightship.plan.base import GLIBC, MUSL, BaseFacts, Interpreter
from lightship.platform import Platform
from lightship.project.detect import SUITES

MOST_LAYERS = 127


def choose_python(facts: BaseFacts, python: str, platform: Platform, *, where: str) -> Interpreter:
    """Choose the base's interpreter for wheels of this Python, such as `3.11`.

    Raises:
        UsageError: if it has none, or wheels do not run on its C library.

    """
    if facts.libc == MUSL:
        raise UsageError(
            "the base's C library is musl, and wheels for glibc do not run on it",
            where=where,
            hint=f"use an image of Debian or Ubuntu instead of Alpine's{_or_suite(python)}",
        )
    if not facts.pythons:
        cuda = "; the wheels bring CUDA's libraries themselves, and the host its driver" if facts.cuda else ""
        raise UsageError(
            f"the base has no Python for {platform}",
            where=where,
            hint=f"use an image that has Python {python}{_or_suite(python)}{cuda}",
        )
    if facts.libc != GLIBC:
        raise UsageError(
            "the base has a Python, but no C library that is known",
            where=where,
            hint=f"use an image with glibc{_or_suite(python)}",
        )
    fitting = [each for each in facts.pythons if each.minor == python and each.is_cpython]
    if not fitting:
        raise _other_python(facts, python, where)
    return fitting[0]


def check_places(facts: BaseFacts, folders: Iterable[str], *, prefix: str, where: str) -> None:
    """Refuse a base in which our files would hide its own, or be hidden.

    `folders` are those that layers write to, `prefix` that of the virtual environment: paths without a
    leading slash.

    Raises:
        UsageError: naming the path.

    """
    if facts.has_environment:
        raise UsageError(
            f"the base has something at /{prefix}, where the virtual environment goes",
            where=where,
            hint="use an image without the service's own packages",
        )
    for folder in folders:
        for path in (*parents(folder), folder):
            if path in facts.links:
                raise UsageError(
                    f"the base's /{path} is a link to /{facts.links[path]}, and the image has files below it",
                    where=where,
                    hint="set `workdir` to another folder, or use another base",
                )


def check_count(layers: int, *, where: str) -> None:
    """Refuse more layers than container runtimes mount.

    Raises:
        UsageError: saying how many there are.

    """
    if layers > MOST_LAYERS:
        raise UsageError(
            f"the image would have {layers} layers, and container runtimes mount {MOST_LAYERS}",
            where=where,
            hint="use a base of fewer layers",
        )


def _other_python(facts: BaseFacts, python: str, where: str) -> UsageError:
    there = ", ".join(
        f"{'Python' if each.is_cpython else 'PyPy'} {each.version} ({each.path})" for each in facts.pythons
    )
    minors = [each.minor for each in facts.pythons if each.is_cpython]
    ways = [*(f'set python = "{minor}"' for minor in minors[:1]), *_suite(python)]
    return UsageError(
        f"the base has {there}, and CPython {python} is wanted",
        where=where,
        hint=", or ".join(ways) or f"use an image that has Python {python}",
    )


def _or_suite(python: str) -> str:
    return "".join(f", or set {way}" for way in _suite(python))


def _suite(python: str) -> list[str]:
    return [f'base = "debian:{SUITES[python]}"'] if python in SUITES else []
