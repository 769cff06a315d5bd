"""What is known of a scanner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from lightship.inspect.checks.vulnerabilities import Advisory
from lightship.inspect.packages import Package


class Call(NamedTuple):
    """How a scanner is run: its arguments, the files in the folder where it runs, and variables.

    `answers` are the exit codes with which it has done its work, `unknown` the packages that it is not asked
    about, as it has no name for their system.
    """

    arguments: tuple[str, ...]
    files: Mapping[str, bytes]
    variables: Mapping[str, str] = {}
    answers: frozenset[int] = frozenset({0})
    unknown: int = 0


class Question(NamedTuple):
    """Packages, and the image's bill of materials in CycloneDX, which is made when it is asked for.

    With `offline` a scanner uses the database that it has.
    """

    packages: Sequence[Package]
    sbom: Callable[[], bytes]
    offline: bool


class Scanner(Protocol):
    """One program."""

    name: str
    """Its command."""
    title: str
    """Its name, and the version that this was written for."""
    refresh: str
    """The command that fetches its database."""

    def call(self, question: Question) -> Call:
        """Say how to ask for an answer in JSON."""

    def read(self, output: bytes, packages: Sequence[Package]) -> list[Advisory]:
        """Read what it prints; raises msgspec.DecodeError or ValueError for what it does not print."""
