"""Documents and signatures that go with an image, and `lightship sbom`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightship.digest import Digest
from lightship.oci.layout import Layout
from lightship.oci.model import Index, Manifest, decode
from lightship.oci.validate import layout_problems
from tests.support.described import described_image
from tests.support.locked import AMD64, Locked, write_lock_for
from tests.support.registry import Registry
from tests.unit.cli.conftest import Lightship

SLSA = "https://slsa.dev/provenance/v1"
COSIGN = '#!/bin/sh\necho "$*" >> "$FAKE/calls"\nexit "${STATUS:-0}"\n'


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "home" / "data" / "images")


@pytest.fixture
def cosign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the file in which a fake cosign writes how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "cosign").write_text(COSIGN)
    (folder / "cosign").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE", str(folder))
    for name in ("COSIGN_KEY", "COSIGN_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    return folder / "calls"


def referrers(registry: Registry, name: str, image: str) -> list[tuple[str, str]]:
    """List what refers to an image: its type, and what it is about."""
    found = []
    for _, data in registry.content(name).manifests.values():
        if b'"subject"' in data:
            manifest = decode(data, Manifest, where=name)
            assert manifest.subject is not None
            assert manifest.subject.digest == image
            found.append((manifest.artifact_type, manifest.annotations.get("in-toto.io/predicate-type", "")))
    return sorted(found)


@pytest.mark.parametrize("knows", [True, False])
def test_what_is_built_is_pushed_with_its_provenance(
    lightship: Lightship,
    made: Locked,
    registry: Registry,
    knows: bool,  # noqa: FBT001
) -> None:
    registry.has_referrers = knows
    name = f"{registry.host}/team/app:1"
    plain = json.loads(lightship("build", made.folder, "--locked", "--json").out)
    found = json.loads(lightship("build", made.folder, "--locked", "--push", name, "--json").out)
    assert found["digest"] == plain["digest"] == registry.content("team/app").tags["1"]
    (each,) = found["attestations"]
    assert (each["kind"], each["image"]) == ("provenance", found["digest"])
    assert referrers(registry, "team/app", found["digest"]) == [("application/vnd.in-toto+json", SLSA)]
    fallback = found["digest"].replace(":", "-")
    assert (fallback in registry.content("team/app").tags) is not knows
    if not knows:
        _, data = registry.content("team/app").manifests[registry.content("team/app").tags[fallback]]
        (listed,) = decode(data, Index, where="").manifests
        assert (listed.digest, listed.annotations["in-toto.io/predicate-type"]) == (each["digest"], SLSA)
    registry.asked.clear()
    shown = lightship("push", made.folder, name)
    assert shown.out.endswith("there already\n  with provenance\n")
    assert registry.calls("PUT") == registry.calls("POST") == []


def test_more_is_said_where_it_is_asked_for(lightship: Lightship, made: Locked, registry: Registry) -> None:
    name = f"{registry.host}/team/app:1"
    kinds = ("--attest", "provenance", "--attest", "cyclonedx", "--attest", "spdx")
    shown = lightship("build", made.folder, "--locked", "--push", name, *kinds)
    assert shown.out.endswith("  with provenance, cyclonedx, spdx\n")
    image = registry.content("team/app").tags["1"]
    assert referrers(registry, "team/app", image) == [
        ("application/vnd.cyclonedx+json", ""),
        ("application/vnd.in-toto+json", SLSA),
        ("application/vnd.in-toto+json", "https://spdx.dev/Document"),
    ]
    lightship("push", made.folder, f"{registry.host}/none:1", "--attest", "none")
    assert referrers(registry, "none", image) == []


def test_a_project_says_what_it_wants(lightship: Lightship, made: Locked, registry: Registry) -> None:
    (made.folder / "lightship.toml").write_text('attest = ["cyclonedx"]\n')
    lightship("build", made.folder, "--locked", "--push", f"{registry.host}/app:1")
    image = registry.content("app").tags["1"]
    assert referrers(registry, "app", image) == [("application/vnd.cyclonedx+json", "")]
    lightship("push", made.folder, f"{registry.host}/again:1")
    assert len(referrers(registry, "again", image)) == 1
    (made.folder / "lightship.toml").write_text('attest = ["sbom"]\n')
    refused = lightship("build", made.folder)
    assert (
        "attest has 'sbom', which is not known: it may be provenance, cyclonedx, spdx or scan" in refused.err
    )


def test_each_image_of_an_index_has_its_own(lightship: Lightship, made: Locked, registry: Registry) -> None:
    write_lock_for(made, AMD64, type(AMD64)("arm64"))
    name = f"{registry.host}/team/app:1"
    platforms = ("--platform", "linux/amd64,linux/arm64")
    built = lightship("build", made.folder, "--locked", *platforms, "--push", name, "--json")
    found = json.loads(built.out)
    images = [each["digest"] for each in found["platforms"]]
    assert [each["image"] for each in found["attestations"]] == images
    assert registry.content("team/app").tags["1"] == found["digest"]
    shown = lightship("push", made.folder, name)
    assert shown.out.endswith("  with provenance for each image\n")


def test_images_that_others_built_are_pushed_without(
    lightship: Lightship, registry: Registry, store: Layout
) -> None:
    described_image(store, name="demo:1")
    assert (
        json.loads(lightship("push", "demo:1", f"{registry.host}/demo:1", "--json").out)["attestations"] == []
    )
    refused = lightship("push", "demo:1", f"{registry.host}/demo:1", "--attest", "provenance")
    assert refused.code == 2
    assert "not known here how the image was built" in refused.err


def test_a_registry_that_takes_no_artifacts_still_has_the_image(
    lightship: Lightship, made: Locked, registry: Registry
) -> None:
    name = f"{registry.host}/team/app:1"
    lightship("build", made.folder, "--locked", "--push", name, "--attest", "none")
    registry.largest = 400
    shown = lightship("push", made.folder, name)
    assert shown.code == 0
    assert "the image is pushed, its provenance is not" in shown.err
    refused = lightship("push", made.folder, name, "--attest", "provenance")
    assert refused.code == 4


def test_a_layout_has_what_is_asked_for_and_carries_it_on(
    lightship: Lightship, made: Locked, registry: Registry, tmp_path: Path
) -> None:
    plain, described = tmp_path / "plain", tmp_path / "described"
    lightship("build", made.folder, "--locked", "-o", f"oci:{plain}")
    assert len(Layout(plain).index().manifests) == 1
    found = json.loads(
        lightship(
            "build", made.folder, "--locked", "-o", f"oci:{described}", "--attest", "provenance", "--json"
        ).out
    )
    assert [each["kind"] for each in found["attestations"]] == ["provenance"]
    layout = Layout(described)
    assert layout_problems(layout) == []
    assert [each.digest for each in layout.names().values()] == [found["digest"]]
    lightship("push", f"oci:{described}", f"{registry.host}/moved:1", "--attest", "none")
    assert len(referrers(registry, "moved", found["digest"])) == 1


def test_signing_is_cosigns_work(
    lightship: Lightship, made: Locked, registry: Registry, cosign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry.host}/team/app:1"
    found = json.loads(lightship("build", made.folder, "--locked", "--push", name, "--sign", "--json").out)
    assert found["signed"] == "cosign"
    place = f"{registry.host}/team/app@{found['digest']}"
    sign, attest = cosign.read_text().splitlines()
    assert sign == f"sign --yes --recursive {place}"
    assert attest.startswith("attest --yes --type slsaprovenance1 --predicate /")
    shown = lightship("push", made.folder, name, "--sign", "--key", "cosign.key")
    assert shown.out.endswith("  with provenance; signed by cosign\n")
    assert cosign.read_text().splitlines()[2] == f"sign --yes --recursive --key cosign.key {place}"
    monkeypatch.setenv("STATUS", "3")
    failed = lightship("push", made.folder, name, "--sign")
    assert failed.code == 5
    assert "signing failed: cosign ended with status 3" in failed.err


def test_a_scan_goes_beside_what_is_signed(
    lightship: Lightship, made: Locked, registry: Registry, cosign: Path
) -> None:
    name, wanted = f"{registry.host}/team/app:1", ("--attest", "provenance", "--attest", "scan")
    shown = lightship("build", made.folder, "--locked", "--push", name, *wanted, "--sign")
    assert "  with provenance, scan; signed by cosign\n" in shown.out
    types = {kind for kind, _ in referrers(registry, "team/app", registry.content("team/app").tags["1"])}
    assert types == {"application/vnd.in-toto+json", "application/vnd.lightship.scan.v1+zstd"}
    assert [line.split()[:4] for line in cosign.read_text().splitlines()] == [
        [
            "sign",
            "--yes",
            "--recursive",
            f"{registry.host}/team/app@{registry.content('team/app').tags['1']}",
        ],
        ["attest", "--yes", "--type", "slsaprovenance1"],
    ]
    registry.asked.clear()
    lightship("push", made.folder, name, *wanted)
    assert registry.calls("PUT") == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--sign",), "--sign signs what a registry has"),
        (("--attest", "spdx"), "--attest is about images that are handed over"),
        (("--push", "registry.example.com/a:1", "--key", "k"), "--key is about signing"),
        (("--push", "registry.example.com/a:1", "--attest", "none", "--attest", "spdx"), "leaves all out"),
        (("--push", "registry.example.com/a:1", "--sign"), "neither cosign nor sigstore"),
        (("--attest", "spdx", "--engine", "docker"), "--attest is about the direct engine"),
    ],
)
def test_what_cannot_be_is_refused_before_the_build(
    lightship: Lightship,
    made: Locked,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    words: str,
) -> None:
    if "--engine" not in options:
        monkeypatch.setenv("PATH", "")
    refused = lightship("build", made.folder, *options)
    assert refused.code == 2
    assert words in refused.err


def test_sbom_prints_the_document_or_writes_it(lightship: Lightship, store: Layout, tmp_path: Path) -> None:
    image = described_image(store, name="demo:1")
    printed = lightship("sbom", "demo:1", "-q")
    assert json.loads(printed.out)["specVersion"] == "1.6"
    file = tmp_path / "sbom.json"
    shown = lightship("sbom", "demo:1", "--format", "spdx", "-o", file)
    assert json.loads(file.read_bytes())["spdxVersion"] == "SPDX-2.3"
    assert shown.out == (
        f"demo:1  linux/amd64  {image.descriptor.digest}\n"
        f"  {file}: 3 Debian packages, 3 Python distributions; of 2 no licence is known\n"
    )
    said = json.loads(lightship("sbom", "demo:1", "--json").out)
    assert (said["packages"], said["archives"], said["file"]) == ({"deb": 3, "pypi": 3}, 0, None)
    refused = lightship("sbom", "demo:1", "-o", tmp_path)
    assert refused.code == 2
    assert "this is a folder" in refused.err


def test_sbom_of_a_built_image_has_the_archives_digests(
    lightship: Lightship, made: Locked, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry.host}/team/app:1"
    lightship("build", made.folder, "--locked", "--push", name)
    own = json.loads(lightship("sbom", made.folder, "--json").out)
    assert own["archives"] == sum(own["packages"].values()) == 5
    monkeypatch.setenv("LIGHTSHIP_HOME", str(tmp_path / "other"))
    remote = json.loads(lightship("sbom", name, "--json").out)
    assert (remote["digest"], remote["packages"], remote["archives"]) == (own["digest"], own["packages"], 0)
    assert Digest(remote["digest"]) in registry.content("team/app").manifests
