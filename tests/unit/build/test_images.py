from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.build.images import ImageSource, find_source
from lightship.errors import IntegrityError, UsageError
from lightship.fs.entries import regular
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_INDEX, REF_NAME, Descriptor, Index, PlatformField, encode
from lightship.platform import Platform
from tests.support.images import add_image, add_layer
from tests.support.locked import Locked

AMD64, ARM64 = Platform("amd64"), Platform("arm64")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    made.create()
    return made


def source(reference: str, folder: Path) -> ImageSource:
    return find_source(reference, folder, Locked(folder).machine())


def image(layout: Layout, text: str, name: str = "") -> LayoutImage:
    return add_image(layout, [add_layer(layout, [regular("file", text.encode())])], name=name)


def set_index(layout: Layout, *descriptors: Descriptor) -> None:
    (layout.path / "index.json").write_bytes(encode(Index(2, descriptors, MEDIA_INDEX)))


def test_a_tag_names_an_image(layout: Layout, tmp_path: Path) -> None:
    one, other = image(layout, "one", "one"), image(layout, "other", "demo:1.0")
    assert source("oci:layout:one", tmp_path).find(AMD64).descriptor.digest == one.descriptor.digest
    found = source(f"oci:{layout.path}:demo:1.0", Path("/nowhere")).find(AMD64)
    assert found.descriptor.digest == other.descriptor.digest


def test_the_only_image_needs_no_tag(layout: Layout, tmp_path: Path) -> None:
    only = image(layout, "one", "one")
    assert source("oci:layout", tmp_path).find(AMD64).descriptor.digest == only.descriptor.digest
    set_index(layout, only.descriptor)
    assert source("oci:./layout", tmp_path).find(AMD64).descriptor.digest == only.descriptor.digest


@pytest.mark.parametrize("nested", [True, False])
def test_an_index_has_an_image_for_each_platform(layout: Layout, tmp_path: Path, *, nested: bool) -> None:
    first, second = image(layout, "amd64").descriptor, image(layout, "arm64").descriptor
    manifests = (
        replace(first, platform=PlatformField("amd64", "linux")),
        replace(second, platform=PlatformField("arm64", "linux")),
    )
    if nested:
        index = layout.write(MEDIA_INDEX, encode(Index(2, manifests, MEDIA_INDEX)))
        set_index(layout, replace(index, annotations={REF_NAME: "both"}))
    else:
        set_index(layout, *manifests)
    found = source("oci:layout", tmp_path)
    assert found.find(AMD64).descriptor.digest == first.digest
    assert found.find(ARM64).descriptor.digest == second.digest


def test_a_missing_platform_is_an_error_that_names_those_there_are(layout: Layout, tmp_path: Path) -> None:
    windows = replace(image(layout, "w").descriptor, platform=PlatformField("amd64", "windows"))
    set_index(layout, windows, replace(windows, platform=PlatformField("arm64", "linux")))
    with pytest.raises(UsageError, match="not there for linux/amd64; it is for linux/arm64, windows/amd64"):
        source("oci:layout", tmp_path).find(AMD64)


def test_a_manifest_without_a_platform_is_for_that_of_its_configuration(
    layout: Layout, tmp_path: Path
) -> None:
    image(layout, "one", "one")
    with pytest.raises(UsageError, match="not there for linux/arm64; it is for linux/amd64") as error:
        source("oci:layout:one", tmp_path).find(ARM64)
    assert error.value.where == f"{layout.path}:one"


def test_an_unknown_tag_is_an_error_that_names_those_there_are(layout: Layout, tmp_path: Path) -> None:
    image(layout, "one", "one")
    with pytest.raises(UsageError, match="no image 'on'") as error:
        source("oci:layout:on", tmp_path).find(AMD64)
    assert error.value.hint == "it has one"


def test_several_images_need_a_tag(layout: Layout, tmp_path: Path) -> None:
    image(layout, "one", "one")
    image(layout, "two", "two")
    with pytest.raises(UsageError, match="holds 2 images") as error:
        source("oci:layout", tmp_path).find(AMD64)
    assert error.value.hint == "name one as oci:PATH:TAG; it has one, two"


def test_a_docker_manifest_is_refused_with_the_way_to_convert_it(layout: Layout, tmp_path: Path) -> None:
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    set_index(layout, replace(image(layout, "one").descriptor, media_type=docker))
    with pytest.raises(UsageError, match="is no manifest of the OCI image specification") as error:
        source("oci:layout", tmp_path).find(AMD64)
    assert "skopeo copy --format oci" in error.value.hint


def test_a_folder_that_is_no_layout_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an OCI image layout") as error:
        source("oci:elsewhere", tmp_path).find(AMD64)
    assert error.value.where == str(tmp_path / "elsewhere")


def test_a_pinned_image_is_found_when_its_tag_has_moved(layout: Layout, tmp_path: Path) -> None:
    one = image(layout, "one", "base")
    image(layout, "two", "base")
    found = source("oci:layout:base", tmp_path).pinned(one.descriptor.digest)
    assert found.manifest == one.manifest


def test_a_pinned_image_that_is_gone_is_an_error(layout: Layout, tmp_path: Path) -> None:
    one = image(layout, "one", "base")
    layout.blob_path(one.descriptor.digest).unlink()
    with pytest.raises(IntegrityError, match=f"does not hold {one.descriptor.digest} any more"):
        source("oci:layout:base", tmp_path).pinned(one.descriptor.digest)


def test_an_image_that_was_built_here_goes_by_its_name(tmp_path: Path) -> None:
    store = Locked(tmp_path).machine().home.images
    store.create()
    tool = image(store, "tool", "tool:latest")
    assert source("tool", tmp_path).find(AMD64).descriptor.digest == tool.descriptor.digest
    assert source("tool:latest", tmp_path).find(AMD64).descriptor.digest == tool.descriptor.digest
    assert source("tool:moved", tmp_path).pinned(tool.descriptor.digest).manifest == tool.manifest


@pytest.mark.parametrize(
    ("reference", "problem"), [("oci:", "names no folder"), ("No Image", "not an image")]
)
def test_what_is_no_reference_is_refused(reference: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=problem):
        source(reference, tmp_path)
