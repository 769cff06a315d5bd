from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.stageimage import find_stage_image, is_there, open_stage_image
from lightship.errors import UsageError
from lightship.oci.layout import Layout
from lightship.platform import Platform
from tests.support.images import hello_image
from tests.support.locked import Locked, locked_project

AMD64 = Platform("amd64")


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


def find(made: Locked, name: str, platform: Platform = AMD64) -> str:
    return find_stage_image(name, made.project(), platform, made.machine())


def test_a_layout_is_named_from_the_projects_folder(made: Locked) -> None:
    layout = Layout(made.root / "tool")
    layout.create()
    image = hello_image(layout, name="tool:1")
    digest = find(made, "oci:../tool")
    assert digest == image.descriptor.digest == find(made, "oci:../tool:tool:1")
    assert is_there("oci:../tool", digest, made.project(), made.machine())
    assert open_stage_image("oci:../tool", digest, made.project(), made.machine()).manifest == image.manifest


def test_an_image_of_the_store_goes_by_its_name(made: Locked) -> None:
    store = made.machine().home.images
    store.create()
    image = hello_image(store, name="tool:latest")
    assert find(made, "tool") == find(made, "tool:latest") == image.descriptor.digest


def test_what_the_store_lacks_can_be_pulled(made: Locked) -> None:
    with pytest.raises(UsageError, match="the local store has no image of this name") as error:
        find(made, "python:3.11-slim")
    assert error.value.where == "python:3.11-slim"
    assert error.value.hint == "fetch it with `lightship pull python:3.11-slim`"


def test_an_image_of_another_platform_is_refused(made: Locked) -> None:
    layout = Layout(made.root / "tool")
    layout.create()
    hello_image(layout, name="tool")
    with pytest.raises(UsageError, match="the image is for linux/amd64, not for linux/arm64"):
        find(made, "oci:../tool", Platform("arm64"))


def test_a_pinned_image_that_is_gone_says_what_to_do(made: Locked) -> None:
    digest = "sha256:" + "a" * 64
    assert not is_there("oci:../tool", digest, made.project(), made.machine())
    with pytest.raises(UsageError, match="is not there any more") as error:
        open_stage_image("oci:../tool", digest, made.project(), made.machine())
    assert error.value.where == f"oci:../tool@{digest}"
    assert "lightship lock --upgrade" in error.value.hint
