"""What packages say of their licences, as SPDX expressions where that can be told without guessing."""

from __future__ import annotations

import re
from collections.abc import Iterable

CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}
"""Trove classifiers that stand for one licence (PEP 639, appendix "Mapping License Classifiers to SPDX
Identifiers"); of the three that are the Apache licence's, the version in use since 2004."""

_DEBIAN = {
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-2": "Artistic-2.0",
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "mpl-1.1": "MPL-1.1",
    "mpl-2": "MPL-2.0",
    "psf-2": "PSF-2.0",
    "w3c-software": "W3C",
    "zlib/libpng": "Zlib",
}
"""Short names of copyright-format 1.0, section 7.1.1, that SPDX calls otherwise."""
_GNU = re.compile(r"(A|L)?GPL-([1-3])(?:\.([0-9]))?(\+)?", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,\s*)?\b(?:and/or|and|or)\b\s+", re.IGNORECASE)
_LONGEST_NAME = 100


def canonical(text: str) -> str:
    """Give an SPDX expression in the form of the specification, or nothing where it is none."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return ""


def python_licences(expression: str, text: str, classifiers: Iterable[str]) -> tuple[str, ...]:
    """Read `License-Expression`, `License` and `Classifier` of core metadata, and take the first that counts.

    Of several classifiers nobody says whether all or any of them apply.
    """
    if expression:
        return (canonical(expression) or expression,)
    if exact := canonical(text):
        return (exact,)
    names = [name.rpartition(" :: ")[2] for name in classifiers if name.startswith("License :: ")]
    names = [name for name in names if name != "OSI Approved"]
    if names:
        return tuple(sorted({CLASSIFIERS.get(name, name) for name in names}))
    line = text.strip()
    return (line,) if line and "\n" not in line and len(line) <= _LONGEST_NAME else ()


def debian_licences(synopses: Iterable[str]) -> tuple[str, ...]:
    """Read the first lines of `License` fields (copyright-format 1.0, section 7); each licence once, sorted.

    What applies to which files is not kept, and so neither is what one may choose from.
    """
    names = {name for synopsis in synopses for name in _JOINED.split(" ".join(synopsis.split()))}
    return tuple(sorted({debian_licence(name.strip(" ,")) for name in names if name.strip(" ,")}))


def debian_licence(name: str) -> str:
    """Give SPDX's identifier for a short name, or the name itself where it has none."""
    gnu = _GNU.fullmatch(name)
    if gnu:
        family, major, minor, later = gnu.groups()
        text = f"{(family or '').upper()}GPL-{major}.{minor or 0}-{'or-later' if later else 'only'}"
        return canonical(text) or name
    text = _DEBIAN.get(name.lower(), name)
    return text if " " in text else canonical(text) or name
