"""SLSA provenance (https://slsa.dev/spec/v1.0/provenance): how an image was asked for, and made of what.

The same image of the same lock has the same provenance: it says neither when nor on which machine it was
built. It names archives by package URL and digest, never by the address that they came from.

Archives are the same from release to release, and are most of what there is to say: so they are listed in a
document of their own, which the statement names by digest and the releases of a lock share. The specification
wants no other form: a resource descriptor may stand for any artifact, and for a list of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from lightship.build.origins import DEBIAN, IMAGE, Material, Origin
from lightship.digest import Digest, canonical_json, hex_of, of_bytes
from lightship.fs.compress import member

_PROJECT = "pkg:pypi/lightship"
"""Lightship's own package URL: a URI that is nobody else's, as the specification asks for."""
BUILD_TYPE = f"{_PROJECT}#image/v2"
"""What `docs/attestations.md` describes: raised when parameters change their meaning."""
MEDIA_MATERIALS = "application/vnd.lightship.materials.v1+json+gzip"
MATERIALS = "materials.json.gz"


def write_materials(origin: Origin) -> bytes:
    """List every archive that went in, and whether the image holds it: resource descriptors, as gzip."""
    return member(
        canonical_json([_described(role, each) for role, each in _by_role(origin) if not _is_image(each)])
    )


def provenance(origin: Origin, materials: bytes) -> dict[str, Any]:
    """Give the predicate; images are named in it, archives in the list that `write_materials` gave."""
    images = [_described(role, each) for role, each in _by_role(origin) if _is_image(each)]
    listed = {"name": MATERIALS, "mediaType": MEDIA_MATERIALS, "digest": _digest(of_bytes(materials))}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": _asked(origin),
            "internalParameters": {
                "sources": {what: _digest(digest) for what, digest in origin.sources.items()}
            },
            "resolvedDependencies": [*images, listed],
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


def _by_role(origin: Origin) -> Iterator[tuple[str, Material]]:
    for role, materials in (("shipped", origin.shipped), ("builder", origin.used)):
        yield from ((role, material) for material in materials)


def _is_image(material: Material) -> bool:
    return material.kind == IMAGE


def _described(role: str, material: Material) -> dict[str, Any]:
    return {
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
