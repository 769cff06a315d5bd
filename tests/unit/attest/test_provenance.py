from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from packageurl import PackageURL

from lightship.attest.provenance import BUILD_TYPE, MEDIA_MATERIALS, provenance, write_materials
from lightship.attest.statement import SLSA, predicate_of, write_statement
from lightship.build.making import Request, build_project
from lightship.build.origins import Material, Origin, known_origin
from lightship.build.prune import prune
from lightship.digest import Digest, hex_of, of_bytes
from lightship.oci.model import MEDIA_MANIFEST, Descriptor
from lightship.platform import Platform
from lightship.project.detect import read_project
from tests.support.locked import Locked, locked_project
from tests.unit.attest.conftest import ZEROS


def listed(origin: Origin) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress(write_materials(origin)))
    return found


def said_of(origin: Origin) -> dict[str, Any]:
    return provenance(origin, write_materials(origin))


def test_a_statement_names_the_image_by_its_digest(origin: Origin) -> None:
    text = write_statement(ZEROS, "demo", SLSA, said_of(origin))
    statement = json.loads(text)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "demo", "digest": {"sha256": "0" * 64}}]
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert json.loads(predicate_of(text)) == statement["predicate"] == said_of(origin)
    assert write_statement(ZEROS, "demo", SLSA, predicate_of(text)) == text


def test_provenance_has_what_was_asked_for_and_what_went_in(origin: Origin) -> None:
    said = said_of(origin)
    definition = said["buildDefinition"]
    assert definition["buildType"] == BUILD_TYPE
    digest = {"sha256": "0" * 64}
    assert definition["externalParameters"] == {
        "project": "demo",
        "version": "3.2",
        "variant": "cpu",
        "target": "production",
        "platform": "linux/amd64",
        "base": "debian:bookworm",
        "lock": digest,
        "configuration": digest,
    }
    assert definition["internalParameters"] == {"sources": {"application": digest}}
    image, materials = definition["resolvedDependencies"]
    assert (image["uri"], image["annotations"]) == (f"pkg:oci/model@sha256%3A{'0' * 64}", {"role": "builder"})
    assert materials == {
        "name": "materials.json.gz",
        "mediaType": MEDIA_MATERIALS,
        "digest": {"sha256": hex_of(of_bytes(write_materials(origin)))},
    }
    assert said["runDetails"] == {"builder": {"id": "pkg:pypi/lightship", "version": {"lightship": "0.1.0"}}}


def test_the_list_of_materials_has_every_archive_and_whether_the_image_holds_it(origin: Origin) -> None:
    found = listed(origin)
    assert found[0] == {
        "name": "libc6_2.36-9+deb12u1_amd64.deb",
        "uri": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64",
        "digest": {"sha256": "c" * 64},
        "annotations": {"role": "shipped"},
    }
    assert [each["annotations"]["role"] for each in found] == ["shipped", "shipped", "builder"]


def test_releases_of_a_lock_share_their_list_of_materials(origin: Origin) -> None:
    later = replace(origin, version="3.3", sources={"application": Digest(f"sha256:{'1' * 64}")})
    assert write_materials(later) == write_materials(origin)
    assert said_of(later) != said_of(origin)


@pytest.mark.parametrize(
    "material",
    [
        Material("deb", "libstdc++6", "1:12.2~rc1-14+b1", "", "", "amd64"),
        Material("pypi", "torch", "2.13.0+cpu", ""),
        Material("oci", "python", ZEROS, "0" * 64),
    ],
)
def test_package_urls_are_those_that_the_library_writes(origin: Origin, material: Material) -> None:
    alone = replace(origin, shipped=(material,), used=())
    *images, _ = said_of(alone)["buildDefinition"]["resolvedDependencies"]
    (uri,) = [each["uri"] for each in (*images, *listed(alone))]
    read = PackageURL.from_string(uri)
    assert (read.type, read.name, read.version) == (material.kind, material.name, material.version)
    assert uri.replace("%3A", ":") == read.to_string().replace("%3A", ":")


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


def build(made: Locked) -> tuple[Origin, str]:
    machine = made.machine()
    request = Request(variant="none", platform=Platform("amd64"), locked=True)
    _, built = build_project(read_project(made.folder), request, machine)
    origin = known_origin(built.descriptor.digest, machine.home)
    assert origin is not None
    return origin, built.descriptor.digest


def test_a_build_keeps_what_its_image_was_made_from(made: Locked) -> None:
    origin, _ = build(made)
    assert (origin.name, origin.variant, origin.target) == ("project", "none", "production")
    assert [(each.kind, each.name) for each in origin.shipped] == [
        *(("deb", "base-files"), ("deb", "libc6"), ("deb", "python3.11-minimal")),
        *(("pypi", "demo"), ("pypi", "other")),
    ]
    text = json.dumps([said_of(origin), listed(origin)])
    assert str(made.root) not in text
    assert "file:" not in text
    assert "://" not in text
    assert build(made)[0] == origin


def test_what_an_image_was_made_from_stays_as_long_as_the_image(made: Locked) -> None:
    _, digest = build(made)
    home = made.machine().home
    layout = home.images
    (path,) = [path for path in home.origins.rglob("*") if path.is_file()]
    image = Descriptor(MEDIA_MANIFEST, Digest(digest), layout.blob_path(Digest(digest)).stat().st_size)
    layout.tag("kept:1", image)
    prune(home)
    assert path.exists()
    layout.untag("kept:1")
    prune(home)
    assert not path.exists()
