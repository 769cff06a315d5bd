from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.store import find_image
from lightship.errors import UsageError
from lightship.oci.layout import Layout
from tests.support.images import hello_image
from tests.support.locked import Locked, locked_project


@pytest.fixture
def locked(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


def named(text: str, locked: Locked) -> tuple[str, str]:
    name, image = find_image(text, "", locked.machine())
    return name, image.descriptor.digest


def test_an_image_is_found_by_name_and_latest_is_the_default_tag(locked: Locked) -> None:
    layout = locked.machine().home.images
    layout.create()
    image = hello_image(layout, name="hello:latest")
    assert named("hello", locked) == ("hello:latest", image.descriptor.digest)


def test_a_folder_means_its_projects_image(locked: Locked) -> None:
    layout = locked.machine().home.images
    layout.create()
    name = f"{locked.project().config.name}:none"
    image = hello_image(layout, name=name)
    assert named(str(locked.folder), locked) == (name, image.descriptor.digest)
    with pytest.raises(UsageError, match="there is no image"):
        find_image(str(locked.folder), "other", locked.machine())


def test_a_layout_elsewhere_is_read_where_it_is(locked: Locked, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    layout.create()
    image = hello_image(layout, name="hello:1")
    assert named(f"oci:{layout.path}", locked) == ("hello:1", image.descriptor.digest)
    hello_image(layout, name="hello:2")
    assert find_image(f"oci:{layout.path}:hello:2", "", locked.machine())[0] == "hello:2"
    with pytest.raises(UsageError) as caught:
        find_image(f"oci:{layout.path}", "", locked.machine())
    assert caught.value.hint == "name one as oci:DIR:NAME"


def test_the_nearest_name_is_suggested(locked: Locked) -> None:
    layout = locked.machine().home.images
    layout.create()
    hello_image(layout, name="pharmabot:cpu")
    with pytest.raises(UsageError) as caught:
        find_image("pharmabot:cpuu", "", locked.machine())
    assert caught.value.hint == "did you mean pharmabot:cpu?"


def test_without_images_the_hint_is_to_build_one(locked: Locked) -> None:
    with pytest.raises(UsageError) as caught:
        find_image("nothing", "", locked.machine())
    assert "lightship build" in caught.value.hint


def test_a_target_has_an_image_of_its_own(locked: Locked) -> None:
    layout = locked.machine().home.images
    layout.create()
    hello_image(layout, name="project:none")
    with pytest.raises(UsageError, match="no image 'project:none-development'") as caught:
        find_image(str(locked.folder), "", locked.machine(), "development")
    assert caught.value.hint == "build it with `lightship build --target development`"
    image = hello_image(layout, name="project:none-development")
    found = find_image(str(locked.folder), "", locked.machine(), "development")
    assert found[1].descriptor.digest == image.descriptor.digest


def test_only_a_project_has_targets(locked: Locked) -> None:
    with pytest.raises(UsageError, match="targets are a project's"):
        find_image("project:none", "", locked.machine(), "development")
