from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.attest.artifacts import Wanted, make_artifacts, read_predicate, referring, subjects
from lightship.attest.deliver import add_to_layout
from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.origins import Origin
from lightship.build.output import write_output
from lightship.build.prune import prune
from lightship.errors import UsageError
from lightship.events import SilentReporter
from lightship.oci.index import LayoutIndex, write_index
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.validate import layout_problems
from tests.support.described import described_image
from tests.unit.oci.test_schema import check

ALL = Wanted(("provenance", "cyclonedx", "spdx"), asked=True)
SILENT = SilentReporter()


@pytest.fixture(autouse=True)
def known(home: Home, image: LayoutImage, origin: Origin) -> None:
    Memo(home.origins).put(image.descriptor.digest, origin)


def test_each_document_refers_to_the_image_and_is_of_the_type_that_its_readers_know(
    home: Home, image: LayoutImage
) -> None:
    made = make_artifacts(image, ALL, home, SILENT)
    manifests = [home.images.image(each.descriptor).manifest for each in made]
    assert [(each.kind, each.descriptor.artifact_type) for each in made] == [
        ("provenance", "application/vnd.in-toto+json"),
        ("cyclonedx", "application/vnd.cyclonedx+json"),
        ("spdx", "application/vnd.in-toto+json"),
    ]
    assert [each.descriptor.annotations.get("in-toto.io/predicate-type") for each in made] == [
        "https://slsa.dev/provenance/v1",
        None,
        "https://spdx.dev/Document",
    ]
    for manifest in manifests:
        assert manifest.subject is not None
        assert manifest.subject.digest == image.descriptor.digest
        assert manifest.config.media_type == "application/vnd.oci.empty.v1+json"
        assert manifest.layers[0].media_type == manifest.artifact_type
    listed = [
        [layer.annotations["org.opencontainers.image.title"] for layer in each.layers] for each in manifests
    ]
    assert listed == [
        ["provenance.intoto.json", "materials.json.gz"],
        ["sbom.cdx.json"],
        ["sbom.spdx.intoto.json"],
    ]
    assert b'"bomFormat": "CycloneDX"' in read_predicate(made[1], home.images)
    assert json.loads(read_predicate(made[2], home.images))["spdxVersion"] == "SPDX-2.3"


def test_the_same_image_has_the_same_documents_and_they_are_made_once(
    home: Home, image: LayoutImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_artifacts(image, ALL, home, SILENT)
    prune(home)  # which takes the documents away
    assert make_artifacts(image, ALL, home, SILENT) == first
    monkeypatch.setattr("lightship.attest.artifacts._document", None)
    assert make_artifacts(image, ALL, home, SILENT) == first


def test_provenance_that_nobody_knows_is_missed_only_where_it_is_asked_for(home: Home) -> None:
    other = described_image(home.images, architecture="arm64")
    assert make_artifacts(other, Wanted(("provenance",), asked=False), home, SILENT) == ()
    with pytest.raises(UsageError, match="not known here how the image was built"):
        make_artifacts(other, ALL, home, SILENT)


def test_each_image_of_an_index_has_its_own(home: Home, image: LayoutImage) -> None:
    arm64 = described_image(home.images, architecture="arm64")
    index = LayoutIndex(home.images, write_index(home.images, [image.descriptor, arm64.descriptor]))
    made = make_artifacts(index, Wanted(("cyclonedx",), asked=True), home, SILENT)
    digests = [image.descriptor.digest, arm64.descriptor.digest]
    assert [each.subject for each in made] == digests
    assert subjects(index) == (*digests, index.descriptor.digest)


def test_a_layout_lists_them_without_a_name_beside_the_image(
    home: Home, image: LayoutImage, tmp_path: Path
) -> None:
    path = write_output(image, "demo:1", f"oci:{tmp_path}/out", SILENT)
    made = make_artifacts(image, ALL, home, SILENT)
    for _ in range(2):
        add_to_layout(made, home.images, path)
    layout = Layout(path)
    assert layout_problems(layout) == []
    check((path / "index.json").read_bytes(), "image-index-schema")
    for each in made:
        check(layout.read(each.descriptor), "image-manifest-schema")
    assert layout.names()["demo:1"].digest == image.descriptor.digest
    assert len(layout.index().manifests) == 4
    found = referring(layout, [image.descriptor.digest])
    assert {each.digest for each in found} == {each.descriptor.digest for each in made}
    assert referring(layout, []) == ()


def test_a_damaged_artifact_of_a_layout_is_found(home: Home, image: LayoutImage, tmp_path: Path) -> None:
    path = write_output(image, "demo:1", f"oci:{tmp_path}/out", SILENT)
    (made,) = make_artifacts(image, Wanted(("provenance",), asked=True), home, SILENT)
    add_to_layout([made], home.images, path)
    layout = Layout(path)
    layout.refer([replace(made.descriptor, artifact_type="application/other")])
    assert "the index lists it as 'application/other'" in layout_problems(layout)[0]
    layer, _ = layout.image(made.descriptor).manifest.layers
    layout.blob_path(layer.digest).write_bytes(b"other")
    assert "a blob of the image is damaged" in layout_problems(layout)[0]
