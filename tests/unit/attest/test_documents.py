from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from msgspec.structs import replace
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from lightship.attest.documents import CYCLONEDX, FORMATS, SPDX, write_sbom
from lightship.attest.model import Inventory


def cyclonedx(inventory: Inventory) -> Any:
    return json.loads(write_sbom(inventory, CYCLONEDX))


def spdx(inventory: Inventory) -> Any:
    return json.loads(write_sbom(inventory, SPDX))


def named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [item for item in items if item["name"] == name]
    return found


@pytest.fixture(params=["whole", "bare"])
def any_inventory(request: pytest.FixtureRequest, inventory: Inventory) -> Inventory:
    return inventory if request.param == "whole" else replace(inventory, system=None, packages=(), version="")


def test_the_cyclonedx_schema_accepts_it(any_inventory: Inventory) -> None:
    text = write_sbom(any_inventory, CYCLONEDX).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_spdx_validator_accepts_it(any_inventory: Inventory, tmp_path: Path) -> None:
    file = tmp_path / "sbom.spdx.json"
    file.write_bytes(write_sbom(any_inventory, SPDX))
    assert [str(each) for each in validate_full_spdx_document(parse_file(str(file)))] == []


@pytest.mark.parametrize("form", FORMATS)
def test_one_inventory_is_one_document(inventory: Inventory, form: str) -> None:
    text = write_sbom(inventory, form)
    assert write_sbom(inventory, form) == text
    other = replace(inventory, created="1999-01-01T00:00:00Z")
    assert write_sbom(other, form) != text


def test_two_documents_never_share_a_serial_number(inventory: Inventory) -> None:
    other = replace(inventory, version="3.3")
    numbers = {cyclonedx(each)["serialNumber"] for each in (inventory, other)}
    numbers |= {spdx(each)["documentNamespace"] for each in (inventory, other)}
    assert len(numbers) == 4


def test_cyclonedx_has_names_hashes_licences_and_relations(inventory: Inventory) -> None:
    document = cyclonedx(inventory)
    assert document["metadata"]["timestamp"].startswith("1980-01-01T00:00:00")
    about = document["metadata"]["component"]
    assert (about["type"], about["name"], about["version"]) == ("container", "demo", "3.2")
    assert about["hashes"][0]["content"] == inventory.image.removeprefix("sha256:")
    demo = named(document["components"], "Demo_App")
    assert demo["hashes"] == [{"alg": "SHA-256", "content": "d" * 64}]
    assert demo["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert demo["purl"] == "pkg:pypi/demo-app@1.0"
    assert [each["license"] for each in named(document["components"], "libdemo")["licenses"]] == [
        {"id": "GPL-2.0-or-later"},
        {"id": "LGPL-2.1-or-later"},
        {"id": "MIT"},
    ]
    assert named(document["components"], "speedup")["licenses"] == [{"license": {"name": "Our own terms"}}]
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert needs["pkg:pypi/demo-app@1.0"] == ["pkg:pypi/helper@2.0"]
    assert needs[about["bom-ref"]] == [
        "os:debian-12",
        "pkg:deb/debian/libdemo@1.0?arch=amd64&distro=debian-12",
        "pkg:pypi/demo-app@1.0",
    ]


def test_spdx_has_the_same(inventory: Inventory) -> None:
    document = spdx(inventory)
    assert document["creationInfo"] == {
        "created": "1980-01-01T00:00:00Z",
        "creators": ["Tool: lightship-0.1.0"],
    }
    demo = named(document["packages"], "Demo_App")
    assert demo["checksums"] == [{"algorithm": "SHA256", "checksumValue": "d" * 64}]
    assert demo["licenseDeclared"] == "MIT OR Apache-2.0"
    assert demo["externalRefs"][0]["referenceLocator"] == "pkg:pypi/demo-app@1.0"
    library = named(document["packages"], "libdemo")
    assert library["licenseDeclared"] == "GPL-2.0-or-later AND LGPL-2.1-or-later AND MIT"
    (own,) = document["hasExtractedLicensingInfos"]
    assert named(document["packages"], "speedup")["licenseDeclared"] == own["licenseId"]
    assert own["name"] == "Our own terms"
    kinds = [each["relationshipType"] for each in document["relationships"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {"DESCRIBES": 1, "CONTAINS": 7, "DEPENDS_ON": 6}
