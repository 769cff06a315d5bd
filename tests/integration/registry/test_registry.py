"""Debian's docker-registry, and clients that agree with us about what is in it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.oci.index import write_index
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_CONFIG, MEDIA_MANIFEST, encode
from lightship.oci.validate import layout_problems
from tests.integration.registry.conftest import NAME, MakeLightship
from tests.integration.registry.cutting import cutting
from tests.support.docker_registry import PASSWORD, USER, DockerRegistry
from tests.support.images import MESSAGE
from tests.support.programs import Run, caller

pytestmark = pytest.mark.integration
SAID = MESSAGE.decode()


def size_of(image: LayoutImage) -> int:
    return sum(blob.size for blob in (image.manifest.config, *image.manifest.layers))


@pytest.mark.requires_tool("skopeo")
def test_what_we_push_docker_runs_and_skopeo_copies_to_the_byte(
    lightship: MakeLightship, open_registry: DockerRegistry, image: LayoutImage, docker: Run, tmp_path: Path
) -> None:
    name = f"{open_registry.host}/team/ours:1"
    pushed = json.loads(lightship()("push", NAME, name, "--json").out)
    assert (pushed["digest"], pushed["sent"]) == (image.descriptor.digest, size_of(image))
    docker("pull", name)
    assert docker("run", "--rm", "--network", "none", name) == SAID
    caller("skopeo")("copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path}/copy:{NAME}")
    copy = Layout(tmp_path / "copy")
    assert layout_problems(copy) == []
    assert copy.names()[NAME].digest == image.descriptor.digest

    again = json.loads(lightship()("push", NAME, name, "--json").out)
    assert (again["sent"], again["there"]) == (0, size_of(image))
    moved = json.loads(lightship()("push", NAME, f"{open_registry.host}/other:1", "--json").out)
    assert (moved["sent"], moved["mounted"]) == (0, size_of(image))


@pytest.mark.requires_tool("skopeo")
def test_an_index_goes_whole_and_its_common_layers_once(
    lightship: MakeLightship, open_registry: DockerRegistry, image: LayoutImage, tmp_path: Path
) -> None:
    store, name = image.layout, f"{open_registry.host}/team/both:1"
    config = store.write(MEDIA_CONFIG, encode(replace(image.config, architecture="arm64")))
    arm64 = store.write(MEDIA_MANIFEST, encode(replace(image.manifest, config=config)))
    index = write_index(store, [image.descriptor, arm64])
    store.tag("both:1", index)
    pushed = json.loads(lightship()("push", "both:1", name, "--json").out)
    assert pushed["digest"] == index.digest
    assert pushed["sent"] + pushed["mounted"] + pushed["there"] == size_of(image) + config.size
    target = f"oci:{tmp_path}/copy:both"
    caller("skopeo")("copy", "--all", "--src-tls-verify=false", f"docker://{name}", target)
    copy = Layout(tmp_path / "copy")
    assert layout_problems(copy) == []
    assert copy.names()["both"].digest == index.digest


@pytest.mark.requires_tool("skopeo")
def test_what_docker_and_skopeo_push_we_pull(
    lightship: MakeLightship, open_registry: DockerRegistry, image: LayoutImage, docker: Run
) -> None:
    host = open_registry.host
    layout = f"oci:{image.layout.path}:{NAME}"
    caller("skopeo")("copy", "--dest-tls-verify=false", layout, f"docker://{host}/skopeo:1")
    caller("skopeo")(
        "copy", "--dest-tls-verify=false", "--format", "v2s2", layout, f"docker://{host}/older:1"
    )
    docker("pull", f"{host}/skopeo:1")
    docker("tag", f"{host}/skopeo:1", f"{host}/docker:1")
    docker("push", f"{host}/docker:1")
    other = lightship("other")
    names = [f"{host}/{name}:1" for name in ("skopeo", "older", "docker")]
    for name in names:
        pulled = other("pull", name)
        assert pulled.code == 0, pulled.err
        assert ("in Docker's older format" in pulled.out) is ("skopeo" not in name)
    assert layout_problems(other.store) == []
    found = {name: other.store.image(it) for name, it in other.store.names().items()}
    assert set(found) == set(names)
    assert found[names[0]].descriptor.digest == image.descriptor.digest
    for pulled_image in found.values():
        assert pulled_image.config.config == image.config.config
        assert [it.diff_id for it in pulled_image.layers] == [it.diff_id for it in image.layers]


@pytest.mark.usefixtures("image")
def test_an_upload_that_is_cut_completes(lightship: MakeLightship, open_registry: DockerRegistry) -> None:
    with cutting(open_registry.host) as cutter:
        cutter.after = [1_000_000, 2_000_000]
        pushed = lightship()("push", NAME, f"{cutter.host}/cut:1")
        assert pushed.code == 0, pushed.err
        assert cutter.cuts == 2
        assert lightship("other")("pull", f"{cutter.host}/cut:1").code == 0
    assert layout_problems(lightship("other").store) == []


@pytest.mark.requires_tool("skopeo")
def test_tls_and_passwords_are_as_docker_has_them(
    lightship: MakeLightship, guarded_registry: DockerRegistry, image: LayoutImage, tmp_path: Path
) -> None:
    name, authority = f"{guarded_registry.host}/team/app:1", guarded_registry.folder.parent / "tls" / "ca.crt"
    untrusted = lightship()("push", NAME, name)
    assert untrusted.code == 4
    assert "certificate is not trusted" in untrusted.err
    ours = lightship(SSL_CERT_FILE=str(authority))
    nobody = ours("push", NAME, name)
    assert nobody.code == 4
    assert "without a password" in nobody.err
    wrong = ours("push", NAME, name, "--username", USER, "--password-stdin", stdin="wrong-password\n")
    assert wrong.code == 4
    assert f"does not accept the password of user {USER!r}" in wrong.err
    assert "wrong-password" not in wrong.err

    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {guarded_registry.host: {"auth": auth}}}))
    known = lightship(SSL_CERT_FILE=str(authority), REGISTRY_AUTH_FILE=str(file))
    pushed = known("push", NAME, name, "--debug", "-v")
    assert pushed.code == 0, pushed.err
    assert PASSWORD not in pushed.out + pushed.err + auth
    skopeo = caller("skopeo")
    trusting = ("--authfile", str(file), "--src-cert-dir", str(authority.parent))
    skopeo("copy", *trusting, f"docker://{name}", f"oci:{tmp_path}/copy:{NAME}")
    assert Layout(tmp_path / "copy").names()[NAME].digest == image.descriptor.digest

    missing = known("pull", f"{guarded_registry.host}/team/app:2")
    assert missing.code == 4
    assert "the repository has no tag '2'" in missing.err
    missing = known("pull", f"{guarded_registry.host}/team/other:1")
    assert "the registry has no such repository" in missing.err
    compared = known("compare", NAME, name, "--json")
    assert [one["digest"] for one in json.loads(compared.out)["images"]] == [image.descriptor.digest] * 2
