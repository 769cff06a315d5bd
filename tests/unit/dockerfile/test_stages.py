from __future__ import annotations

import pytest

from lightship.dockerfile.expand import expand
from lightship.dockerfile.images import parse_image
from lightship.dockerfile.packages import chain_installs
from lightship.dockerfile.parser import parse
from lightship.dockerfile.stages import Build, last_user, read_build
from lightship.errors import UsageError


def build(text: str, target: str = "") -> Build:
    document = parse("Dockerfile", text)
    assert not document.problems
    return read_build(document, target)


def test_stages_are_built_on_stages() -> None:
    made = build("FROM a:1 AS x\nFROM x AS y\nFROM b:2\nCOPY --from=Y /a /b\nCOPY --from=0 /c /d\n")
    assert [stage.base.name if stage.base else "" for stage in made.stages] == ["", "x", ""]
    assert [stage.name for stage in made.stages[1].chain] == ["x", "y"]
    assert [source.name for _, _, source in made.references(made.final) if source] == ["y", "x"]
    assert made.used == {0, 1, 2}
    assert [stage.name for stage in made.builders] == ["x", "y"]
    assert made.stages[1].root_image.name == "a"


def test_what_is_in_force_at_a_step() -> None:
    text = (
        "ARG V=3.11\nFROM python:${V}-slim AS base\nARG V\nENV ROOT=/srv PATH=$ROOT/bin:$PATH\n"
        "WORKDIR $ROOT\nWORKDIR app\nUSER me\nFROM base\nRUN true\n"
    )
    made = build(text)
    step = made.final.steps[0]
    assert made.final.root_image.tag == "3.11-slim"
    assert (step.workdir, step.user, step.env["ROOT"], step.variables["ROOT"]) == (
        "/srv/app",
        "me",
        "/srv",
        "/srv",
    )
    assert step.path("x/../y") == "/srv/app/y"
    assert made.stages[0].steps[1].variables["V"] == "3.11"
    assert last_user(made.final) == "me"


def test_a_target_is_found_by_name_or_number() -> None:
    text = "FROM a AS One\nFROM b AS two\n"
    assert build(text, "one").final.index == 0
    assert build(text, "1").final.name == "two"
    with pytest.raises(UsageError, match="there is no stage 'three'") as caught:
        build(text, "three")
    assert caught.value.hint == "its stages are One, two"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a ${a} ${b:-d} ${b-d} ${a:+x} ${b:+x} $b \\$a ${a", "1 1 d d x  $b \\$a ${a"),
        ("${e:-d}${e-d}${e}", "dd"),
    ],
)
def test_variables(text: str, expected: str) -> None:
    assert expand(text, {"a": "1", "e": ""}) == expected


@pytest.mark.parametrize(
    ("name", "python", "libc", "suite", "compilers"),
    [
        ("python:3.11", "3.11", "glibc", "", True),
        ("python:3.11.4-slim-bullseye", "3.11", "glibc", "bullseye", False),
        ("docker.io/library/python:3.12-alpine3.20", "3.12", "musl", "", False),
        ("localhost:5000/python:3.13rc1-trixie", "3.13", "glibc", "trixie", True),
        ("ghcr.io/astral-sh/uv:0.8-python3.12-bookworm-slim", "3.12", "glibc", "bookworm", False),
        ("nvidia/cuda:12.4.1-devel-ubuntu22.04", "", "glibc", "jammy", True),
        ("ubuntu:24.04", "", "glibc", "noble", False),
        ("debian:12-slim", "", "glibc", "bookworm", False),
        ("acme/thing", "", "", "", False),
        ("python:$TAG", "", "", "", False),
    ],
)
def test_what_a_name_tells(name: str, python: str, libc: str, suite: str, compilers: bool) -> None:  # noqa: FBT001
    image = parse_image(name)
    assert (image.python, image.libc, image.suite, image.has_compilers) == (python, libc, suite, compilers)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "apt-get -y -o A=b install --no-install-recommends gcc=4:12 libpq-dev:amd64",
            ("apt", "install", ("gcc", "libpq-dev")),
        ),
        ("apt-get -qq update", ("apt", "update", ())),
        (
            "python3.11 -m pip --no-input install -r a.txt -e . 'torch[x]>=2' -i https://x",
            ("pip", "install", ("torch",)),
        ),
        ("/opt/venv/bin/pip3 wheel -w /w Flask", ("pip", "wheel", ("flask",))),
        ("uv pip install --system -r a.txt b", ("uv", "install", ("b",))),
        ("uv sync --frozen", ("uv", "install", ())),
        ("apk --no-cache add -t .b gcc", ("apk", "install", ("gcc",))),
        ("mamba install -y -c conda-forge numpy=1.26", ("conda", "install", ("numpy",))),
        ("poetry install --only main", ("poetry", "install", ())),
    ],
)
def test_package_managers(command: str, expected: tuple[str, str, tuple[str, ...]]) -> None:
    [(_, found)] = list(chain_installs(build(f"FROM a\nRUN {command}\n").final))
    assert (found.manager, found.action, found.names) == expected


@pytest.mark.parametrize(
    "command",
    ["pip --version", "uv python install", "apt-cache show x", "echo pip install x", "poetry config a b"],
)
def test_what_installs_nothing(command: str) -> None:
    assert list(chain_installs(build(f"FROM a\nRUN {command}\n").final)) == []
