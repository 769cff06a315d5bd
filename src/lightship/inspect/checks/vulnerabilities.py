"""Known vulnerabilities of what is installed, as advisories tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
from packaging.utils import canonicalize_name

from lightship.inspect.checks.distributions import read_distributions
from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity

KNOWN = Rule(
    "LV801-known-vulnerability",
    "no distribution has a known vulnerability",
    Severity.ERROR,
    "The flaw is public, and so is what makes use of it.",
    "lock again with the version that mends it (`lightship lock --upgrade`), or accept it with the reason",
)
RULES = (KNOWN,)


class Package(msgspec.Struct, frozen=True):
    """An installed distribution, by its normalised name."""

    name: str
    version: str


class Advisory(msgspec.Struct, frozen=True, order=True):
    """One vulnerability of one package: its `id`, what it is about, and the version that mends it, if any."""

    package: str
    id: str
    summary: str = ""
    fixed: str = ""


class Advisories(Protocol):
    """Whoever knows of vulnerabilities: a file, or a program that asks its own database."""

    def about(self, packages: Sequence[Package]) -> Sequence[Advisory]:
        """Give what is known of packages; raises UsageError if nobody can be asked."""


def check_vulnerabilities(contents: Contents, sources: Sequence[Advisories]) -> Iterator[Finding]:
    """Ask each source about the distributions of the image."""
    if not sources:
        return
    installed = {Package(canonicalize_name(item.name), item.version) for item in read_distributions(contents)}
    packages = sorted(installed, key=lambda package: (package.name, package.version))
    known = {advisory for source in sources for advisory in source.about(packages)}
    for advisory in sorted(known):
        mended = f"; mended in {advisory.fixed}" if advisory.fixed else ""
        words = f"{advisory.id}{f': {advisory.summary}' if advisory.summary else ''}{mended}"
        yield KNOWN.finding(advisory.package, words)
