"""What installed distributions require is installed: the metadata's side of "every distribution imports"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.markers import marker_environment

MISSING = Rule(
    "LV511-missing-requirement",
    "every required distribution is installed",
    Severity.ERROR,
    "A distribution uses what it requires; without it some import or call fails.",
    "lock again: the resolver adds what is missing",
)
CONFLICT = Rule(
    "LV512-conflicting-requirement",
    "required versions are installed",
    Severity.WARNING,
    "A distribution says that it does not work with the version that is installed.",
    "lock again, or loosen the requirement that pins the other version",
)
RULES = (MISSING, CONFLICT)


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution: `folder` is its `.dist-info`, `requires` as METADATA has it."""

    folder: str
    name: str
    version: str
    requires: tuple[str, ...]


def read_distributions(contents: Contents) -> list[Distribution]:
    """Read each METADATA (PyPA core metadata)."""
    found = []
    for folder in sorted(contents.distributions()):
        fields = HeaderParser().parsestr(contents.text(f"{folder}/METADATA"))
        requires = tuple(str(value) for value in fields.get_all("Requires-Dist", []))
        found.append(Distribution(folder, str(fields["Name"]), str(fields["Version"]), requires))
    return found


def check(contents: Contents) -> Iterator[Finding]:
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    distributions = read_distributions(contents)
    versions = {canonicalize_name(item.name): item.version for item in distributions}
    for item in distributions:
        environment = marker_environment(item.folder, contents.config.platform.machine)
        for text in item.requires:
            try:
                wanted = Requirement(text)
                holds = wanted.marker is None or wanted.marker.evaluate(environment)
            except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName):
                continue  # old distributions have forms that no installer heeds any more
            if not holds:
                continue
            version = versions.get(canonicalize_name(wanted.name))
            if version is None:
                yield MISSING.finding(item.name, f"requires {wanted.name}, which is not installed")
            elif not wanted.specifier.contains(version, prereleases=True):
                yield CONFLICT.finding(item.name, f"requires {wanted.name}{wanted.specifier}, not {version}")
