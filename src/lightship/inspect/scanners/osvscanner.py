"""OSV-Scanner (github.com/google/osv-scanner, 2.5): `pkg/models/results.go` has what it prints.

It is given its own form of a list and no bill of materials: OSV knows Debian's source packages, and from a
package URL it would take the name of what is made from one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from lightship.inspect.checks.vulnerabilities import Advisory, rating_of_score
from lightship.inspect.findings import Severity
from lightship.inspect.osv import Document
from lightship.inspect.packages import Package
from lightship.inspect.scanners.model import Call, Question

_LIST = "packages.json"
_FOUND = 1
"""Exit code where there are vulnerabilities."""


class _Named(msgspec.Struct, frozen=True):
    name: str
    version: str
    ecosystem: str


class _Analysis(msgspec.Struct, frozen=True):
    unimportant: bool = False


class _Group(msgspec.Struct, frozen=True):
    ids: tuple[str, ...]
    aliases: tuple[str, ...] | None = None
    experimental_analysis: dict[str, _Analysis] | None = None
    max_severity: str = ""


class _Told(msgspec.Struct, frozen=True):
    package: _Named
    vulnerabilities: tuple[Document, ...] | None = None
    groups: tuple[_Group, ...] | None = None


class _Source(msgspec.Struct, frozen=True):
    packages: tuple[_Told, ...] | None = None


class _Results(msgspec.Struct, frozen=True):
    results: tuple[_Source, ...]


class OsvScanner:
    name = "osv-scanner"
    title = "OSV-Scanner 2.5"
    refresh = "osv-scanner scan source --offline-vulnerabilities --download-offline-databases FOLDER"

    def call(self, question: Question) -> Call:
        known = [item for item in question.packages if item.ecosystem]
        named = [{"package": _Named(item.name, item.version, item.ecosystem)} for item in known]
        document = msgspec.json.encode({"results": [{"packages": named}]})
        arguments = ["scan", "source", "--lockfile", f"osv-scanner:{_LIST}", "--format", "json"]
        arguments += ["--all-packages", *(["--offline"] if question.offline else [])]
        left_out = len(question.packages) - len(known)
        return Call(tuple(arguments), {_LIST: document}, {}, frozenset({0, _FOUND}), left_out)

    def read(self, output: bytes, packages: Sequence[Package]) -> list[Advisory]:
        document = msgspec.json.decode(output, type=_Results)
        told = [item for source in document.results for item in source.packages or ()]
        if not told:
            raise ValueError("it saw none of the image's packages")
        return [advisory for item in told for advisory in _advisories(item, packages)]


def _advisories(told: _Told, packages: Sequence[Package]) -> Iterator[Advisory]:
    named = told.package
    own = Package(named.ecosystem, named.name, named.version)
    package = next((item for item in packages if msgspec.structs.replace(item, parts=()) == own), own)
    for document in told.vulnerabilities or ():
        found = document.advisory(package)
        group = next((item for item in told.groups or () if document.id in item.ids), _Group((document.id,)))
        others = (*found.aliases, *group.ids, *(group.aliases or ()))
        aliases = tuple(sorted(set(others) - {found.id}))
        yield msgspec.structs.replace(found, aliases=aliases, severity=_severity(found, group))


def _severity(found: Advisory, group: _Group) -> Severity | None:
    analysed = (group.experimental_analysis or {}).get(found.id)
    if analysed is not None and analysed.unimportant:
        return Severity.NOTE
    try:
        scored = rating_of_score(float(group.max_severity)) if group.max_severity else None
    except ValueError:
        scored = None
    return found.severity or scored
