from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.digest import of_bytes
from lightship.errors import IntegrityError, LightshipError, NetworkError
from lightship.events import SilentReporter
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_INDEX, Index, PlatformField, encode
from lightship.registry.push import Pushed, push_image
from lightship.registry.wire import Wire
from tests.support.places import Places
from tests.support.registry import Registry
from tests.support.registry_faults import Fault, Planned
from tests.unit.registry.conftest import Clock, Connect


def push(
    wire: Wire, registry: Registry, image: LayoutImage, name: str = "team/app", places: Places | None = None
) -> Pushed:
    return push_image(
        wire,
        image.layout,
        image.descriptor,
        registry.repository(name),
        "1.0",
        places=places or Places(),
        reporter=SilentReporter(),
    )


def check(registry: Registry, image: LayoutImage, name: str = "team/app") -> None:
    """The registry has the very image: every byte of it, under its tag."""
    content = registry.content(name)
    assert content.tags["1.0"] == image.descriptor.digest
    assert content.manifests[image.descriptor.digest][1] == image.layout.read(image.descriptor)
    for blob in (image.manifest.config, *image.manifest.layers):
        assert blob.digest in content.blobs
        assert registry.blobs[blob.digest] == image.layout.read(blob)


def blobs_size(image: LayoutImage) -> int:
    return sum(blob.size for blob in (image.manifest.config, *image.manifest.layers))


def test_everything_arrives_and_the_manifest_last(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    pushed = push(connect(), registry, image)
    check(registry, image)
    assert pushed == Pushed(image.descriptor, sent=blobs_size(image), mounted=0, there=0)
    assert str(registry.asked[-1]) == "PUT /v2/team/app/manifests/1.0"
    assert registry.asked[-1].headers["Content-Type"] == image.descriptor.media_type


def test_the_same_again_is_one_question(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    push(connect(), registry, image)
    registry.asked.clear()
    again = push(connect(), registry, image)
    assert again.there == blobs_size(image)
    assert list(map(str, registry.calls(words="team/app"))) == ["HEAD /v2/team/app/manifests/1.0"]


def test_only_what_is_missing_is_sent(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    there, missing = image.manifest.layers
    registry.add_blob("team/app", image.layout.read(there))
    pushed = push(connect(), registry, image)
    check(registry, image)
    assert pushed.there == there.size
    assert pushed.sent == missing.size + image.manifest.config.size
    assert registry.received() == pushed.sent + image.descriptor.size


def changed(image: LayoutImage) -> LayoutImage:
    """Give the next image of the same service: another configuration, and the same layers."""
    layout, config = image.layout, replace(image.config, created="2020-01-01T00:00:00Z")
    stored = layout.write(image.manifest.config.media_type, encode(config))
    manifest = layout.write(image.descriptor.media_type, encode(replace(image.manifest, config=stored)))
    return layout.image(manifest)


def test_what_the_image_so_far_needs_is_not_asked_for(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    push(connect(), registry, image)
    registry.asked.clear()
    after = changed(image)
    pushed = push(connect(), registry, after)
    check(registry, after)
    assert pushed.sent == after.manifest.config.size
    assert pushed.there == sum(layer.size for layer in image.manifest.layers)
    heads = [asked.path for asked in registry.calls("HEAD", "blobs")]
    assert heads == [f"/v2/team/app/blobs/{after.manifest.config.digest}"]


@pytest.mark.parametrize("damaged", [False, True])
def test_what_the_registry_lost_of_the_image_so_far_is_sent_again(
    registry: Registry, connect: Connect, image: LayoutImage, *, damaged: bool
) -> None:
    push(connect(), registry, image)
    lost = image.manifest.layers[0]
    registry.content("team/app").blobs.discard(lost.digest)
    after = changed(image)
    if damaged:  # then nothing is known of the image so far
        image.layout.blob_path(image.descriptor.digest).write_bytes(b"{}")
    pushed = push(connect(), registry, after)
    check(registry, after)
    assert pushed.there >= image.manifest.layers[1].size
    assert len(registry.calls("PUT", "manifests")) == (2 if damaged else 3)


def test_a_tag_whose_digest_is_none_tells_nothing(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    registry.add_manifest("team/app", "1.0", image.descriptor.media_type, b"{}")
    content = registry.content("team/app")
    content.manifests["../../index.json"] = content.manifests.pop(content.tags["1.0"])
    content.tags["1.0"] = "../../index.json"
    push(connect(), registry, image)
    check(registry, image)


def test_what_another_repository_has_is_mounted(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    places = Places()
    push(connect(), registry, image, "team/base", places)
    registry.asked.clear()
    pushed = push(connect(), registry, image, "team/app", places)
    check(registry, image)
    assert (pushed.sent, pushed.mounted) == (0, blobs_size(image))
    assert registry.received() == image.descriptor.size


def test_what_cannot_be_mounted_is_sent_in_the_session_that_was_opened(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    places = Places({blob.digest: ["lost/it"] for blob in (image.manifest.config, *image.manifest.layers)})
    pushed = push(connect(), registry, image, places=places)
    check(registry, image)
    assert (pushed.sent, pushed.mounted) == (blobs_size(image), 0)
    assert len(registry.calls("POST")) == 3


def test_an_index_goes_after_its_manifests(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    layout = image.layout
    platform = PlatformField("amd64", "linux")
    child = layout.names()["hello:1"]
    listed = type(child)(child.media_type, child.digest, child.size, {}, platform)
    index = layout.write(MEDIA_INDEX, encode(Index(2, (listed,), MEDIA_INDEX)))
    push_image(
        connect(),
        layout,
        index,
        registry.repository("team/app"),
        "many",
        places=Places(),
        reporter=SilentReporter(),
    )
    content = registry.content("team/app")
    assert content.tags == {"many": index.digest}
    assert set(content.manifests) == {index.digest, image.descriptor.digest}


def test_without_a_tag_the_digest_names_it(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    push_image(
        connect(),
        image.layout,
        image.descriptor,
        registry.repository("team/app"),
        "",
        places=Places(),
        reporter=SilentReporter(),
    )
    content = registry.content("team/app")
    assert list(content.manifests) == [image.descriptor.digest]
    assert content.tags == {}


def test_a_missing_blob_is_named_before_the_manifest_is_sent(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    image.layout.blob_path(image.manifest.layers[0].digest).unlink()
    with pytest.raises(IntegrityError, match="a blob of the image is missing"):
        push(connect(), registry, image)
    assert registry.content("team/app").manifests == {}


def test_a_damaged_blob_is_found_out_and_named(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    layer = image.manifest.layers[0]
    path = image.layout.blob_path(layer.digest)
    path.write_bytes(b"x" * layer.size)
    with pytest.raises(IntegrityError, match="a blob of the image is damaged") as raised:
        push(connect(), registry, image)
    assert raised.value.where == layer.digest
    assert registry.content("team/app").manifests == {}


def test_a_registry_that_stores_something_else_is_named(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    registry.faults = Planned("PUT", "manifests", [Fault.DAMAGE])
    with pytest.raises(IntegrityError, match="stored a manifest with the digest sha256:000"):
        push(connect(), registry, image)


def test_a_blob_that_the_registry_lost_is_named(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    registry.add_blob("team/app", image.layout.read(image.manifest.config))
    wire = connect()

    def lose(method: str, path: str) -> None:
        if method == "PUT" and "manifests" in path:
            registry.content("team/app").blobs.clear()

    registry.faults = lose
    with pytest.raises(NetworkError, match="lost a blob that it said it had") as raised:
        push(wire, registry, image)
    assert "push again" in raised.value.hint


def test_a_full_registry_says_so(
    registry: Registry, connect: Connect, clock: Clock, image: LayoutImage
) -> None:
    registry.faults = Planned("POST", "uploads", [Fault.FULL] * 99)
    with pytest.raises(NetworkError, match="500") as raised:
        push(connect(), registry, image)
    assert "no space left on device" in raised.value.detail
    assert raised.value.hint == "free some space in the registry"
    assert clock.slept


def test_a_repository_that_must_be_made_first_is_named(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    registry.creates = False
    with pytest.raises(NetworkError, match="no such repository") as raised:
        push(connect(), registry, image)
    assert raised.value.where == f"{registry.host}/team/app"
    assert raised.value.exit_code == 4


def test_nobody_listens(connect: Connect, image: LayoutImage) -> None:
    nobody = Registry(host="127.0.0.1:1")
    with pytest.raises(LightshipError, match="cannot connect"):
        push(connect(), nobody, image)


def test_blobs_are_pushed_from_any_layout(
    registry: Registry, connect: Connect, image: LayoutImage, tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "other")
    layout.create()
    for blob in (image.descriptor, image.manifest.config, *image.manifest.layers):
        assert layout.write(blob.media_type, image.layout.read(blob)).digest == blob.digest
    push(connect(), registry, layout.image(image.descriptor))
    check(registry, image)
    assert of_bytes(registry.content("team/app").manifests[image.descriptor.digest][1])
