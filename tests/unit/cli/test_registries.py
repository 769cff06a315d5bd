from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_CONFIG, MEDIA_MANIFEST, encode
from lightship.oci.validate import layout_problems
from tests.support.images import hello_image
from tests.support.locked import Locked
from tests.support.published import publish, publish_index
from tests.support.registry import Registry
from tests.unit.cli.conftest import Lightship


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "home" / "data" / "images")
    layout.create()
    return layout


@pytest.fixture
def hello(store: Layout) -> LayoutImage:
    return hello_image(store, name="hello:1")


def other_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setenv("LIGHTSHIP_HOME", str(tmp_path / "other"))
    return Layout(tmp_path / "other" / "data" / "images")


def test_push_says_what_was_sent_and_then_that_all_is_there(
    lightship: Lightship, registry: Registry, hello: LayoutImage
) -> None:
    name = f"{registry.host}/team/hello:1"
    size = sum(blob.size for blob in (hello.manifest.config, *hello.manifest.layers))
    first = json.loads(lightship("push", "hello:1", name, "--json").out)
    assert first == {
        "name": name,
        "digest": hello.descriptor.digest,
        "sent": size,
        "mounted": 0,
        "there": 0,
        "attestations": [],
    }
    shown = lightship("push", "hello:1", name)
    assert shown.out == f"{name}  {hello.descriptor.digest}\n  {size / 1000:.3g} kB there already\n"
    moved = json.loads(lightship("push", "hello:1", f"{registry.host}/other/hello:1", "--json").out)
    assert (moved["sent"], moved["mounted"]) == (0, size)


def test_push_takes_the_place_from_the_images_name(
    lightship: Lightship, registry: Registry, hello: LayoutImage, store: Layout
) -> None:
    refused = lightship("push", "hello:1")
    assert refused.code == 2
    assert "'hello:1' names no registry" in refused.err
    assert "lightship push hello:1 registry.example.com/hello:1" in refused.err
    name = f"{registry.host}/team/hello:1"
    store.tag(name, hello.descriptor)
    assert lightship("push", name).code == 0
    assert registry.content("team/hello").tags == {"1": hello.descriptor.digest}


def test_push_wants_a_tag(lightship: Lightship, registry: Registry, hello: LayoutImage) -> None:
    refused = lightship("push", "hello:1", f"{registry.host}/hello@{hello.descriptor.digest}")
    assert refused.code == 2
    assert "images are pushed under a tag" in refused.err


def test_pull_brings_it_to_another_store(
    lightship: Lightship,
    registry: Registry,
    hello: LayoutImage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"{registry.host}/team/hello:1"
    lightship("push", "hello:1", name)
    other = other_home(tmp_path, monkeypatch)
    shown = lightship("pull", name)
    assert shown.out.startswith(f"{name}  linux/amd64  {hello.descriptor.digest}\n")
    assert layout_problems(other) == []
    assert list(other.names()) == [name]
    again = json.loads(lightship("pull", name, "--json").out)
    assert (again["received"], again["digest"]) == (0, again["source"])
    missing = lightship("pull", name, "--platform", "linux/arm64")
    assert missing.code == 2
    assert "not there for linux/arm64; it is for linux/amd64" in missing.err


def arm64_of(hello: LayoutImage) -> LayoutImage:
    store = hello.layout
    config = store.write(MEDIA_CONFIG, encode(replace(hello.config, architecture="arm64")))
    return store.image(store.write(MEDIA_MANIFEST, encode(replace(hello.manifest, config=config))))


def test_pull_brings_a_whole_index(
    lightship: Lightship,
    registry: Registry,
    hello: LayoutImage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = {"linux/amd64": hello, "linux/arm64": arm64_of(hello)}
    digest = publish_index(registry, "team/hello", "1", images)
    other = other_home(tmp_path, monkeypatch)
    name = f"{registry.host}/team/hello:1"
    shown = lightship("pull", name, "--all-platforms")
    assert shown.out.splitlines()[0] == f"{name}  index of 2 platforms  {digest}"
    assert layout_problems(other) == []
    again = json.loads(lightship("pull", name, "--all-platforms", "--json").out)
    assert (again["digest"], again["source"], again["received"]) == (digest, digest, 0)
    assert again["platforms"] == ["linux/amd64", "linux/arm64"]
    moved = lightship("push", name, f"{registry.host}/copy:1", "--json")
    assert json.loads(moved.out)["sent"] == 0
    publish(registry, "team/hello", "1", hello)
    assert f"{name}  linux/amd64  {hello.descriptor.digest}" in lightship("pull", name, "--all-platforms").out
    assert lightship("pull", name, "--all-platforms", "--platform", "linux/amd64").code == 2


def test_of_an_index_in_dockers_format_comes_one_of_ocis(
    lightship: Lightship, registry: Registry, hello: LayoutImage
) -> None:
    digest = publish(registry, "team/hello", "amd64", hello, older=True)
    kind, data = registry.content("team/hello").manifests[digest]
    platform = {"os": "linux", "architecture": "amd64"}
    entry = {"mediaType": kind, "digest": digest, "size": len(data), "platform": platform}
    kind = "application/vnd.docker.distribution.manifest.list.v2+json"
    listed = {"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}
    whole = registry.add_manifest("team/hello", "1", kind, json.dumps(listed).encode())
    name = f"{registry.host}/team/hello:1"
    pulled = json.loads(lightship("pull", name, "--all-platforms", "--json").out)
    assert pulled["source"] == whole != pulled["digest"]
    assert pulled["platforms"] == ["linux/amd64"]
    assert layout_problems(hello.layout) == []


def test_a_pulled_image_pushed_elsewhere_is_mounted(
    lightship: Lightship,
    registry: Registry,
    hello: LayoutImage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lightship("push", "hello:1", f"{registry.host}/team/hello:1")
    other_home(tmp_path, monkeypatch)
    lightship("pull", f"{registry.host}/team/hello:1")
    pushed = lightship("push", f"{registry.host}/team/hello:1", f"{registry.host}/copy:1", "--json")
    assert json.loads(pushed.out)["mounted"] == sum(layer.size for layer in hello.manifest.layers)


def test_compare_reads_a_remote_image_without_its_layers(
    lightship: Lightship,
    registry: Registry,
    hello: LayoutImage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"{registry.host}/team/hello:1"
    lightship("push", "hello:1", name)
    other_home(tmp_path, monkeypatch)
    registry.asked.clear()
    (found,) = json.loads(lightship("compare", name, "--json").out)["images"]
    assert (found["unpacked"], found["layers"]) == (None, 2)
    assert found["compressed"] == sum(layer.size for layer in hello.manifest.layers)
    assert [asked.method for asked in registry.calls(words="/blobs/")] == ["GET"]
    shown = lightship("compare", name, name).out
    assert "lightship pull" in shown
    lightship("pull", name)
    (measured,) = json.loads(lightship("compare", name, "--json").out)["images"]
    assert measured["unpacked"] > found["compressed"]


def test_the_store_comes_before_the_registry_unless_docker_is_written_before(
    lightship: Lightship, registry: Registry, hello: LayoutImage, store: Layout
) -> None:
    name = f"{registry.host}/team/hello:1"
    store.tag(name, hello.descriptor)
    assert (
        json.loads(lightship("compare", name, "--json").out)["images"][0]["digest"] == hello.descriptor.digest
    )
    assert registry.asked == []
    missing = lightship("compare", f"docker://{name}")
    assert missing.code == 4
    assert "the registry has no such repository" in missing.err


def test_verify_reads_the_layers_that_are_not_known(
    lightship: Lightship,
    registry: Registry,
    hello: LayoutImage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"{registry.host}/team/hello:1"
    lightship("push", "hello:1", name)
    other = other_home(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", "")  # no sandbox: nothing of the image is run
    registry.asked.clear()
    found = json.loads(lightship("verify", name, "--json").out)
    assert found["image"] == hello.descriptor.digest
    assert len(registry.calls("GET", "/blobs/")) == 3
    assert not other.names()
    lightship("verify", name)
    assert len(registry.calls("GET", "/blobs/")) == 4  # the configuration alone


def test_a_name_without_a_registry_says_how_to_fetch_it(lightship: Lightship) -> None:
    refused = lightship("verify", "python:3.11")
    assert refused.code == 2
    assert "lightship pull" in refused.err


def test_build_pushes_what_it_made(lightship: Lightship, made: Locked, registry: Registry) -> None:
    name = f"{registry.host}/team/app:1"
    found = json.loads(lightship("build", made.folder, "--locked", "--push", name, "--json").out)
    assert registry.content("team/app").tags == {"1": found["digest"]}
    assert found["pushed"]["sent"] > found["compressed"]
    shown = lightship("build", made.folder, "--locked", "--push", name)
    assert f"{name}  {found['digest']}" in shown.out
    assert shown.out.endswith("there already\n  with provenance\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--offline",), "--push needs the network"),
        (("--variant", "none", "--variant", "other"), "cannot name several variants"),
    ],
)
def test_a_push_that_cannot_be_is_refused_before_the_build(
    lightship: Lightship, made: Locked, options: tuple[str, ...], words: str
) -> None:
    refused = lightship("build", made.folder, "--push", "registry.example.com/app:1", *options)
    assert refused.code == 2
    assert words in refused.err
    refused = lightship("build", made.folder, "--push", f"registry.example.com/app@sha256:{'0' * 64}")
    assert "--push wants a tag" in refused.err


@pytest.mark.usefixtures("hello")
def test_credentials_come_from_docker_or_the_command_line(
    lightship: Lightship,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    name = f"{registry.host}/team/hello:1"
    nobody = lightship("push", "hello:1", name, "--debug", "-v")
    assert nobody.code == 4
    assert "without a password" in nobody.err
    file = tmp_path / "user" / ".docker" / "config.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"auths": {registry.host: {"auth": base64.b64encode(b"me:wrong1").decode()}}}))
    wrong = lightship("push", "hello:1", name, "--debug", "-v")
    assert wrong.code == 4
    assert "does not accept the password of user 'me'" in wrong.err
    assert f"the password is from {file}" in wrong.err
    assert "wrong1" not in wrong.err + wrong.out
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    assert lightship("push", "hello:1", name, "--username", "me", "--password-stdin").code == 0
    assert "go together" in lightship("pull", name, "--username", "me").err


def test_plain_http_is_for_those_who_say_so(
    lightship: Lightship, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", f"http://{registry.host}")
    monkeypatch.setenv("LIGHTSHIP_PLAIN_HTTP", "registry.example.com, other.example.com")
    assert lightship("pull", "registry.example.com/app:1").code == 4
    assert registry.asked[0].path == "http://registry.example.com/v2/app/manifests/1"
