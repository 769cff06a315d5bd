"""What distributions need of the system and no ELF file says: a small table kept by hand, `dlopen.toml`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources

import msgspec


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sonames that a distribution loads, programs that it starts, and distributions that make up for them.

    `instead` is a distribution that serves as well in an image, and asks for less.
    """

    libraries: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    instead: str = ""


def known_hints() -> Mapping[str, Hint]:
    """Read the table: hints by normalised name (PEP 503) of the distribution."""
    text = resources.files("lightship.wheels").joinpath("dlopen.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Hint])


def hints_for(distributions: Collection[str]) -> dict[str, Hint]:
    """Pick the hints that hold for a set of distributions, by name."""
    return {
        name: hint
        for name, hint in known_hints().items()
        if name in distributions and not any(other in distributions for other in hint.unless)
    }
