from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.build.machine import Machine
from lightship.oci.index import open_stored, write_index
from lightship.oci.layout import Layout
from lightship.oci.model import MEDIA_CONFIG, MEDIA_INDEX, MEDIA_MANIFEST, Index, decode, encode
from lightship.oci.validate import layout_problems
from lightship.platform import Platform
from tests.support.images import hello_image
from tests.support.locked import Locked, write_lock_for
from tests.support.registry import Registry
from tests.unit.cli.conftest import Lightship

AMD64, ARM64 = Platform("amd64"), Platform("arm64")
BOTH = ("--platform", "linux/amd64,linux/arm64")


@pytest.fixture
def both(made: Locked) -> Locked:
    write_lock_for(made, AMD64, ARM64)
    return made


@pytest.fixture(params=[AMD64, ARM64], ids=str)
def own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """What this machine's platform is taken to be."""
    platform: Platform = request.param
    monkeypatch.setattr(Machine, "platform", platform)
    return platform


def test_several_platforms_make_one_index(lightship: Lightship, both: Locked) -> None:
    built = json.loads(lightship("build", both.folder, "--locked", "--offline", *BOTH, "--json").out)
    layout = both.machine().home.images
    named = layout.names()["project:none"]
    assert (named.media_type, named.digest) == (MEDIA_INDEX, built["digest"])
    assert [each["platform"] for each in built["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert layout_problems(layout) == []
    amd64, arm64 = (layout.image(item) for item in decode(layout.read(named), Index, where="").manifests)
    assert (amd64.config.platform, arm64.config.platform) == (AMD64, ARM64)
    shared = {layer.diff_id for layer in amd64.layers} & {layer.diff_id for layer in arm64.layers}
    assert len(shared) == len(amd64.layers) - 1, "all but the base are the same"


def test_repeated_options_and_their_order_make_the_same_index(lightship: Lightship, both: Locked) -> None:
    options = ("--platform", "linux/arm64", "--platform", "linux/amd64", "--platform", "amd64", "--json")
    one = json.loads(lightship("build", both.folder, "--locked", "--offline", *options).out)
    other = json.loads(lightship("build", both.folder, "--locked", "--offline", *BOTH, "--json").out)
    assert one["digest"] == other["digest"]


def test_the_images_of_an_index_are_those_of_single_builds(lightship: Lightship, both: Locked) -> None:
    whole = json.loads(lightship("build", both.folder, "--locked", "--offline", *BOTH, "--json").out)
    for each in whole["platforms"]:
        options = ("--locked", "--offline", "--platform", each["platform"], "--json")
        assert json.loads(lightship("build", both.folder, *options).out)["digest"] == each["digest"]


def test_a_layout_takes_the_index_whole(lightship: Lightship, both: Locked, tmp_path: Path) -> None:
    out = Layout(tmp_path / "out")
    shown = lightship("build", both.folder, "--locked", "--offline", *BOTH, "-o", f"oci:{out.path}")
    assert shown.out.startswith("found: ")
    assert "project:none  index of 2 platforms  sha256:" in shown.out
    assert "\nlinux/amd64  sha256:" in shown.out
    assert "\nlinux/arm64  sha256:" in shown.out
    assert layout_problems(out) == []
    store = both.machine().home.images
    assert out.names()["project:none"].digest == store.names()["project:none"].digest
    stored = open_stored(out, out.names()["project:none"])
    assert stored.descriptor.media_type == MEDIA_INDEX


def test_what_holds_one_image_takes_this_machines(lightship: Lightship, both: Locked, tmp_path: Path) -> None:
    output = ("-o", f"docker-archive:{tmp_path}/a.tar")
    shown = lightship("build", both.folder, "--locked", "--offline", *BOTH, *output, "--json")
    built = json.loads(shown.out)["platforms"]
    own = next(each for each in built if each["platform"] == str(both.machine().platform))
    with tarfile.open(tmp_path / "a.tar") as tar:
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        config = json.load(stream)[0]["Config"]
    image = both.machine().home.images
    manifest = image.blob_path(own["digest"]).read_text()
    assert config.removesuffix(".json").rpartition("/")[2] in manifest


@pytest.mark.parametrize("options", [["--load"], ["-o", "rootfs:root"], ["-o", "docker-archive:a.tar"]])
def test_what_holds_one_image_is_refused_before_a_build_that_has_none_for_it(
    lightship: Lightship, both: Locked, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(Machine, "platform", None)
    shown = lightship("build", both.folder, "--locked", "--offline", *BOTH, *options)
    assert (shown.code, shown.out) == (2, "")
    assert "takes the image for this machine, and it is none of linux/amd64, linux/arm64" in shown.err
    assert not both.machine().home.images.path.exists()


def test_images_lists_what_is_in_an_index(lightship: Lightship, both: Locked) -> None:
    built = json.loads(lightship("build", both.folder, "--locked", "--offline", *BOTH, "--json").out)
    lightship("build", both.folder, "--locked", "--offline", "-t", "single")
    whole, *each = lightship("images").out.splitlines()[1:4]
    assert whole.split()[:2] == ["project:none", "index"]
    assert built["digest"][:19] in whole
    assert [line.split()[0] for line in each] == ["linux/amd64", "linux/arm64"]
    listed = json.loads(lightship("images", "--json").out)
    assert [(item["name"], item["platform"]) for item in listed] == [
        ("project:none", "linux/amd64"),
        ("project:none", "linux/arm64"),
        ("single:latest", "linux/amd64"),
    ]
    assert [item["index"] for item in listed] == [built["digest"], built["digest"], None]
    unique = int(whole.split()[4])
    assert unique == int(each[0].split()[3]) + 1


def test_compare_and_verify_choose_this_machines_image(
    lightship: Lightship, both: Locked, own: Platform
) -> None:
    built = json.loads(lightship("build", both.folder, "--locked", "--offline", *BOTH, "--json").out)
    digests = {each["platform"]: each["digest"] for each in built["platforms"]}
    for options, platform in (((), own), (("--platform", "linux/arm64"), ARM64)):
        compared = json.loads(lightship("compare", "project:none", *options, "--json").out)["images"]
        assert compared[0]["digest"] == digests[str(platform)]
        verified = json.loads(lightship("verify", both.folder, *options, "--json", "-q").out)
        assert (verified["image"], verified["platform"]) == (digests[str(platform)], str(platform))


def test_verify_sees_files_for_another_machine_in_an_image_of_an_index(
    lightship: Lightship, made: Locked
) -> None:
    layout = made.machine().home.images
    layout.create()
    right = hello_image(layout)
    config = replace(right.config, architecture="arm64")
    manifest = replace(right.manifest, config=layout.write(MEDIA_CONFIG, encode(config)))
    wrong = layout.write(MEDIA_MANIFEST, encode(manifest))
    layout.tag("hello:1", write_index(layout, [right.descriptor, wrong]))
    found = {}
    for platform in (AMD64, ARM64):
        shown = lightship("verify", "hello:1", "--platform", platform, "--json", "-q")
        found[platform] = {item["rule"] for item in json.loads(shown.out)["findings"]}
    assert {platform for platform in found if "LV205-wrong-machine" in found[platform]} == {ARM64}


def test_run_takes_only_what_this_machine_can_start(
    lightship: Lightship, both: Locked, monkeypatch: pytest.MonkeyPatch, own: Platform
) -> None:
    monkeypatch.setattr("lightship.build.sandbox.Sandbox.find", lambda _: None)
    other = ARM64 if own == AMD64 else AMD64
    options = ("--locked", "--offline", "--platform", other)
    lightship("build", both.folder, *options, "-t", "other")
    layout = both.machine().home.images
    layout.tag("index:1", write_index(layout, [layout.names()["other:latest"]]))
    for name, words in {
        "other": f"an image for {other} cannot be started on this machine",
        "index:1": f"'index:1' has no image for {own}: it is for {other}",
    }.items():
        shown = lightship("run", name)
        assert shown.code == 2
        assert words in shown.err


def test_a_platform_that_is_not_there_is_named(lightship: Lightship, made: Locked) -> None:
    lightship("build", made.folder, "--locked", "--offline")
    for command in ("verify", "compare"):
        shown = lightship(command, "project:none", "--platform", "linux/arm64")
        assert shown.code == 2
        assert "'project:none' has no image for linux/arm64: it is for linux/amd64" in shown.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--platform", "linux/amd64,windows/arm64"], "unknown platform 'windows/arm64'"),
        (["--platform", "linux/amd64,"], "unknown platform ''"),
        ([*BOTH, "--engine", "docker"], "which docker is not asked for"),
        ([*BOTH], "the lock was not made for linux/arm64"),
    ],
)
def test_wrong_platforms_are_code_2(
    lightship: Lightship, made: Locked, options: list[str], words: str
) -> None:
    shown = lightship("build", made.folder, "--locked", *options)
    assert (shown.code, shown.out) == (2, "")
    assert words in shown.err


def test_an_engines_store_has_no_indexes(lightship: Lightship) -> None:
    shown = lightship("verify", "demo", "--engine", "docker", "--platform", "linux/arm64")
    assert shown.code == 2
    assert "--platform chooses from an index, and docker's store has none" in shown.err


def test_an_index_is_pushed_whole_and_read_by_platform(
    lightship: Lightship, both: Locked, registry: Registry, own: Platform
) -> None:
    name = f"{registry.host}/team/demo:1"
    shown = lightship("build", both.folder, "--locked", *BOTH, "-t", "demo", "--push", name, "--json")
    built = json.loads(shown.out)
    assert registry.content("team/demo").tags == {"1": built["digest"]} == {"1": built["pushed"]["digest"]}
    digests = {each["platform"]: each["digest"] for each in built["platforms"]}
    for options, platform in (((), own), (("--platform", "linux/arm64"), ARM64)):
        compared = json.loads(lightship("compare", f"docker://{name}", *options, "--json").out)["images"]
        assert compared[0]["digest"] == digests[str(platform)]
    again = json.loads(lightship("push", "demo", name, "--json").out)
    assert (again["digest"], again["sent"]) == (built["digest"], 0)


def test_prune_keeps_what_an_index_needs(lightship: Lightship, both: Locked) -> None:
    lightship("build", both.folder, "--locked", "--offline", *BOTH)
    layout = both.machine().home.images
    before = sorted(path.name for path in layout.blobs.iterdir())
    lightship("cache", "prune")
    assert sorted(path.name for path in layout.blobs.iterdir()) == before
    index = decode(layout.read(layout.names()["project:none"]), Index, where="")
    layout.tag("project:none", index.manifests[0])
    lightship("cache", "prune")
    assert layout_problems(layout) == []
    assert len(before) - len(list(layout.blobs.iterdir())) == 4, "index, manifest, configuration, base"
