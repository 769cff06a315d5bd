"""SLSA provenance (https://slsa.dev/spec/v1.0/provenance): how an image was asked for, and made of what.

The same image of the same lock has the same provenance: it says neither when nor on which machine it was
built. It names archives by package URL and digest, never by the address that they came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from lightship.build.origins import DEBIAN, IMAGE, Material, Origin
from lightship.digest import Digest, hex_of

_PROJECT = "pkg:pypi/lightship"
"""Lightship's own package URL: a URI that is nobody else's, as the specification asks for."""
BUILD_TYPE = f"{_PROJECT}#image/v1"
"""What `docs/attestations.md` describes: raised when parameters change their meaning."""


def provenance(origin: Origin) -> dict[str, Any]:
    """Give the predicate."""
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": _asked(origin),
            "internalParameters": {
                "sources": {what: _digest(digest) for what, digest in origin.sources.items()}
            },
            "resolvedDependencies": list(_dependencies(origin)),
        },
        "runDetails": {"builder": {"id": _PROJECT, "version": {"lightship": origin.builder}}},
    }


def _asked(origin: Origin) -> dict[str, Any]:
    said = {
        "project": origin.name,
        "version": origin.version,
        "variant": origin.variant,
        "target": origin.target,
        "platform": origin.platform,
        "base": origin.base,
    }
    digests = {"configuration": _digest(origin.configuration), "lock": _digest(origin.lock)}
    return {**{key: text for key, text in said.items() if text}, **digests}


def _dependencies(origin: Origin) -> Iterator[dict[str, Any]]:
    """Yield a resource descriptor of every archive and image, and whether the image holds it."""
    for role, materials in (("shipped", origin.shipped), ("builder", origin.used)):
        for material in materials:
            yield {
                "name": material.file or material.name,
                "uri": _url(material),
                "digest": {"sha256": material.sha256},
                "annotations": {"role": role},
            }


def _url(material: Material) -> str:
    """Write a package URL: without `packageurl`, which costs an import that a push need not pay.

    Names are normalised already, Debian's by policy and Python's in the lock.
    """
    version = quote(material.version, safe="~.-_:")
    if material.kind == DEBIAN:
        return f"pkg:deb/debian/{quote(material.name)}@{version}?arch={material.architecture}"
    if material.kind == IMAGE:
        return f"pkg:oci/{quote(material.name)}@{quote(material.version, safe='')}"
    return f"pkg:{material.kind}/{quote(material.name)}@{version}"


def _digest(digest: Digest) -> dict[str, str]:
    return {"sha256": hex_of(digest)}
