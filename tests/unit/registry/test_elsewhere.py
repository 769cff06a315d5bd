from __future__ import annotations

from contextlib import closing

import pytest

from lightship.errors import IntegrityError, LostBlobError
from lightship.events import SilentReporter
from lightship.oci.layout import LayoutImage
from lightship.oci.model import Descriptor
from lightship.oci.validate import validate
from lightship.registry.address import Repository
from lightship.registry.elsewhere import BlobFile, Elsewhere, fetch_absent
from lightship.registry.push import Pushed, push_image
from lightship.registry.wire import Wire
from tests.support.places import Places
from tests.support.registry import Registry, serving
from tests.support.registry_faults import Fault, Planned
from tests.unit.registry.conftest import Connect

CACHE = "team/cache"


def lend(registry: Registry, image: LayoutImage) -> Elsewhere:
    """Put an image's layers into a registry's cache, and take them out of the layout."""
    for blob in image.manifest.layers:
        registry.add_blob(CACHE, image.layout.read(blob))
        image.layout.blob_path(blob.digest).unlink()
    return {blob.digest: (registry.repository(CACHE),) for blob in image.manifest.layers}


def push(wire: Wire, target: Repository, image: LayoutImage, elsewhere: Elsewhere) -> Pushed:
    return push_image(
        wire,
        image.layout,
        image.descriptor,
        target,
        "1.0",
        places=Places(),
        reporter=SilentReporter(),
        elsewhere=elsewhere,
    )


def layers_size(image: LayoutImage) -> int:
    return sum(blob.size for blob in image.manifest.layers)


def test_absent_layers_are_mounted_without_being_asked_about(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    elsewhere = lend(registry, image)
    pushed = push(connect(), registry.repository("team/app"), image, elsewhere)
    assert (pushed.sent, pushed.mounted) == (image.manifest.config.size, layers_size(image))
    assert [asked.method for asked in registry.calls(words="/blobs/sha256")] == ["HEAD"]  # the configuration
    assert {blob.digest for blob in image.manifest.layers} <= registry.content("team/app").blobs


def test_absent_layers_that_are_there_already_are_not_touched(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    elsewhere = lend(registry, image)
    pushed = push(connect(), registry.repository(CACHE), image, elsewhere)
    assert (pushed.mounted, pushed.there) == (0, layers_size(image))


@pytest.mark.parametrize("fault", [None, Fault.CUT_ANSWER])
def test_absent_layers_pass_through_to_another_registry(
    registry: Registry, connect: Connect, image: LayoutImage, fault: Fault | None
) -> None:
    elsewhere = lend(registry, image)
    if fault:
        registry.faults = Planned("GET", "/blobs/", [fault, fault])
    with serving() as other:
        pushed = push(connect(), other.repository("team/app"), image, elsewhere)
        assert pushed.sent == layers_size(image) + image.manifest.config.size
        for blob in image.manifest.layers:
            assert other.blobs[blob.digest] == registry.blobs[blob.digest]
    assert not any(image.layout.has(blob.digest, blob.size) for blob in image.manifest.layers)


def damage(registry: Registry, blob: Descriptor) -> None:
    data = bytearray(registry.blobs[blob.digest])
    data[len(data) // 2] ^= 1
    registry.blobs[blob.digest] = bytes(data)


def test_a_damaged_layer_does_not_pass_through(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    elsewhere = lend(registry, image)
    damage(registry, image.manifest.layers[1])
    with serving() as other, pytest.raises(LostBlobError, match="cannot be had") as error:
        push(connect(), other.repository("team/app"), image, elsewhere)
    assert other.content("team/app").tags == {}
    assert error.value.hint


def test_a_layer_that_is_gone_is_an_error(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    elsewhere = lend(registry, image)
    registry.content(CACHE).blobs.clear()
    with serving() as other, pytest.raises(LostBlobError):
        push(connect(), other.repository("team/app"), image, elsewhere)
    with pytest.raises(LostBlobError):
        push(connect(), registry.repository("team/app"), image, elsewhere)


def fetch(connect: Connect, image: LayoutImage, elsewhere: Elsewhere) -> int:
    return fetch_absent(connect(), image.layout, image.manifest.layers, elsewhere, SilentReporter())


def test_absent_layers_are_fetched_once(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    elsewhere = lend(registry, image)
    assert fetch(connect, image, elsewhere) == layers_size(image)
    validate(image)
    assert fetch(connect, image, elsewhere) == 0


def test_the_next_place_counts_where_the_first_has_it_not(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    places = (registry.repository("lost/it"), registry.repository(CACHE))
    fetch(connect, image, dict.fromkeys(lend(registry, image), places))
    validate(image)


def test_a_damaged_layer_is_not_kept(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    elsewhere = lend(registry, image)
    damage(registry, image.manifest.layers[0])
    with pytest.raises(LostBlobError, match="SHA-256"):
        fetch(connect, image, elsewhere)
    assert not image.layout.blob_path(image.manifest.layers[0].digest).exists()
    with pytest.raises(LostBlobError, match="nobody knows where it is"):
        fetch(connect, image, {})


def test_a_blob_is_read_from_where_one_seeks_to(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    blob = image.manifest.layers[1]
    data = image.layout.read(blob)
    lend(registry, image)
    with closing(BlobFile(connect(), registry.repository(CACHE), blob)) as file:
        assert file.read(10) == data[:10]
        file.seek(100)
        assert file.read(5) == data[100:105]
        file.seek(105)
        assert b"".join(iter(lambda: file.read(1 << 16), b"")) == data[105:]
        assert file.read(1) == b""
    ranges = [asked.headers.get("Range") for asked in registry.calls("GET", "/blobs/")]
    assert ranges == [None, "bytes=100-"]


def test_what_is_missing_and_known_nowhere_is_an_error_of_the_layout(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    lend(registry, image)
    with pytest.raises(IntegrityError, match=r"^a blob of the image is missing"):
        push(connect(), registry.repository("team/app"), image, {})


def test_of_several_transfers_the_error_of_the_first_that_fails_counts(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    elsewhere = lend(registry, image)
    damage(registry, image.manifest.layers[0])
    damage(registry, image.manifest.layers[1])
    for _ in range(20):
        with pytest.raises(LostBlobError, match="SHA-256"):
            fetch(connect, image, elsewhere)
