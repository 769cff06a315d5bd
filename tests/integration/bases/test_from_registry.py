"""A base in Debian's docker-registry: locked, built on, pushed beside it; and other clients."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems, validate
from lightship.wheels.lock import read_lock
from tests.integration.bases.conftest import AMD64
from tests.integration.build.calling import Lightship
from tests.support.docker_registry import PASSWORD, USER, DockerRegistry, docker_registry, make_certificate
from tests.support.programs import Run, caller
from tests.support.tools import missing_tools

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("skopeo")]
SAID = "/usr/local 3.11 Debian\n"
PROGRAM = """\
import sys
import idna
release = open("/app/release").read()
print(sys.base_prefix, "%d.%d" % sys.version_info[:2], "Debian" if "ID=debian" in release else release)
"""
CONFIGURATION = """\
name = "demo"
python = "3.11"
base = "{base}"
sources = ["app.py"]
command = ["python", "app.py"]

[variants.none]
requirements = ["requirements.txt"]
torch = "none"

[stages.release]
image = "{base}"
copy = {{ "/usr/lib/os-release" = "/app/release" }}
"""


@dataclass(frozen=True)
class Made:
    """A project whose image was built on a base in a registry, and pushed there."""

    folder: Path
    base: str
    digest: str
    name: str
    facts: dict[str, Any]


def project(folder: Path, base: str) -> Path:
    folder.mkdir()
    (folder / "lightship.toml").write_text(CONFIGURATION.format(base=base))
    (folder / "requirements.txt").write_text("idna\n")
    (folder / "app.py").write_text(PROGRAM)
    return folder


def put(layout: Layout, tag: str, name: str, *options: str) -> str:
    """Push an image of a layout with skopeo; gives its digest."""
    caller("skopeo")("copy", *options, f"oci:{layout.path}:{tag}", f"docker://{name}")
    return layout.names()[tag].digest


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    if missing := missing_tools(["docker-registry"]):
        pytest.skip(f"not on this machine: {missing}")
    with docker_registry(tmp_path_factory.mktemp("registry") / "registry") as started:
        yield started


@pytest.fixture(scope="module")
def made(
    registry: DockerRegistry, layout: Layout, lightship: Lightship, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    base, name = f"{registry.host}/team/python:3.11", f"{registry.host}/team/demo:1"
    digest = put(layout, "moved", base, "--dest-tls-verify=false")
    folder = project(tmp_path_factory.mktemp("from-registry") / "demo", base)
    facts = lightship.ask("build", "--push", name, cwd=folder)
    return Made(folder, base, digest, name, facts)


def test_the_base_is_locked_by_digest_shared_and_mounted(
    made: Made, layout: Layout, lightship: Lightship
) -> None:
    lock = read_lock(made.folder / "pylock.none.toml")
    assert lock.base_digests == {AMD64: made.digest}
    assert lock.stages[AMD64]["release"].images == {made.base: made.digest}
    image = lightship.image("demo:none")
    validate(image)
    below = layout.image(layout.names()["moved"]).manifest.layers
    assert image.manifest.layers[: len(below)] == below
    assert made.facts["pushed"]["mounted"] == sum(layer.size for layer in below)


def test_what_is_locked_asks_the_registry_nothing(
    made: Made, registry: DockerRegistry, lightship: Lightship
) -> None:
    before = len(registry.lines("GET")) + len(registry.lines("HEAD"))
    lightship.lock(made.folder, "--check")
    assert lightship.build(made.folder, "--locked", "--offline") == made.facts["digest"]
    assert len(registry.lines("GET")) + len(registry.lines("HEAD")) == before


def test_another_machine_builds_the_same_from_the_lock(
    made: Made, new_lightship: Callable[[], Lightship]
) -> None:
    other = new_lightship()
    offline = other.fails(4, "build", "--locked", "--offline", cwd=made.folder)
    assert "the image is not in the cache" in offline
    assert other.build(made.folder, "--locked") == made.facts["digest"]


def test_docker_runs_it_and_others_have_it_to_the_byte(
    made: Made, docker: Run, podman: Run, buildah: Run, tmp_path: Path
) -> None:
    docker("pull", made.name)
    assert docker("run", "--rm", "--network", "none", made.name) == SAID
    caller("skopeo")("copy", "--src-tls-verify=false", f"docker://{made.name}", f"oci:{tmp_path}/copy:demo")
    copy = Layout(tmp_path / "copy")
    assert layout_problems(copy) == []
    assert copy.names()["demo"].digest == made.facts["digest"]
    buildah("pull", "--tls-verify=false", made.name)
    assert made.facts["digest"] in buildah("images", "--digests", "--no-trunc")
    podman("pull", "--tls-verify=false", made.name)
    assert made.facts["digest"] in podman("images", "--digests", "--no-trunc")


def test_we_pull_what_podman_and_buildah_push(
    made: Made, registry: DockerRegistry, podman: Run, buildah: Run, new_lightship: Callable[[], Lightship]
) -> None:
    podman("pull", "--tls-verify=false", made.name)  # to storage that Buildah shares
    names = {form: f"{registry.host}/pushed/{form}:1" for form in ("oci", "v2s2")}
    podman("push", "--tls-verify=false", "--format", "oci", made.name, names["oci"])
    buildah("push", "--tls-verify=false", "--format", "v2s2", made.name, names["v2s2"])
    other = new_lightship()
    for name in names.values():
        assert other.ask("pull", name, cwd=made.folder)["platform"] == "linux/amd64"
        assert other.image(name).config.config.cmd == ("python", "app.py")
    assert layout_problems(other.home.images) == []


def test_upgrade_moves_what_a_lock_holds_on_to(
    registry: DockerRegistry, layout: Layout, lightship: Lightship, tmp_path: Path
) -> None:
    base = f"{registry.host}/moving:1"
    first = put(layout, "moved", base, "--dest-tls-verify=false")
    folder = project(tmp_path / "demo", base)
    lightship.lock(folder)
    second = put(layout, "cuda", base, "--dest-tls-verify=false")
    lightship.lock(folder)
    lock = read_lock(folder / "pylock.none.toml")
    assert (lock.base_digests, set(lock.stages[AMD64]["release"].images.values())) == (
        {AMD64: first},
        {first},
    )
    lightship.lock(folder, "--upgrade")
    lock = read_lock(folder / "pylock.none.toml")
    assert (lock.base_digests, set(lock.stages[AMD64]["release"].images.values())) == (
        {AMD64: second},
        {second},
    )


@pytest.mark.requires_tool("openssl")
def test_a_base_behind_tls_and_a_password(
    layout: Layout, new_lightship: Callable[[], Lightship], tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path / "tls")
    with docker_registry(tmp_path / "guarded", certificate) as guarded:
        base = f"{guarded.host}/team/python:3.11"
        trusting = ("--dest-cert-dir", str(certificate.parent), "--dest-creds", f"{USER}:{PASSWORD}")
        digest = put(layout, "moved", base, *trusting)
        folder = project(tmp_path / "demo", base)
        nobody = new_lightship().using(SSL_CERT_FILE=str(certificate.with_name("ca.crt")))
        assert "without a password" in nobody.fails(4, "lock", cwd=folder)
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        file = tmp_path / "auth.json"
        file.write_text(json.dumps({"auths": {guarded.host: {"auth": auth}}}))
        known = nobody.using(REGISTRY_AUTH_FILE=str(file))
        known.lock(folder)
        assert read_lock(folder / "pylock.none.toml").base_digests == {AMD64: digest}
        assert PASSWORD not in (folder / "pylock.none.toml").read_text()
        missing = (folder / "lightship.toml").read_text().replace("python:3.11", "python:3.1")
        (folder / "lightship.toml").write_text(missing)
        assert "the repository has no tag '3.1'" in known.fails(4, "lock", cwd=folder)


def test_other_engines_get_the_base_as_the_lock_pins_it(
    made: Made, lightship: Lightship, tmp_path: Path
) -> None:
    folder = shutil.copytree(made.folder, tmp_path / "demo")
    lightship.ask("dockerfile", cwd=folder)
    text = (folder / "Dockerfile").read_text()
    assert f"ARG PYTHON_IMAGE={made.base}@{made.digest}\n" in text
    assert f"--from={made.base}@{made.digest} /usr/lib/os-release /app/release\n" in text
