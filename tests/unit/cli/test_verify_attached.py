"""`verify` of a registry's image to which a scan of its layers is attached."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from lightship.build.home import find_home
from lightship.digest import Digest, of_bytes
from lightship.errors import UsageError
from lightship.fs.entries import Entry, Kind, directory, regular
from lightship.inspect.attached import LARGEST, MEDIA_SCAN, MOST
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_MANIFEST, Descriptor, Manifest, decode, encode
from tests.support.elves import elf
from tests.support.images import add_image, add_layer
from tests.support.installed import dist
from tests.support.registry import Registry
from tests.unit.cli.conftest import Lightship
from tests.unit.inspect.gallery.making import GOOD, bookworm

NAME = "team/app"
SAYS = "checked from its scan, attached by whoever pushed it; --full reads the layers"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def without_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def find(_: str) -> None:
        raise UsageError("bwrap is not installed")

    monkeypatch.setattr("lightship.build.sandbox.Sandbox.find", find)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def layers() -> list[list[Entry]]:
    """Give what makes the checks ask for files: records, accounts, a file that is stored twice."""
    big = bytes(range(256)) * 8000
    base = [directory("etc"), regular("etc/passwd", b"app:x:1001:1001::/:/\n"), regular("data/big", big)]
    base += bookworm("libssl3", "3.0.11-1", "openssl")
    upper = [regular("bin/sh", elf(), 0o755), regular("data/big", big, 0o600)]
    return [base, dist("torch", {"torch.py": b"x" * 5000, "../../../bin/torch": b"#!"}), upper]


@pytest.fixture
def pushed(
    lightship: Lightship, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> LayoutImage:
    """An image in the registry with its scan; what verifies it next has never seen it."""
    layout = find_home({"LIGHTSHIP_HOME": str(tmp_path / "home")}, tmp_path).images
    layout.create()
    image = add_image(layout, [add_layer(layout, layer) for layer in layers()], GOOD, "app:1")
    done = lightship("push", "app:1", f"{registry.host}/{NAME}:1", "--attest", "scan")
    assert done.code == 0, done.err
    assert done.out.endswith("  with scan\n")
    monkeypatch.setenv("LIGHTSHIP_HOME", str(tmp_path / "other"))
    registry.asked.clear()
    return image


def fetched(registry: Registry, image: LayoutImage) -> list[Digest]:
    return [item.digest for item in image.manifest.layers if registry.calls("GET", item.digest)]


def attached(registry: Registry) -> tuple[str, Manifest]:
    found = registry.content(NAME).manifests
    documents = {
        digest: decode(data, Manifest, where="") for digest, (_, data) in found.items() if b"subject" in data
    }
    ((digest, manifest),) = documents.items()
    return digest, manifest


def attach(registry: Registry, data: bytes, *, size: int = -1, layers: int = 1) -> None:
    """Put another document in the place of the scan that was attached."""
    digest, manifest = attached(registry)
    del registry.content(NAME).manifests[digest]
    blob = Descriptor(MEDIA_SCAN, registry.add_blob(NAME, data), len(data) if size < 0 else size)
    changed = encode(msgspec.structs.replace(manifest, layers=(blob,) * layers))
    registry.content(NAME).manifests[of_bytes(changed)] = (MEDIA_MANIFEST, changed)


def rewrite(registry: Registry, change: Change) -> None:
    """Change the document that is attached, and leave it one of its form."""
    _, manifest = attached(registry)
    plain = zstandard.ZstdDecompressor().decompress(
        registry.blobs[manifest.layers[0].digest], max_output_size=1 << 24
    )
    document = msgspec.msgpack.decode(plain, strict=False)
    change(document)
    attach(registry, zstandard.compress(msgspec.msgpack.encode(document)))


def verify(lightship: Lightship, registry: Registry, *options: str) -> tuple[dict[str, Any], str]:
    done = lightship("verify", f"{registry.host}/{NAME}:1", "--json", *options)
    assert done.out, done.err
    report: dict[str, Any] = json.loads(done.out)
    return report, done.err


@pytest.mark.parametrize("knows", [True, False])
def test_it_is_checked_from_its_scan_and_no_layer_is_fetched(
    lightship: Lightship,
    registry: Registry,
    pushed: LayoutImage,
    knows: bool,  # noqa: FBT001
) -> None:
    registry.has_referrers = knows
    if not knows:
        registry.asked.clear()
        attached_digest, manifest = attached(registry)
        entry = Descriptor(MEDIA_MANIFEST, Digest(attached_digest), 1, artifact_type=manifest.artifact_type)
        index = {"schemaVersion": 2, "manifests": [msgspec.to_builtins(entry)]}
        tag = str(pushed.descriptor.digest).replace(":", "-")
        media = "application/vnd.oci.image.index.v1+json"
        registry.add_manifest(NAME, tag, media, json.dumps({**index, "mediaType": media}).encode())
    told, _ = verify(lightship, registry)
    assert fetched(registry, pushed) == []
    assert told["basis"] == "scan"
    whole, _ = verify(lightship, registry, "--full")
    assert fetched(registry, pushed) == [item.digest for item in pushed.manifest.layers]
    assert whole["basis"] == "layers"
    same = ("size", "wasted", "files", "elf_files", "distributions", "layers", "image", "platform")
    assert {key: told[key] for key in same} == {key: whole[key] for key in same}
    ran = [item for item in told["findings"] if item["rule"] == "LV505-imports-not-tried"]
    assert [item["message"] for item in ran] == ["its layers are not here: `--full` fetches them"]
    assert [item for item in told["findings"] if item not in ran] == [
        item for item in whole["findings"] if not item["rule"].startswith("LV505")
    ]
    assert {"LV103-shell", "LV411-stored-twice"} <= {item["rule"] for item in told["findings"]}


def test_advisories_are_compared_with_what_the_scan_says(
    lightship: Lightship, registry: Registry, pushed: LayoutImage
) -> None:
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    affected = [
        {"package": {"name": name, "ecosystem": ecosystem}, "ranges": ranges}
        for name, ecosystem in (("torch", "PyPI"), ("openssl", "Debian:12"))
    ]
    Path("osv.json").write_text(json.dumps({"id": "CVE-1", "affected": affected}))
    report, _ = verify(lightship, registry, "--advisories", "osv.json")
    found = [item["where"] for item in report["findings"] if item["rule"] == "LV801-known-vulnerability"]
    assert (report["basis"], found) == ("scan", ["openssl", "torch"])
    assert fetched(registry, pushed) == []


def test_the_report_says_what_it_is_checked_from(
    lightship: Lightship, registry: Registry, pushed: LayoutImage
) -> None:
    assert SAYS in lightship("verify", f"{registry.host}/{NAME}:1").out
    assert SAYS not in lightship("verify", f"{registry.host}/{NAME}:1", "--full").out
    registry.asked.clear()
    assert SAYS not in lightship("verify", f"{registry.host}/{NAME}:1").out  # the layers are here now
    assert registry.calls("GET", "referrers") == []
    assert fetched(registry, pushed) == []


def test_layers_that_are_here_count_whatever_is_said_of_them(
    lightship: Lightship, registry: Registry, pushed: LayoutImage, tmp_path: Path
) -> None:
    other = find_home({"LIGHTSHIP_HOME": str(tmp_path / "other")}, tmp_path).images
    upper = add_layer(other_layout(other), layers()[2])
    assert upper.descriptor.digest == pushed.manifest.layers[2].digest

    def hide(document: dict[str, Any]) -> None:
        document["body"]["layers"][2]["members"] = []

    rewrite(registry, hide)
    told, _ = verify(lightship, registry)
    assert told["basis"] == "scan"
    assert "LV103-shell" in {item["rule"] for item in told["findings"]}
    assert fetched(registry, pushed) == []


def other_layout(layout: Layout) -> Layout:
    layout.create()
    return layout


def stale(document: dict[str, Any]) -> None:
    document["rules"] = "0.1"


def of_other_layers(document: dict[str, Any]) -> None:
    document["body"]["layers"][0]["diff_id"] = f"sha256:{'0' * 64}"


def lacking(document: dict[str, Any]) -> None:
    document["body"]["layers"][0]["texts"] = {}


def leaving(document: dict[str, Any]) -> None:
    document["body"]["layers"][0]["members"][0][0] = "../etc/passwd"


def looping(document: dict[str, Any]) -> None:
    link = ["a", Kind.SYMLINK.value, 511, 0, 0, 0, "a", -1, 0]
    below = ["a/b", Kind.DIRECTORY.value, 493, 0, 0, 0, "", -1, 0]
    document["body"]["layers"][0]["members"] += [link, below]


def numbered_twice(document: dict[str, Any]) -> None:
    members = document["body"]["layers"][0]["members"]
    members.append([*members[-1]])


def shrinking(document: dict[str, Any]) -> None:
    document["body"]["layers"][0]["unpacked"] = -1


def pairing_nothing(document: dict[str, Any]) -> None:
    document["body"]["pairs"] = [[[99, 0], [0, 0], True]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (stale, "it is of version '0.1'"),
        (of_other_layers, "it is of other layers"),
        (lacking, "it does not say what is in etc/passwd"),
        (leaving, "leaves the tree"),
        (looping, "loop"),
        (numbered_twice, "two files have one number"),
        (shrinking, "a size is negative"),
        (pairing_nothing, "it is damaged"),
    ],
)
def test_what_cannot_be_used_is_told_and_the_layers_are_read(
    lightship: Lightship, registry: Registry, pushed: LayoutImage, change: Change, words: str
) -> None:
    rewrite(registry, change)
    report, said = verify(lightship, registry)
    assert "no scan of the image is used, and its layers are read: " in said
    assert words in said
    assert report["basis"] == "layers"
    assert fetched(registry, pushed) == [item.digest for item in pushed.manifest.layers]


@dataclass(frozen=True)
class Hostile:
    """A document of `data`, which its descriptor says has `size` bytes, in each of `layers` layers."""

    data: bytes
    words: str
    size: int = -1
    layers: int = 1


@pytest.mark.parametrize(
    "hostile",
    [
        Hostile(b"no zstd", "it does not decompress"),
        Hostile(zstandard.compress(b"\xc1"), "it is damaged"),
        Hostile(zstandard.compress(b""), "it is damaged"),
        Hostile(zstandard.compress(b"\x82\xa5rules\xa3?.1\xa4body" + b"\x91" * 100_000), "recursion"),
        Hostile(zstandard.compress(bytes(MOST + 1)), "it decompresses to more than"),
        Hostile(b"x", "are the most", size=LARGEST + 1),
        Hostile(b"x", "it is no document about this image", layers=2),
    ],
    ids=lambda hostile: hostile.words,
)
def test_a_hostile_document_is_told_and_the_layers_are_read(
    lightship: Lightship, registry: Registry, pushed: LayoutImage, hostile: Hostile
) -> None:
    attach(registry, hostile.data, size=hostile.size, layers=hostile.layers)
    report, said = verify(lightship, registry)
    assert hostile.words in said
    assert report["basis"] == "layers"
    assert fetched(registry, pushed) == [item.digest for item in pushed.manifest.layers]


def test_what_a_stranger_says_of_layers_is_not_remembered(
    lightship: Lightship, registry: Registry, pushed: LayoutImage, tmp_path: Path
) -> None:
    verify(lightship, registry)
    assert fetched(registry, pushed) == []
    cache = find_home({"LIGHTSHIP_HOME": str(tmp_path / "other")}, tmp_path).cache
    assert list(cache.rglob("*scans*")) == []
    assert list(cache.rglob("listing")) == []


def test_mostly_metadata_is_fetched(lightship: Lightship, registry: Registry, pushed: LayoutImage) -> None:
    verify(lightship, registry)
    blobs = [asked.path.rpartition("/")[2] for asked in registry.calls("GET", "/blobs/")]
    _, manifest = attached(registry)
    assert sorted(blobs) == sorted([pushed.manifest.config.digest, manifest.layers[0].digest])


def test_a_registry_that_lists_nothing_is_told_and_the_layers_are_read(
    lightship: Lightship, registry: Registry, pushed: LayoutImage
) -> None:
    registry.has_referrers = False
    registry.add_manifest(NAME, str(pushed.descriptor.digest).replace(":", "-"), MEDIA_MANIFEST, b"[]")
    report, said = verify(lightship, registry)
    assert "no scan of the image is used, and its layers are read: " in said
    assert report["basis"] == "layers"


def test_a_layer_that_is_there_twice_counts_twice(
    lightship: Lightship, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = find_home({"LIGHTSHIP_HOME": str(tmp_path / "home")}, tmp_path).images
    layout.create()
    twice, other = (add_layer(layout, layer) for layer in layers()[:2])
    image = add_image(layout, [twice, other, twice], GOOD, "app:1")
    name = f"{registry.host}/{NAME}:1"
    lightship("push", "app:1", name, "--attest", "scan")
    monkeypatch.setenv("LIGHTSHIP_HOME", str(tmp_path / "other"))
    told, _ = verify(lightship, registry)
    for part in (other, twice):  # one after the other comes here
        near = find_home({"LIGHTSHIP_HOME": str(tmp_path / "other")}, tmp_path).images
        near.create()
        near.write(part.descriptor.media_type, layout.read(part.descriptor))
        again, _ = verify(lightship, registry)
        same = ("size", "wasted", "files", "distributions")
        assert {key: again[key] for key in same} == {key: told[key] for key in same}
    assert fetched(registry, image) == []
    assert told["wasted"] > 0


def test_an_image_of_an_unknown_platform_has_no_scan(
    lightship: Lightship, registry: Registry, tmp_path: Path
) -> None:
    layout = find_home({"LIGHTSHIP_HOME": str(tmp_path / "home")}, tmp_path).images
    layout.create()
    add_image(layout, [add_layer(layout, layers()[0])], GOOD, "app:1", architecture="riscv64")
    done = lightship("push", "app:1", f"{registry.host}/{NAME}:1", "--attest", "scan")
    assert (done.code, done.out) == (2, "")
    assert "the image is for linux/riscv64, whose programs are not known" in done.err


def test_nothing_is_fetched_for_a_start_that_cannot_be(
    lightship: Lightship, registry: Registry, pushed: LayoutImage
) -> None:
    done = lightship("verify", f"{registry.host}/{NAME}:1", "--start")
    assert "bwrap is not installed" in done.err
    assert done.code == 2
    assert fetched(registry, pushed) == []
