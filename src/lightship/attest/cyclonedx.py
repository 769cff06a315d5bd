"""An inventory as CycloneDX 1.6 (ECMA-424).

The same inventory gives the same bytes: the serial number is made from the image's digest, the time stamp is
the image's own, and the library sorts what has no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_supported_id
from packageurl import PackageURL

from lightship.attest.licences import canonical
from lightship.attest.model import Inventory, Package, System
from lightship.attest.names import image_ref
from lightship.digest import canonical_json, hex_of

_OWN = "lightship:"
"""Prefix of properties that the specification leaves to whoever writes a document."""
_TRIVY = "aquasecurity:trivy:"
"""Prefix of those that Trivy reads (pkg/sbom/io/decode.go): of a package URL it does not read the source."""


def write_cyclonedx(inventory: Inventory, serial: UUID, tool: str) -> bytes:
    """Write the document; `tool` is the version of Lightship that says all this."""
    image = _image(inventory)
    components = {package.ref: _component(package) for package in inventory.packages}
    bom = Bom(
        serial_number=serial,
        metadata=BomMetaData(
            timestamp=datetime.fromisoformat(inventory.created),
            component=image,
            tools=ToolRepository(
                components=[Component(name="lightship", version=tool, type=ComponentType.APPLICATION)]
            ),
        ),
        components=[*components.values(), *_system(inventory.system)],
        dependencies=_dependencies(inventory, image, components),
    )
    written = msgspec.json.decode(JsonV1Dot6(bom).output_as_string())
    return msgspec.json.format(canonical_json(written), indent=2) + b"\n"


def _image(inventory: Inventory) -> Component:
    _, _, architecture = inventory.platform.partition("/")
    ref = image_ref(inventory.name, inventory.image, architecture)
    return Component(
        name=inventory.name,
        version=inventory.version or inventory.image,
        type=ComponentType.CONTAINER,
        bom_ref=ref,
        purl=PackageURL.from_string(ref),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hex_of(inventory.image))],
        properties=[Property(name=f"{_OWN}platform", value=inventory.platform)],
    )


def _system(system: System | None) -> Iterator[Component]:
    if system is not None:
        yield Component(
            name=system.id,
            version=system.version or None,
            description=system.name,
            type=ComponentType.OPERATING_SYSTEM,
            bom_ref=f"os:{system.id}-{system.version}",
        )


def _component(package: Package) -> Component:
    archive = [HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)] if package.sha256 else []
    return Component(
        name=package.name,
        version=package.version,
        description=package.summary or None,
        type=ComponentType.LIBRARY,
        bom_ref=package.ref,
        purl=PackageURL.from_string(package.ref),
        hashes=archive,
        licenses=_licences(package.licences),
        evidence=ComponentEvidence(occurrences=[Occurrence(location=place) for place in package.places]),
        properties=list(_properties(package)),
    )


def _licences(texts: Iterable[str]) -> list[License]:
    """Give one expression alone, or any number of licences: a document may not have both at once."""
    told = list(texts)
    if len(told) == 1 and not is_supported_id(told[0]) and canonical(told[0]):
        return [LicenseExpression(told[0])]
    return [
        DisjunctiveLicense(id=text) if is_supported_id(text) else DisjunctiveLicense(name=text)
        for text in told
    ]


def _properties(package: Package) -> Iterator[Property]:
    said = {
        f"{_OWN}archive": package.file,
        f"{_OWN}record-sha256": package.record,
        f"{_OWN}source": package.source,
        f"{_OWN}source-version": package.source_version,
        f"{_TRIVY}SrcName": package.source,
        f"{_TRIVY}SrcVersion": package.source_version,
    }
    yield from (Property(name=name, value=value) for name, value in said.items() if value)


def _dependencies(
    inventory: Inventory, image: Component, components: dict[str, Component]
) -> Iterator[Dependency]:
    """Say what needs what: the image all that nothing else in it needs."""
    top = [Dependency(components[package.ref].bom_ref) for package in inventory.top()]
    system = [Dependency(each.bom_ref) for each in _system(inventory.system)]
    yield Dependency(image.bom_ref, [*top, *system])
    for package in inventory.packages:
        needs = [Dependency(components[ref].bom_ref) for ref in package.requires]
        yield Dependency(components[package.ref].bom_ref, needs)
    yield from system
