"""Podman and Buildah."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.engines.buildah import find_buildah
from lightship.engines.find import check_name, find_engine
from lightship.engines.model import Engine, EngineImage
from lightship.engines.podman import find_podman
from lightship.engines.programs import Answer
from lightship.errors import StageError, UsageError
from tests.unit.engines.recording import COMMON, DIGEST, FAILED, PINNED, REQUEST, WITH_LAYOUT, Recording

Find = Callable[[Recording], Engine]
ANSWERS = {"podman info": "4.3.1\n", "buildah --version": "buildah version 1.28.2 (image-spec 1.1.0-rc2)\n"}
FOUND: list[tuple[str, Find]] = [("podman", find_podman), ("buildah", find_buildah)]
each = pytest.mark.parametrize(("name", "find"), FOUND)


@each
def test_builds_keep_layers_and_the_health_check(name: str, find: Find) -> None:
    programs = Recording(ANSWERS)
    engine = find(programs)
    engine.build(REQUEST)
    assert programs.shown == [(f"{name} build --layers --format docker {COMMON}", {})]
    assert engine.portable
    assert engine.name == name


@each
def test_images_come_from_layouts_of_one_image(name: str, find: Find) -> None:
    programs = Recording(ANSWERS)
    find(programs).build(WITH_LAYOUT)
    image = "oci:/work/layouts/base:pinned"
    base = f"--build-arg=PYTHON_IMAGE={image} --build-arg=BUILDER_IMAGE={image} /work/context"
    options = f"{PINNED} --build-context=base=container-image://{image} {base}"
    assert programs.shown[0][0] == f"{name} build --layers --format docker {options}"


@each
def test_an_absent_engine_says_what_to_install(name: str, find: Find) -> None:
    with pytest.raises(UsageError, match=f"{name} is not installed") as caught:
        find(Recording(absent=(name,)))
    assert f"apt-get install {name}" in caught.value.hint


@each
def test_an_engine_that_does_not_work_says_why(name: str, find: Find) -> None:
    with pytest.raises(UsageError, match=f"{name} does not work here") as caught:
        find(Recording({**ANSWERS, f"{name} info": FAILED}))
    assert caught.value.detail == "it said why"


@pytest.mark.parametrize(
    ("find", "answers", "message"),
    [
        (find_podman, {"podman info": "3.4.4\n"}, "podman 3.4.4 is too old"),
        (find_podman, {"podman info": "\n"}, "podman of an unknown version is too old"),
        (find_buildah, {"buildah --version": "buildah version 1.19.6 (image-spec 1.0.1)"}, "buildah 1.19.6"),
    ],
)
def test_an_old_engine_is_refused(find: Find, answers: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        find(Recording(answers))
    assert "or newer" in caught.value.hint


@each
def test_a_failed_build_is_a_stage_error(name: str, find: Find) -> None:
    programs = Recording({**ANSWERS, f"{name} build": Answer(125, err="no space left\n")})
    with pytest.raises(StageError, match=f"`{name} build` failed with status 125") as caught:
        find(programs).build(REQUEST)
    assert caught.value.detail == "no space left"


def test_podman_finds_and_saves_images() -> None:
    programs = Recording({**ANSWERS, "podman image inspect": f"{'a' * 64} 123\n"})
    podman = find_podman(programs)
    assert podman.find("a:1") == EngineImage(DIGEST, 123)
    podman.save("a:1", Path("/x.tar"))
    assert programs.calls[-2:] == [
        "podman image inspect --format {{.Id}} {{.Size}} a:1",
        "podman save --format docker-archive --output /x.tar a:1",
    ]


def test_buildah_finds_images_with_sizes_in_words_and_saves_them() -> None:
    listed = f'[{{"id": "{DIGEST}", "names": ["localhost/a:1"], "size": "137 MB"}}]'
    programs = Recording({**ANSWERS, "buildah images": listed})
    buildah = find_buildah(programs)
    assert buildah.find("a:1") == EngineImage(DIGEST, 137_000_000)
    buildah.save("a:1", Path("/x.tar"))
    assert programs.calls[-2:] == [
        "buildah images --json --no-trunc a:1",
        "buildah push --quiet a:1 docker-archive:/x.tar",
    ]


@each
def test_an_unknown_image_and_a_failed_save_are_errors(name: str, find: Find) -> None:
    programs = Recording(ANSWERS)
    engine = find(programs)
    programs.answers = {name: FAILED}
    with pytest.raises(UsageError, match=f"{name} has no image 'a:1'"):
        engine.find("a:1")
    with pytest.raises(StageError, match="failed") as caught:
        engine.save("a:1", Path("/x.tar"))
    assert caught.value.detail == "it said why"


@pytest.mark.parametrize("name", ["podman", "buildah", "docker"])
def test_engines_are_found_by_name(name: str) -> None:
    answers = {**ANSWERS, "docker version": "28.2.2 28.2.2"}
    assert find_engine(name, Recording(answers)).name == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [("dokcer", "did you mean 'docker'?"), ("zzz", "known engines: direct, docker, podman, buildah")],
)
def test_an_unknown_engine_gets_the_nearest_one_suggested(name: str, hint: str) -> None:
    check_name("direct")
    with pytest.raises(UsageError, match=f"unknown engine '{name}'") as caught:
        check_name(name)
    assert caught.value.hint == hint


def test_only_docker_has_builders() -> None:
    with pytest.raises(UsageError, match="--builder names one of buildx's builders"):
        find_engine("podman", Recording(ANSWERS), "farm")
