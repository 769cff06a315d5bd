"""Grype (github.com/anchore/grype, 0.116): `grype/presenter/models` has what it prints."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lightship.inspect.checks.vulnerabilities import Advisory, package_of, rating, worst
from lightship.inspect.packages import Package
from lightship.inspect.scanners.model import Call, Question

_BOM = "bom.cdx.json"
_ABOVE_THRESHOLD = 2
"""Exit code where the user's own configuration of Grype has `fail-on-severity`."""
_KINDS = {"python": "pypi"}


class _Metadata(msgspec.Struct, frozen=True):
    id: str
    severity: str = ""
    description: str = ""


class _Fix(msgspec.Struct, frozen=True):
    versions: tuple[str, ...] | None = None


class _Vulnerability(_Metadata, frozen=True):
    fix: _Fix = _Fix()


class _Artifact(msgspec.Struct, frozen=True):
    name: str
    version: str
    type: str
    purl: str = ""


class _Match(msgspec.Struct, frozen=True, rename="camel"):
    vulnerability: _Vulnerability
    artifact: _Artifact
    related_vulnerabilities: tuple[_Metadata, ...] | None = None


class _Descriptor(msgspec.Struct, frozen=True):
    name: str


class _Document(msgspec.Struct, frozen=True):
    matches: tuple[_Match, ...]
    descriptor: _Descriptor


class Grype:
    name = "grype"
    title = "Grype 0.116"
    refresh = "grype db update"

    def call(self, question: Question) -> Call:
        variables = {"GRYPE_CHECK_FOR_APP_UPDATE": "false"}
        if question.offline:
            variables["GRYPE_DB_AUTO_UPDATE"] = "false"
        arguments = (f"sbom:{_BOM}", "--output", "json")
        return Call(arguments, {_BOM: question.sbom()}, variables, frozenset({0, _ABOVE_THRESHOLD}))

    def read(self, output: bytes, packages: Sequence[Package]) -> list[Advisory]:
        document = msgspec.json.decode(output, type=_Document)
        if document.descriptor.name != self.name:
            raise ValueError(f"it is a document of {document.descriptor.name!r}")
        return [_advisory(match, packages) for match in document.matches]


def _advisory(match: _Match, packages: Sequence[Package]) -> Advisory:
    found, artifact, related = match.vulnerability, match.artifact, match.related_vulnerabilities or ()
    kind = _KINDS.get(artifact.type, artifact.type)
    return Advisory(
        package_of(packages, kind, artifact.name, artifact.version),
        found.id,
        found.description.strip().partition("\n")[0],
        ", ".join(found.fix.versions or ()),
        tuple(item.id for item in related if item.id != found.id),
        rating(found.severity) or worst(rating(item.severity) for item in related),
    )
