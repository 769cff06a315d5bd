from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightship.errors import IntegrityError, NetworkError, UsageError
from lightship.events import SilentReporter
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_INDEX, MEDIA_MANIFEST
from lightship.oci.validate import layout_problems, validate
from lightship.platform import Platform
from lightship.registry.pull import Pulled, pull_image
from lightship.registry.remote import RemoteImage, open_remote
from lightship.registry.wire import Wire
from tests.support.registry import Registry
from tests.support.registry_faults import Fault, Planned
from tests.unit.registry.conftest import Clock, Connect

AMD64, ARM64 = Platform("amd64"), Platform("arm64")
DOCKER = "application/vnd.docker."


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "store")
    layout.create()
    return layout


def serve_image(registry: Registry, image: LayoutImage) -> None:
    for blob in (image.manifest.config, *image.manifest.layers):
        registry.add_blob("app", image.layout.read(blob))
    registry.add_manifest("app", "1", MEDIA_MANIFEST, image.layout.read(image.descriptor))


def serve_index(registry: Registry, *entries: tuple[str, str], media_type: str = MEDIA_INDEX) -> None:
    digest = next(iter(registry.content("app").manifests))
    kind, data = registry.content("app").manifests[digest]
    manifests = [
        {
            "mediaType": kind,
            "digest": digest,
            "size": len(data),
            "platform": {"os": os, "architecture": architecture},
        }
        for os, architecture in entries
    ]
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
    registry.add_manifest("app", "many", media_type, json.dumps(index).encode())


def opened(
    wire: Wire, registry: Registry, store: Layout, target: str = "1", platform: Platform = AMD64, **more: bool
) -> RemoteImage:
    return open_remote(wire, registry.repository("app"), target, store, platform=platform, **more)


def pull(wire: Wire, registry: Registry, store: Layout, target: str = "1") -> Pulled:
    return pull_image(opened(wire, registry, store, target), store, SilentReporter())


def test_the_image_comes_whole_and_checked(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    serve_image(registry, image)
    pulled = pull(connect(), registry, store)
    assert pulled.descriptor.digest == pulled.source.digest == image.descriptor.digest
    assert (pulled.received, pulled.there) == (sum(layer.size for layer in image.manifest.layers), 0)
    store.tag("app:1", pulled.descriptor)
    assert layout_problems(store) == []
    validate(store.image(pulled.descriptor))


def test_what_is_there_is_not_fetched_again(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    serve_image(registry, image)
    layer = image.manifest.layers[1]
    store.write(layer.media_type, image.layout.read(layer))
    assert pull(connect(), registry, store).there == layer.size
    registry.asked.clear()
    again = pull(connect(), registry, store)
    assert again.received == 0
    assert [str(asked) for asked in registry.calls(words="/app/")] == ["GET /v2/app/manifests/1"]


def test_of_an_index_comes_the_platform_that_is_asked_for(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    serve_image(registry, image)
    serve_index(registry, ("unknown", "unknown"), ("linux", "arm64"), ("linux", "amd64"))
    assert opened(connect(), registry, store, "many").descriptor.digest == image.descriptor.digest
    serve_index(
        registry,
        ("unknown", "unknown"),
        ("linux", "s390x"),
        media_type=f"{DOCKER}distribution.manifest.list.v2+json",
    )
    with pytest.raises(UsageError, match="not there for linux/amd64; it is for linux/s390x"):
        opened(connect(), registry, store, "many")


def test_an_image_alone_is_what_it_is_unless_a_platform_is_asked_for(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    serve_image(registry, image)
    assert opened(connect(), registry, store, platform=ARM64).config.architecture == "amd64"
    with pytest.raises(UsageError, match="not there for linux/arm64; it is for linux/amd64"):
        opened(connect(), registry, store, platform=ARM64, exact=True)


def test_dockers_older_format_becomes_ocis(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    serve_image(registry, image)
    document = json.loads(image.layout.read(image.descriptor))
    document["mediaType"] = f"{DOCKER}distribution.manifest.v2+json"
    document["config"]["mediaType"] = f"{DOCKER}container.image.v1+json"
    for layer in document["layers"]:
        layer["mediaType"] = f"{DOCKER}image.rootfs.diff.tar.gzip"
    digest = registry.add_manifest("app", "old", document["mediaType"], json.dumps(document).encode())
    pulled = pull(connect(), registry, store, "old")
    assert pulled.source.digest == digest
    assert pulled.descriptor.digest == image.descriptor.digest
    store.tag("app:old", pulled.descriptor)
    assert layout_problems(store) == []


def test_layers_that_lie_elsewhere_are_refused(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    document = json.loads(image.layout.read(image.descriptor))
    document["mediaType"] = f"{DOCKER}distribution.manifest.v2+json"
    document["layers"][0]["mediaType"] = f"{DOCKER}image.rootfs.foreign.diff.tar.gzip"
    registry.add_manifest("app", "old", document["mediaType"], json.dumps(document).encode())
    with pytest.raises(UsageError, match=r"foreign.* is a kind of layer that is not in the registry"):
        pull(connect(), registry, store, "old")


@pytest.mark.parametrize("data", [b'{"schemaVersion":1,"fsLayers":[]}', b"{}", b'{"mediaType":"text/html"}'])
def test_what_is_no_image_is_refused(
    registry: Registry, connect: Connect, store: Layout, data: bytes
) -> None:
    registry.add_manifest("app", "1", "application/json", data)
    with pytest.raises(UsageError, match="no manifest of an image that Lightship knows"):
        opened(connect(), registry, store)


def test_a_missing_tag_and_a_missing_repository_are_told_apart(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    wire = connect()
    with pytest.raises(NetworkError, match="the registry has no such repository"):
        opened(wire, registry, store)
    serve_image(registry, image)
    with pytest.raises(NetworkError, match="the repository has no tag 'gone'"):
        opened(wire, registry, store, "gone")
    registry.add_manifest("app", "release-1.4", MEDIA_MANIFEST, b"{}")
    with pytest.raises(NetworkError, match=r"no tag 'release-1\.5'") as raised:
        opened(wire, registry, store, "release-1.5")
    assert raised.value.hint == "did you mean release-1.4?"
    with pytest.raises(NetworkError, match="the repository has no manifest sha256:000"):
        opened(wire, registry, store, f"sha256:{'0' * 64}")


def test_a_body_that_breaks_off_is_taken_up_where_it_ended(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    serve_image(registry, image)
    layer = image.manifest.layers[0]
    registry.faults = Planned("GET", layer.digest, [Fault.CUT_ANSWER] * 2)
    pull(connect(), registry, store)
    ranges = [asked.headers["Range"] for asked in registry.calls("GET", layer.digest)]
    half, quarter = layer.size // 2, (layer.size - layer.size // 2) // 2
    assert ranges == [None, f"bytes={half}-", f"bytes={half + quarter}-"]


def test_a_manifest_that_breaks_off_is_read_again(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout, clock: Clock
) -> None:
    serve_image(registry, image)
    registry.faults = Planned("GET", "manifests", [Fault.CUT_ANSWER])
    pull(connect(), registry, store)
    assert clock.slept == [0.5]


@pytest.mark.parametrize("words", ["manifests", "blobs"])
def test_damage_is_found_and_nothing_kept(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout, words: str
) -> None:
    serve_image(registry, image)
    registry.faults = Planned("GET", words, [Fault.DAMAGE] * 9)
    with pytest.raises(IntegrityError, match="the registry sent a"):
        pull(connect(), registry, store)
    assert list(store.blobs.iterdir()) == []


@pytest.mark.parametrize(("change", "words"), [(-1, "bytes, not"), (1, "more than")])
def test_a_blob_of_another_size_is_refused(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout, change: int, words: str
) -> None:
    serve_image(registry, image)
    layer = image.manifest.layers[0]
    data = registry.blobs[layer.digest]
    registry.blobs[layer.digest] = data[:-1] if change < 0 else data + b"x"
    with pytest.raises(IntegrityError, match=words):
        pull(connect(), registry, store)


def test_blob_stores_elsewhere_get_no_password(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    from lightship.registry.credentials import Credential

    serve_image(registry, image)
    registry.auth, registry.users, registry.redirects = "basic", {"me": "secret"}, True
    pull(connect(Credential("me", "secret")), registry, store)
    stored = registry.calls("GET", "/store/")
    assert len(stored) == 3
    assert [asked.headers["Authorization"] for asked in stored] == [None] * 3


def test_reading_fetches_only_what_is_asked_for(
    registry: Registry, connect: Connect, image: LayoutImage, store: Layout
) -> None:
    serve_image(registry, image)
    remote = opened(connect(), registry, store)
    assert remote.manifest == image.manifest
    assert len(registry.calls(words="/app/")) == 1
    assert remote.config == image.config
    assert [layer.diff_id for layer in remote.layers] == [layer.diff_id for layer in image.layers]
    assert len(registry.calls(words="/app/")) == 2
    validate(remote)
    assert len(registry.calls("GET", "/app/blobs/")) == 3


def test_what_the_store_has_is_read_there(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    serve_image(registry, image)
    validate(opened(connect(), registry, image.layout))
    assert registry.calls("GET", "/app/blobs/") == []
