"""What dpkg says is installed: `/var/lib/dpkg/status`, or a file a package as distroless images have it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from debian.deb822 import Deb822

from lightship.debs.model import InstalledDeb
from lightship.debs.relations import parse_relations

_SOURCE = re.compile(r"(\S+)(?:\s+\((\S+)\))?")


def is_installed(fields: Mapping[str, str]) -> bool:
    """Tell what dpkg counts as installed; files of `status.d` have no such field."""
    state = fields.get("Status", "install ok installed").split()
    return bool(fields.get("Package") and fields.get("Version")) and state[-1:] == ["installed"]


def source_of(fields: Mapping[str, str]) -> tuple[str, str]:
    """Give name and version of the source package, which are left out where they are the package's own.

    The field is `NAME` or `NAME (VERSION)` (deb-control(5)).
    """
    named = _SOURCE.match(fields.get("Source", ""))
    name, version = named.groups() if named else (fields["Package"], None)
    return name, version or fields["Version"]


def read_status(texts: Iterable[str], architecture: str) -> tuple[InstalledDeb, ...]:
    """Read the installed packages of an architecture, or of all, sorted.

    Raises:
        ResolutionError: if a stanza cannot be read.

    """
    found = (package for text in texts for package in _packages(text, architecture))
    return tuple(sorted(set(found)))


def _packages(text: str, architecture: str) -> Iterator[InstalledDeb]:
    for fields in Deb822.iter_paragraphs(text, use_apt_pkg=False):
        own = fields.get("Architecture", "")
        state = fields.get("Status", "install ok installed").split()  # status.d has no such field
        if "Package" in fields and state[-1:] == ["installed"] and own in (architecture, "all"):
            name = fields["Package"]
            provides = tuple(
                (relation.name, relation.version)
                for group in parse_relations(fields.get("Provides", ""), package=name)
                for relation in group
            )
            yield InstalledDeb(name, fields.get("Version", ""), own, provides)
