"""An inventory as SPDX 2.3 in JSON (https://spdx.github.io/spdx-spec/v2.3, and its JSON schema).

Written with typed structs: `spdx-tools`, which the tests validate with, requires nine distributions, and
takes longer to import than a document takes to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import msgspec

from lightship.attest.licences import canonical
from lightship.attest.model import DEBIAN, Inventory, Package, System
from lightship.attest.names import image_ref
from lightship.digest import canonical_json, hex_of, of_bytes

_DOCUMENT, _IMAGE, _SYSTEM = "SPDXRef-DOCUMENT", "SPDXRef-image", "SPDXRef-operating-system"
_NOBODY_SAYS = "NOASSERTION"
_ODD = re.compile(r"[^A-Za-z0-9.-]+")
_TEXT = "The text is in the image, in the package's metadata or its copyright file."


class _Checksum(msgspec.Struct, frozen=True, rename="camel"):
    checksum_value: str
    algorithm: str = "SHA256"


class _Reference(msgspec.Struct, frozen=True, rename="camel"):
    """A package URL (annex F.3)."""

    reference_locator: str
    reference_category: str = "PACKAGE-MANAGER"
    reference_type: str = "purl"


class _Package(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    spdx_id: str = msgspec.field(name="SPDXID")
    name: str
    download_location: str
    license_declared: str = ""
    version_info: str = ""
    primary_package_purpose: str = ""
    files_analyzed: bool = True
    summary: str = ""
    source_info: str = ""
    package_file_name: str = ""
    checksums: tuple[_Checksum, ...] = ()
    external_refs: tuple[_Reference, ...] = ()
    license_concluded: str = ""
    copyright_text: str = ""


class _Relationship(msgspec.Struct, frozen=True, rename="camel"):
    spdx_element_id: str
    relationship_type: str
    related_spdx_element: str


class _OtherLicence(msgspec.Struct, frozen=True, rename="camel"):
    license_id: str
    name: str
    extracted_text: str


class _Creation(msgspec.Struct, frozen=True, rename="camel"):
    created: str
    creators: tuple[str, ...]


class _Document(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    spdx_version: str
    data_license: str
    spdx_id: str = msgspec.field(name="SPDXID")
    name: str
    document_namespace: str
    creation_info: _Creation
    packages: tuple[_Package, ...]
    relationships: tuple[_Relationship, ...]
    has_extracted_licensing_infos: tuple[_OtherLicence, ...] = ()


def write_spdx(inventory: Inventory, serial: UUID, tool: str) -> bytes:
    """Write the document; `tool` is the version of Lightship that says all this.

    The same inventory gives the same bytes.
    """
    system = [_system(inventory.system)] if inventory.system else []
    names = sorted({name for package in inventory.packages for name in package.licences})
    others = {_other(name).license_id: _other(name) for name in names if not canonical(name)}
    document = _Document(
        spdx_version="SPDX-2.3",
        data_license="CC0-1.0",
        spdx_id=_DOCUMENT,
        name=inventory.name,
        document_namespace=serial.urn,
        creation_info=_Creation(inventory.created, (f"Tool: lightship-{tool}",)),
        packages=(_image(inventory), *system, *map(_package, inventory.packages)),
        relationships=tuple(_relationships(inventory)),
        has_extracted_licensing_infos=tuple(others.values()),
    )
    return msgspec.json.format(canonical_json(document), indent=2) + b"\n"


def _image(inventory: Inventory) -> _Package:
    _, _, architecture = inventory.platform.partition("/")
    return _Package(
        spdx_id=_IMAGE,
        name=inventory.name,
        download_location=_NOBODY_SAYS,
        version_info=inventory.version or inventory.image,
        primary_package_purpose="CONTAINER",
        files_analyzed=False,
        checksums=(_Checksum(hex_of(inventory.image)),),
        external_refs=(_Reference(image_ref(inventory.name, inventory.image, architecture)),),
        license_declared=_NOBODY_SAYS,
        license_concluded=_NOBODY_SAYS,
        copyright_text=_NOBODY_SAYS,
    )


def _system(system: System) -> _Package:
    return _Package(
        spdx_id=_SYSTEM,
        name=system.id,
        download_location=_NOBODY_SAYS,
        version_info=system.version,
        summary=system.name,
        primary_package_purpose="OPERATING_SYSTEM",
        files_analyzed=False,
        license_declared=_NOBODY_SAYS,
        license_concluded=_NOBODY_SAYS,
        copyright_text=_NOBODY_SAYS,
    )


def _package(package: Package) -> _Package:
    return _Package(
        spdx_id=_id_of(package.ref),
        name=package.name,
        download_location=_NOBODY_SAYS,
        version_info=package.version,
        primary_package_purpose="LIBRARY",
        files_analyzed=False,
        summary=package.summary,
        source_info=_source(package),
        package_file_name=package.file,
        checksums=(_Checksum(package.sha256),) if package.sha256 else (),
        external_refs=(_Reference(package.ref),),
        license_declared=_expression(package.licences),
        license_concluded=_NOBODY_SAYS,
        copyright_text=_NOBODY_SAYS,
    )


def _source(package: Package) -> str:
    said = [f"metadata at {place}" for place in package.places]
    if package.record:
        said.append(f"SHA-256 of RECORD {package.record}")
    if package.kind == DEBIAN:
        said.append(f"built from source package {package.source} {package.source_version}")
    return "; ".join(said)


def _relationships(inventory: Inventory) -> Iterator[_Relationship]:
    yield _Relationship(_DOCUMENT, "DESCRIBES", _IMAGE)
    if inventory.system:
        yield _Relationship(_IMAGE, "CONTAINS", _SYSTEM)
    for package in inventory.packages:
        own = _id_of(package.ref)
        yield _Relationship(_IMAGE, "CONTAINS", own)
        for ref in package.requires:
            yield _Relationship(own, "DEPENDS_ON", _id_of(ref))


def _id_of(ref: str) -> str:
    """Make an identifier of letters, digits, `.` and `-` (section 3.2.4) that is no other package's."""
    name = ref.partition("?")[0].removeprefix("pkg:")
    return f"SPDXRef-{_plain(name)}-{hex_of(of_bytes(ref.encode()))[:12]}"


def _plain(text: str) -> str:
    return _ODD.sub("-", text).strip("-")


def _expression(licences: tuple[str, ...]) -> str:
    """Join what is declared: nobody says that one may choose, so all count."""
    parts = [canonical(text) or _other(text).license_id for text in licences]
    if len(parts) > 1:
        parts = [f"({part})" if " " in part else part for part in parts]
    return " AND ".join(parts) or _NOBODY_SAYS


def _other(name: str) -> _OtherLicence:
    """Declare a licence that SPDX does not list (section 10): two names that look alike stay apart."""
    mark = hex_of(of_bytes(name.encode()))[:8]
    return _OtherLicence(f"LicenseRef-{_plain(name)[:60]}-{mark}", name, _TEXT)
