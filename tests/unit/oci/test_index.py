from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.errors import IntegrityError, UsageError
from lightship.fs.entries import regular
from lightship.oci.index import LayoutIndex, all_blobs, choose_image, open_stored, write_index
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_INDEX, Descriptor, Index, PlatformField, decode, encode
from lightship.oci.validate import layout_problems
from lightship.platform import Platform
from tests.support.images import add_image, add_layer

AMD64, ARM64 = Platform("amd64"), Platform("arm64")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    made.create()
    return made


def image(layout: Layout, architecture: str) -> LayoutImage:
    common = add_layer(layout, [regular("common", b"same")])
    own = add_layer(layout, [regular("own", architecture.encode())])
    return add_image(layout, [common, own], architecture=architecture)


def listed(image: LayoutImage) -> Descriptor:
    return replace(image.descriptor, platform=PlatformField(image.config.architecture, "linux"))


@pytest.fixture
def both(layout: Layout) -> dict[str, LayoutImage]:
    return {name: image(layout, name) for name in ("amd64", "arm64")}


def index_of(layout: Layout, both: dict[str, LayoutImage]) -> LayoutIndex:
    stored = open_stored(layout, write_index(layout, map(listed, both.values())))
    assert isinstance(stored, LayoutIndex)
    return stored


def test_an_index_is_one_whatever_order_its_images_come_in(
    layout: Layout, both: dict[str, LayoutImage]
) -> None:
    first, second = (listed(each) for each in both.values())
    descriptor = write_index(layout, [first, second])
    assert descriptor == write_index(layout, [second, first])
    assert decode(layout.read(descriptor), Index, where="") == Index(2, (first, second), MEDIA_INDEX)
    layout.tag("both", descriptor)
    assert layout_problems(layout) == []


def test_the_platform_that_is_wanted_comes_before_this_machines(
    layout: Layout, both: dict[str, LayoutImage]
) -> None:
    index = index_of(layout, both)
    for own, wanted, found in ((AMD64, None, "amd64"), (ARM64, None, "arm64"), (AMD64, ARM64, "arm64")):
        chosen = choose_image(index, "both", wanted=wanted, own=own)
        assert chosen.descriptor.digest == both[found].descriptor.digest
    only = both["arm64"]
    assert choose_image(only, "only", wanted=None, own=AMD64) is only
    assert choose_image(only, "only", wanted=ARM64, own=AMD64) is only


@pytest.mark.parametrize("own", [AMD64, None])
def test_a_platform_that_is_missing_is_named_with_those_that_are_not(
    layout: Layout, both: dict[str, LayoutImage], own: Platform | None
) -> None:
    del both["amd64"]
    with pytest.raises(UsageError, match="it is for linux/arm64") as caught:
        choose_image(index_of(layout, both), "demo:1", wanted=None, own=own)
    assert f"'demo:1' has no image for {own or 'this machine'}" in caught.value.message
    with pytest.raises(UsageError, match="no image for linux/amd64: it is for linux/arm64"):
        choose_image(both["arm64"], "demo:1", wanted=AMD64, own=AMD64)


def test_attestations_are_no_images(layout: Layout, both: dict[str, LayoutImage]) -> None:
    attestation = replace(both["arm64"].descriptor, platform=PlatformField("unknown", "unknown"))
    manifests = (listed(both["amd64"]), attestation)
    index = LayoutIndex(layout, layout.write(MEDIA_INDEX, encode(Index(2, manifests, MEDIA_INDEX))))
    assert [offer.platform for offer in index.offers] == ["linux/amd64"]


def test_what_an_index_needs_comes_before_it(layout: Layout, both: dict[str, LayoutImage]) -> None:
    index = index_of(layout, both)
    order = [blob.digest for blob in all_blobs(layout, index.descriptor)]
    assert order[-1] == index.descriptor.digest
    for each in both.values():
        at = order.index(each.descriptor.digest)
        blobs = {layer.digest for layer in each.manifest.layers} | {each.manifest.config.digest}
        assert blobs <= set(order[:at])
    layout.blob_path(both["arm64"].descriptor.digest).unlink()
    with pytest.raises(IntegrityError, match="missing"):
        list(all_blobs(layout, index.descriptor))
