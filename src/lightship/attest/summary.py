"""What a bill of materials lists, in few words: one that was just written, or anybody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from lightship.attest.documents import CYCLONEDX
from lightship.attest.model import Inventory
from lightship.decoders import from_json
from lightship.errors import IntegrityError

_NOBODY_SAYS = ("", "NOASSERTION", "NONE")


class Summary(msgspec.Struct, frozen=True):
    """Packages by their type in package URLs, and the package URLs of those of which no licence is known.

    `archives` counts the packages whose archives' digests are told.
    """

    system: str | None
    packages: dict[str, int]
    archives: int
    unlicensed: tuple[str, ...]


class _Component(msgspec.Struct, frozen=True):
    type: str
    name: str
    description: str = ""
    purl: str = ""
    hashes: tuple[object, ...] = ()
    licenses: tuple[object, ...] = ()


class _CycloneDx(msgspec.Struct, frozen=True, rename="camel"):
    bom_format: Literal["CycloneDX"]
    components: tuple[_Component, ...] = ()


class _Reference(msgspec.Struct, frozen=True, rename="camel"):
    reference_type: str
    reference_locator: str


class _Package(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    summary: str = ""
    primary_package_purpose: str = ""
    external_refs: tuple[_Reference, ...] = ()
    checksums: tuple[object, ...] = ()
    license_declared: str = ""

    @property
    def purpose(self) -> str:
        """As SPDX's text has it, or its schema."""
        return self.primary_package_purpose.replace("-", "_")

    @property
    def purl(self) -> str:
        found = (each.reference_locator for each in self.external_refs if each.reference_type == "purl")
        return next(found, "")


class _Spdx(msgspec.Struct, frozen=True, rename="camel"):
    spdx_version: str
    packages: tuple[_Package, ...] = ()


def summarise(inventory: Inventory) -> Summary:
    """Say what a document of an inventory lists."""
    return Summary(
        inventory.system.name if inventory.system else None,
        _counted(package.ref for package in inventory.packages),
        sum(bool(package.sha256) for package in inventory.packages),
        tuple(package.ref for package in inventory.packages if not package.licences),
    )


def read_summary(document: bytes, form: str) -> Summary:
    """Say what a document lists that somebody wrote.

    Raises:
        IntegrityError: it is not of the form.

    """
    try:
        if form == CYCLONEDX:
            return _of_cyclonedx(from_json(document, _CycloneDx))
        return _of_spdx(from_json(document, _Spdx))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"it is no {form} document: {error}") from error


def _of_cyclonedx(document: _CycloneDx) -> Summary:
    packages = [each for each in document.components if each.purl]
    systems = [each for each in document.components if each.type == "operating-system"]
    return Summary(
        next((each.description or each.name for each in systems), None),
        _counted(each.purl for each in packages),
        sum(bool(each.hashes) for each in packages),
        tuple(each.purl for each in packages if not each.licenses),
    )


def _of_spdx(document: _Spdx) -> Summary:
    packages = [each for each in document.packages if each.purl and each.purpose != "CONTAINER"]
    systems = [each for each in document.packages if each.purpose == "OPERATING_SYSTEM"]
    return Summary(
        next((each.summary or each.name for each in systems), None),
        _counted(each.purl for each in packages),
        sum(bool(each.checksums) for each in packages),
        tuple(each.purl for each in packages if each.license_declared in _NOBODY_SAYS),
    )


def _counted(urls: Iterable[str]) -> dict[str, int]:
    kinds = Counter(url.removeprefix("pkg:").partition("/")[0] for url in urls)
    return dict(sorted(kinds.items()))
