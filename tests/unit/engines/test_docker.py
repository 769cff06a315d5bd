from __future__ import annotations

from pathlib import Path

import pytest

from lightship.engines.docker import find_docker
from lightship.engines.model import EngineImage
from lightship.engines.programs import Answer
from lightship.errors import StageError, UsageError
from tests.unit.engines.recording import COMMON, DIGEST, FAILED, PINNED, REQUEST, WITH_LAYOUT, Recording

NEW, OLD = "28.2.2 28.2.2\n", "20.10.24+dfsg1 20.10.24+dfsg1\n"
INSPECTED = "Name:   default\nDriver: docker\n\nNodes:\nStatus: running\n"
LISTED = (
    "NAME/NODE DRIVER/ENDPOINT STATUS\ndefault* docker\n \\_ default \\_ default running\nfarm kubernetes\n"
)


def old() -> Recording:
    return Recording({"docker version": OLD, "docker buildx": FAILED})


def new(buildkit: str = "BuildKit version: v0.21.0") -> Recording:
    return Recording({"docker version": NEW, "docker buildx inspect": f"{INSPECTED}{buildkit}\n"})


def test_without_buildx_the_older_command_line_builds_with_buildkit() -> None:
    programs = old()
    docker = find_docker(programs, "")
    docker.build(REQUEST)
    assert programs.shown == [(f"docker build {COMMON}", {"DOCKER_BUILDKIT": "1"})]
    assert docker.portable
    assert docker.name == "docker"
    assert programs.calls == [
        "docker version --format {{.Client.Version}} {{.Server.Version}}",
        "docker buildx version",
    ]


def test_buildx_builds_with_the_builder_that_is_named() -> None:
    programs = new()
    docker = find_docker(programs, "farm")
    docker.build(REQUEST)
    assert "docker buildx inspect farm" in programs.calls
    assert programs.shown[0][0] == f"docker buildx build --load --builder farm {COMMON}"
    assert not docker.portable


def test_buildx_takes_images_from_layouts_by_digest() -> None:
    programs = new()
    find_docker(programs, "").build(WITH_LAYOUT)
    context = f"--build-context=base=oci-layout:///work/layouts/base@{DIGEST} /work/context"
    assert programs.shown[0][0] == f"docker buildx build --load {PINNED} {context}"


@pytest.mark.parametrize(
    ("said", "portable"),
    [
        ("Buildkit: 20.10.24", True),
        ("Buildkit:  23.0.1", False),
        ("BuildKit version: v0.8+unknown", True),
        ("BuildKit version: v0.9.3", True),
        ("BuildKit version: v0.10.0", False),
        ("", False),
    ],
)
def test_the_portable_form_is_for_frontends_without_link(said: str, portable: bool) -> None:  # noqa: FBT001
    assert find_docker(new(said), "").portable == portable


def test_docker_23_without_buildx_but_with_an_older_command_line_knows_link() -> None:
    programs = Recording({"docker version": "20.10.24 23.0.1\n", "docker buildx": FAILED})
    assert not find_docker(programs, "").portable


def refused(programs: Recording, builder: str = "") -> UsageError:
    with pytest.raises(UsageError) as caught:
        find_docker(programs, builder)
    return caught.value


def test_an_absent_docker_says_what_to_install() -> None:
    error = refused(Recording(absent=("docker",)))
    assert error.message == "docker is not installed"
    assert "install Docker" in error.hint


def test_a_daemon_that_does_not_run_says_how_to_start_it() -> None:
    error = refused(Recording({"docker version": Answer(1, "28.2.2 ", "Is the daemon running?\n")}))
    assert error.message == "docker does not answer"
    assert "systemctl start docker" in error.hint
    assert error.detail == "Is the daemon running?"


@pytest.mark.parametrize("buildx", [FAILED, ""])
def test_an_old_daemon_is_refused(buildx: Answer | str) -> None:
    answers: dict[str, Answer | str] = {"docker version": "19.03.15 19.03.15", "docker buildx": buildx}
    error = refused(Recording(answers))
    assert error.message == "docker 19.03.15 is too old: its builder cannot mount"
    assert "20.10 or newer" in error.hint


def test_a_new_command_line_without_buildx_is_refused() -> None:
    error = refused(Recording({"docker version": NEW, "docker buildx": FAILED}))
    assert error.message == "docker 28.2.2 builds with buildx, which is not installed"
    assert "docker-buildx-plugin" in error.hint


def test_a_builder_needs_buildx() -> None:
    error = refused(old(), "farm")
    assert error.message == "--builder needs buildx, which is not installed"
    assert "docker-buildx" in error.hint


@pytest.mark.parametrize(
    ("builder", "listing", "hint"),
    [
        ("fram", LISTED, "did you mean 'farm'?"),
        ("zzz", LISTED, "known builders: default, farm"),
        ("zzz", "", "`docker buildx create` makes one"),
    ],
)
def test_an_unknown_builder_gets_the_nearest_one_suggested(builder: str, listing: str, hint: str) -> None:
    programs = Recording(
        {"docker version": NEW, "docker buildx inspect": FAILED, "docker buildx ls": listing}
    )
    error = refused(programs, builder)
    assert error.message == f"docker has no builder {builder!r}"
    assert error.hint == hint


@pytest.mark.parametrize(
    "programs",
    [
        old(),
        new("BuildKit version: v0.10.6"),
        new("Buildkit: 23.0.1"),
        Recording({"docker version": "20.10.24 28.2.2", "docker buildx": FAILED}),
    ],
)
def test_an_old_buildkit_or_no_buildx_takes_no_images_from_layouts(programs: Recording) -> None:
    with pytest.raises(UsageError, match="cannot take images from layouts") as caught:
        find_docker(programs, "").build(WITH_LAYOUT)
    assert caught.value.where == "base"
    assert programs.shown == []


def test_a_failed_build_is_a_stage_error_without_credentials() -> None:
    programs = old()
    programs.answers = {**programs.answers, "docker build ": Answer(1, err="at https://me:pw@example.com/ x")}
    with pytest.raises(StageError, match="status 1") as caught:
        find_docker(programs, "").build(REQUEST)
    assert caught.value.detail == "at https://example.com/ x"
    assert caught.value.where == "service:cpu"


def test_images_are_found_and_saved() -> None:
    programs = old()
    said = {"docker image inspect": f"{DIGEST}\n", "docker history": "0\n100\n23\n"}
    programs.answers = {**programs.answers, **said}
    docker = find_docker(programs, "")
    assert docker.find("a:1") == EngineImage(DIGEST, 123)
    docker.save("a:1", Path("/x.tar"))
    assert programs.calls[-3:] == [
        "docker image inspect --format {{.Id}} a:1",
        "docker history --human=false --format {{.Size}} a:1",
        "docker save --output /x.tar a:1",
    ]


def test_an_unknown_image_and_a_failed_save_are_errors() -> None:
    docker = find_docker(Recording({"docker version": OLD, "docker": FAILED}), "")
    with pytest.raises(UsageError, match="docker has no image 'a:1'"):
        docker.find("a:1")
    with pytest.raises(StageError, match="`docker save` failed") as caught:
        docker.save("a:1", Path("/x.tar"))
    assert caught.value.detail == "it said why"
