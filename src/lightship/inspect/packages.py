"""The packages of an image, by the names and versions that advisories have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec
from packaging.utils import canonicalize_name

from lightship.inspect.checks.distributions import read_distributions
from lightship.inspect.contents import Contents

PYPI = "PyPI"
_STATUS = "var/lib/dpkg/status"
_RELEASES = ("etc/os-release", "usr/lib/os-release")
_SYSTEMS = {"debian": "Debian", "ubuntu": "Ubuntu"}


class Package(msgspec.Struct, frozen=True, order=True):
    """A distribution, by its normalised name, or a source package of Debian's.

    `ecosystem` is OSV's name for where it is from, such as `PyPI` or `Debian:12`; without a release where
    the image does not say one, and empty for a system that is not known. `parts` are the installed packages
    that are made from the source, where they are not just it.
    """

    ecosystem: str
    name: str
    version: str
    parts: tuple[str, ...] = ()


def read_installed(contents: Contents) -> list[Package]:
    """Read the metadata of distributions and what dpkg, or who imitates it, says is installed; sorted."""
    found = {
        Package(PYPI, canonicalize_name(item.name), item.version) for item in read_distributions(contents)
    }
    return sorted([*found, *_sources(contents)])


def _sources(contents: Contents) -> Iterator[Package]:
    """Yield the source packages, which advisories are about, with what is installed of each."""
    from debian.deb822 import Deb822

    from lightship.debs.status import is_installed, source_of

    parts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in _statuses(contents):
        for fields in Deb822.iter_paragraphs(contents.text(path), use_apt_pkg=False):
            if is_installed(fields):
                parts[source_of(fields)].add(fields["Package"])
    ecosystem = _ecosystem(contents) if parts else ""
    for (name, version), names in parts.items():
        yield Package(ecosystem, name, version, () if names == {name} else tuple(sorted(names)))


def _statuses(contents: Contents) -> list[str]:
    singles = (path for path in contents.items if path.startswith(f"{_STATUS}.d/"))
    return [_STATUS, *sorted(path for path in singles if not path.endswith(".md5sums"))]


def _ecosystem(contents: Contents) -> str:
    """Name the release as OSV does: Ubuntu's LTS are those of April of even years."""
    release = _release(contents)
    system = _SYSTEMS.get(release.get("ID", ""), "")
    version = release.get("VERSION_ID", "")
    year, _, month = version.partition(".")
    is_lts = system == "Ubuntu" and month == "04" and year.isdigit() and int(year) % 2 == 0
    return ":".join(filter(None, (system, version if system else "", "LTS" if is_lts else "")))


def _release(contents: Contents) -> Mapping[str, str]:
    """Read os-release(5)."""
    text = next((text for path in _RELEASES if (text := contents.text(path))), "")
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: value.strip().strip("\"'") for name, value in fields.items()}
