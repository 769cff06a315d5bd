"""Known vulnerabilities of what is installed, as advisories tell of them."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.packages import PYPI, Package, read_installed

KNOWN = Rule(
    "LV801-known-vulnerability",
    "no package has a known vulnerability",
    Severity.ERROR,
    "The flaw is public, and so is what makes use of it.",
    "lock again with the version that mends it (`lightship lock --upgrade`), or accept it with the reason",
)
RULES = (KNOWN,)

_LONGEST = 100
"""Characters of a summary: some sources give whole paragraphs."""
_WELL_KNOWN = ("CVE-", "GHSA-", "PYSEC-", "DSA-")
_WEIGHTS = {
    "critical": Severity.ERROR,
    "high": Severity.ERROR,
    "moderate": Severity.WARNING,
    "medium": Severity.WARNING,
    "low": Severity.NOTE,
    "negligible": Severity.NOTE,
    "unimportant": Severity.NOTE,
}
_MEDIUM, _HIGH = 4.0, 7.0
"""CVSS scores from which a rating is so (CVSS 3.1, section 5)."""


class Advisory(msgspec.Struct, frozen=True):
    """One vulnerability of one package.

    `id` is what its source calls it, `aliases` what others do; `fixed` is the version that mends it, if any.
    `severity` is None where the source does not say.
    """

    package: Package
    id: str
    summary: str = ""
    fixed: str = ""
    aliases: tuple[str, ...] = ()
    severity: Severity | None = None


class Advisories(Protocol):
    """Whoever knows of vulnerabilities: a file, or a program that asks its own database."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    def about(self, packages: Sequence[Package]) -> Sequence[Advisory]:
        """Give what is known of packages; raises UsageError if nobody can be asked."""


def check_vulnerabilities(contents: Contents, sources: Sequence[Advisories]) -> Iterator[Finding]:
    """Ask each source about the packages of the image; what several tell of is one finding."""
    if not sources:
        return
    packages = read_installed(contents)
    told = [advisory for source in sources for advisory in source.about(packages)]
    by_package: dict[Package, list[Advisory]] = defaultdict(list)
    for advisory in told:
        by_package[advisory.package].append(advisory)
    for package in sorted(by_package):
        yield from (_finding(package, group) for group in _same(by_package[package]))


def rating(label: str) -> Severity | None:
    """Weigh what a source calls a vulnerability, such as `HIGH`; None for what says nothing."""
    return _WEIGHTS.get(label.lower())


def rating_of_score(score: float | None) -> Severity | None:
    """Weigh a CVSS score."""
    if score is None:
        return None
    return Severity.ERROR if score >= _HIGH else Severity.WARNING if score >= _MEDIUM else Severity.NOTE


def worst(severities: Iterable[Severity | None]) -> Severity | None:
    """Give the most severe, None where there is none."""
    known = {severity for severity in severities if severity is not None}
    return min(known, key=list(Severity).index, default=None)


def package_of(packages: Sequence[Package], kind: str, name: str, version: str) -> Package:
    """Find the package that a scanner means: a distribution, or what is made from a source package.

    `kind` is the type of its package URL. What is not among the packages is taken as it is told.
    """
    is_python = kind == "pypi"
    wanted = canonicalize_name(name) if is_python else name
    for package in packages:
        if (package.ecosystem == PYPI) == is_python and wanted in (package.name, *package.parts):
            return package
    return Package(PYPI if is_python else "", wanted, version)


def _same(advisories: Iterable[Advisory]) -> list[list[Advisory]]:
    """Put together what is one vulnerability under several names."""
    groups: dict[str, list[Advisory]] = {}
    for advisory in advisories:
        known = [groups[name] for name in (advisory.id, *advisory.aliases) if name in groups]
        joined = {id(group): group for group in known}
        group = [*(member for members in joined.values() for member in members), advisory]
        groups |= dict.fromkeys((name for each in group for name in (each.id, *each.aliases)), group)
    distinct = {id(group): group for group in groups.values()}
    return sorted(distinct.values(), key=lambda members: _names(members)[0])


def _names(group: Iterable[Advisory]) -> list[str]:
    """Give all names of a vulnerability, those first by which people know it."""
    names = {name for advisory in group for name in (advisory.id, *advisory.aliases)}
    known = len(_WELL_KNOWN)
    places = {prefix: place for place, prefix in enumerate(_WELL_KNOWN)}
    return sorted(
        names,
        key=lambda name: (next((places[p] for p in _WELL_KNOWN if name.startswith(p)), known), name),
    )


def _finding(package: Package, group: Sequence[Advisory]) -> Finding:
    first, *others = _names(group)
    summary = next((advisory.summary for advisory in group if advisory.summary), "")
    fixed = sorted({advisory.fixed for advisory in group if advisory.fixed})
    words = f"{first} ({', '.join(others)})" if others else first
    if summary:
        words += f": {textwrap.shorten(summary, _LONGEST, placeholder=' …')}"
    if package.parts:
        words += f"; in {', '.join(package.parts)}"
    if fixed:
        words += f"; mended in {' or '.join(fixed)}"
    severity = worst(advisory.severity for advisory in group) or KNOWN.severity
    return replace(KNOWN.finding(package.name, words), severity=severity, names=(first, *others))
