from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import pytest

from lightship.digest import Digest, of_bytes
from lightship.errors import IntegrityError
from lightship.fs.entries import Entry, Kind, directory, regular, symlink
from lightship.fs.tar import END, header
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_INDEX,
    MEDIA_LAYER_GZIP,
    MEDIA_MANIFEST,
    REF_NAME,
    Descriptor,
    Execution,
    History,
    ImageConfig,
    Index,
    Layer,
    Manifest,
    PlatformField,
    RootFs,
    encode,
)
from lightship.oci.record import Compression
from lightship.oci.validate import layout_problems, problems, validate
from tests.support.images import add_image, add_layer, hello_image


@dataclass(frozen=True)
class FakeLayer:
    descriptor: Descriptor
    diff_id: Digest
    data: bytes

    def chunks(self) -> Iterator[bytes]:
        yield self.data


@dataclass(frozen=True)
class FakeImage:
    """An image whose parts can be set one by one, and so contradict each other."""

    descriptor: Descriptor
    manifest: Manifest
    config: ImageConfig
    layers: tuple[Layer, ...]

    @property
    def config_data(self) -> bytes:
        return encode(self.config)


@pytest.fixture
def loose(image: LayoutImage) -> FakeImage:
    return FakeImage(image.descriptor, image.manifest, image.config, image.layers)


def with_config(image: FakeImage, **changes: object) -> FakeImage:
    return replace(image, config=msgspec.structs.replace(image.config, **changes))


def with_manifest(image: FakeImage, **changes: object) -> FakeImage:
    return replace(image, manifest=msgspec.structs.replace(image.manifest, **changes))


def with_tar(tar: bytes) -> FakeImage:
    """Make an image of one layer that holds `tar`, with digests that are right."""
    blob = gzip.compress(tar, mtime=0)
    layer = FakeLayer(Descriptor(MEDIA_LAYER_GZIP, of_bytes(blob), len(blob)), of_bytes(tar), blob)
    config = ImageConfig("amd64", "linux", RootFs((layer.diff_id,)))
    document = Descriptor("application/vnd.oci.image.config.v1+json", of_bytes(b""), 0)
    manifest = Manifest(2, document, (layer.descriptor,), MEDIA_MANIFEST)
    return FakeImage(Descriptor(MEDIA_MANIFEST, of_bytes(b""), 0), manifest, config, (layer,))


def with_entries(*entries: Entry) -> FakeImage:
    return with_tar(b"".join(header(entry) for entry in entries) + END)


@pytest.mark.parametrize("compression", list(Compression))
def test_a_good_image_has_no_problems(layout: Layout, compression: Compression) -> None:
    image = hello_image(layout, compression=compression)
    assert problems(image) == []
    validate(image)


def test_validate_raises_with_every_problem_in_the_detail(loose: FakeImage) -> None:
    with pytest.raises(IntegrityError, match="in 2 places") as caught:
        validate(with_config(loose, os="plan9", created="yesterday"))
    assert caught.value.detail.splitlines() == [
        "configuration: unknown platform 'plan9/amd64'",
        "configuration: 'yesterday' is not a time of RFC 3339",
    ]


def test_a_missing_configuration_is_a_problem(layout: Layout, image: LayoutImage) -> None:
    layout.blob_path(image.manifest.config.digest).unlink()
    (problem,) = problems(image)
    assert problem.startswith("manifest or configuration: a blob of the image is missing")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"schema_version": 1}, "manifest: schemaVersion is 1, not 2"),
        ({"media_type": "text/plain"}, "manifest: mediaType is 'text/plain', listed as"),
        (
            {"config": Descriptor("text/plain", of_bytes(b""), 0)},
            "manifest: the configuration's mediaType is 'text/plain'",
        ),
    ],
)
def test_rules_of_the_manifest(loose: FakeImage, changes: dict[str, object], problem: str) -> None:
    (found,) = problems(with_manifest(loose, **changes))
    assert found.startswith(problem)


def test_an_image_has_at_least_one_layer_and_at_most_127(loose: FakeImage) -> None:
    empty = with_config(with_manifest(loose, layers=()), rootfs=RootFs(()), history=())
    assert problems(replace(empty, layers=())) == ["manifest: 0 layers; an image has 1 to 127"]
    (layer, *_) = loose.layers
    many = with_manifest(loose, layers=(layer.descriptor,) * 128)
    many = with_config(many, rootfs=RootFs((layer.diff_id,) * 128), history=())
    assert problems(replace(many, layers=(layer,) * 128)) == ["manifest: 128 layers; an image has 1 to 127"]


def test_a_layer_of_another_media_type_is_a_problem(loose: FakeImage) -> None:
    docker = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    first, second = loose.manifest.layers
    changed = with_manifest(loose, layers=(msgspec.structs.replace(first, media_type=docker), second))
    assert problems(changed) == [f"layer 0: mediaType is {docker!r}"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"architecture": "s390x"}, "configuration: unknown platform 'linux/s390x'"),
        ({"created": "1980-01-01"}, "configuration: '1980-01-01' is not a time of RFC 3339"),
        ({"config": Execution(env=("A=1", "A=2"))}, "configuration: Env sets 'A' 2 times"),
        ({"config": Execution(env=("A",))}, "configuration: Env has 'A' without '='"),
        ({"config": Execution(exposed_ports={"http": {}})}, "configuration: 'http' is not a port"),
        ({"config": Execution(working_dir="app")}, "configuration: WorkingDir 'app' is relative"),
        ({"history": (History(),)}, "2 layers, but 1 steps of history that made one"),
    ],
)
def test_rules_of_the_configuration(loose: FakeImage, changes: dict[str, object], problem: str) -> None:
    assert problems(with_config(loose, **changes)) == [problem]


def test_history_may_be_absent_and_may_hold_steps_without_a_layer(loose: FakeImage) -> None:
    assert problems(with_config(loose, history=())) == []
    assert problems(with_config(loose, history=(*loose.config.history, History(empty_layer=True)))) == []


def test_layers_and_diff_ids_must_be_as_many(loose: FakeImage) -> None:
    rootfs = RootFs(loose.config.rootfs.diff_ids[:1])
    assert problems(with_config(loose, rootfs=rootfs)) == ["2 layers, but 1 diff IDs"]


def test_a_wrong_rootfs_type_is_a_problem(loose: FakeImage) -> None:
    rootfs = RootFs(loose.config.rootfs.diff_ids, "tree")
    assert problems(with_config(loose, rootfs=rootfs)) == [
        "configuration: rootfs.type is 'tree', not 'layers'"
    ]


def test_every_blob_is_hashed_again(layout: Layout, image: LayoutImage) -> None:
    path = layout.blob_path(image.layers[1].descriptor.digest)
    path.write_bytes(gzip.compress(bytes(10240)))
    (problem,) = problems(image)
    assert problem.startswith("layer 1: a blob of the image is damaged")


def test_a_layer_that_hides_its_damage_is_found_out() -> None:
    image = with_entries(regular("a", b""))
    (layer,) = image.layers
    assert isinstance(layer, FakeLayer)
    lying = replace(image, layers=(replace(layer, diff_id=of_bytes(b"else")),))
    assert "the configuration says sha256:" in problems(lying)[0]
    swapped = replace(image, layers=(replace(layer, data=gzip.compress(END)),))
    assert [problem.partition(" is ")[0] for problem in problems(swapped)] == [
        "layer 0: the blob",
        "layer 0: the tar's digest",
    ]


def test_a_tar_must_have_its_end() -> None:
    assert problems(with_tar(header(directory("a")) + bytes(512))) == [
        "layer 0: the tar does not end with two blocks of zeros"
    ]
    assert "the archive is truncated" in problems(with_tar(header(directory("a"))))[0]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([regular("a", b""), regular("a", b"")], "'a' is there twice"),
        ([regular("a/b", b""), directory("a")], "'a/b' comes before its directory 'a'"),
        ([regular("a/b/c", b"")], "'a/b/c' comes before its directory 'a'"),
        (
            [directory("usr"), symlink("lib", "usr"), regular("lib/x", b"")],
            "'lib/x' goes through a symlink to 'usr/x'",
        ),
        ([directory("a", 0o077)], "'a' is a directory of mode 77, closed to its owner"),
        ([Entry("a", Kind.HARDLINK, 0o644, target="b")], "'a' is a hard link to 'b', which is no file"),
        (
            [regular("a", b""), regular("a/b", b"")],
            "'a' is not a directory, and yet the layer puts files below",
        ),
        ([regular("../a", b"")], "'../a', which leaves the tree"),
        ([symlink("a", "../b")], "leaves the tree"),
    ],
)
def test_rules_of_entries(entries: list[Entry], problem: str) -> None:
    (found,) = problems(with_entries(*entries))
    assert problem in found


def test_devices_are_refused() -> None:
    block = bytearray(header(regular("null", b"")))
    block[156:157] = b"3"
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    assert "the archive holds a device: 'null'" in problems(with_tar(bytes(block) + END))[0]


def test_directories_may_come_from_a_lower_layer(layout: Layout) -> None:
    layers = [add_layer(layout, [directory("a")]), add_layer(layout, [regular("a/b", b"")])]
    assert problems(add_image(layout, layers)) == []


def test_a_good_layout_has_no_problems(layout: Layout) -> None:
    hello_image(layout, name="one:latest")
    hello_image(layout, name="two:latest")
    assert layout_problems(layout) == []


def test_problems_of_a_layouts_index(layout: Layout, image: LayoutImage) -> None:
    named = msgspec.structs.replace(image.descriptor, annotations={REF_NAME: "x"})
    arm = msgspec.structs.replace(image.descriptor, platform=PlatformField("arm64", "linux"))
    odd = layout.write("text/plain", b"hello")
    inner = layout.write(MEDIA_INDEX, encode(Index(2, (arm,), "text/plain")))
    write_index(layout, Index(1, (named, named, odd, inner)))
    assert layout_problems(layout) == [
        "index: two images are named 'x'",
        "index: schemaVersion 1, mediaType ''",
        f"{odd.digest}: 'text/plain' is neither a manifest nor an index",
        "index: schemaVersion 2, mediaType 'text/plain'",
        f"{arm.digest}: the index lists it for linux/arm64, its configuration is for linux/amd64",
    ]


def test_an_index_of_platforms_must_name_them(layout: Layout, image: LayoutImage) -> None:
    inner = layout.write(MEDIA_INDEX, encode(Index(2, (image.descriptor,), MEDIA_INDEX)))
    write_index(layout, Index(2, (inner,)))
    assert layout_problems(layout) == [f"{inner.digest}: {image.descriptor.digest} has no platform"]


def test_a_descriptor_with_a_wrong_size_is_a_problem(layout: Layout, image: LayoutImage) -> None:
    longer = msgspec.structs.replace(image.descriptor, size=image.descriptor.size + 1)
    write_index(layout, Index(2, (longer,), MEDIA_INDEX))
    (problem,) = layout_problems(layout)
    assert problem.endswith(f"is not of {longer.size} bytes")


def test_what_is_no_layout_is_a_problem(layout: Layout) -> None:
    inner = Descriptor(MEDIA_INDEX, of_bytes(b"gone"), 4)
    write_index(layout, Index(2, (inner,), MEDIA_INDEX))
    assert "a blob of the image is missing" in layout_problems(layout)[0]
    (layout.path / "index.json").unlink()
    assert "this is not an OCI image layout" in layout_problems(layout)[0]


def write_index(layout: Layout, index: Index) -> None:
    (layout.path / "index.json").write_bytes(encode(index))
