"""The emitted files, against those that were looked at: `python -m tests.support.emitted` makes them anew."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import yaml

from lightship.dockerfile.emit.facts import RESERVED, service_of
from lightship.dockerfile.emit.model import Options
from lightship.dockerfile.emit.render import render
from lightship.errors import UsageError
from tests.support.emitted import GOLDEN, OPTIONS, emitted, plans, project


@pytest.fixture(params=OPTIONS)
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    return emitted(OPTIONS[request.param])


@pytest.mark.parametrize("name", OPTIONS)
def test_files_are_as_they_were_looked_at(name: str) -> None:
    folder = GOLDEN / name
    there = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
    assert emitted(OPTIONS[name]) == there


@pytest.mark.parametrize("name", OPTIONS)
def test_every_file_says_which_command_made_it(name: str) -> None:
    for path, text in emitted(OPTIONS[name]).items():
        comments = [line for line in text.splitlines() if not line.startswith("# syntax=")]
        assert comments[0].startswith(f"# Made by `{OPTIONS[name].command}`"), path


def test_the_command_that_is_named_makes_the_same_files() -> None:
    options = Options("venv", portable=True, ci="gitlab", variants=("none", "cu126"))
    words = "lightship dockerfile --variant none --variant cu126 --style venv --portable --ci gitlab"
    assert options.command == words


def test_every_stage_that_is_named_is_there_before(files: dict[str, str]) -> None:
    known: set[str] = set()
    variants = re.findall(r"^# Which lock is installed: (.*)\.$", files["Dockerfile"], re.MULTILINE)[0].split(
        ", "
    )
    for line in files["Dockerfile"].splitlines():
        for named in re.findall(r"(?:^FROM |from=)([^\s,]+)", line):
            for name in {named.replace("${TORCH_VARIANT}", variant) for variant in variants}:
                assert name in known or re.fullmatch(
                    r"\$\{\w+_IMAGE\}|weights|registry.example.com/.*", name
                ), line
        known |= set(re.findall(r"^FROM \S+ AS (\S+)$", line))
    assert {"builder", "runtime", "development", "production"} <= known


def test_what_is_copied_of_docker_is_written(files: dict[str, str]) -> None:
    variants = {
        path.split("/")[-1].split("-")[0].removesuffix(".txt") for path in files if path.endswith(".txt")
    }
    for source in re.findall(r"^COPY (docker/\S+)", files["Dockerfile"], re.MULTILINE):
        for variant in variants - {"stage"}:
            assert source.replace("${TORCH_VARIANT}", variant) in files


def test_a_portable_dockerfile_has_nothing_newer_than_docker_20() -> None:
    ours, portable = (emitted(Options(portable=flag))["Dockerfile"] for flag in (False, True))
    assert "--link" not in portable
    assert "syntax=" not in portable
    plain = ours.replace("COPY --link ", "COPY ").removeprefix("# syntax=docker/dockerfile:1\n")
    assert plain.splitlines()[1:] == portable.splitlines()[1:]


def test_no_credential_is_a_build_argument(files: dict[str, str]) -> None:
    arguments = set(re.findall(r"^ARG (\w+)", files["Dockerfile"], re.MULTILINE))
    assert arguments == {"TORCH_VARIANT", "PYTHON_IMAGE", "BUILDER_IMAGE"}


def test_the_runtime_asks_no_index(files: dict[str, str]) -> None:
    shipped = files["Dockerfile"].partition("# ---- runtime")[2]
    stages = re.split(r"^FROM ", shipped, flags=re.MULTILINE)
    for stage in stages[1:]:
        if not stage.startswith("builder"):
            assert stage.count("pip install") == stage.count("--no-index")


def test_commands_are_in_exec_form(files: dict[str, str]) -> None:
    commands = re.findall(r"^ *CMD (.*)$", files["Dockerfile"], re.MULTILINE)
    assert len(commands) == 4
    assert all(isinstance(json.loads(command), list) for command in commands)


def test_compose_starts_what_the_service_asks_for(files: dict[str, str]) -> None:
    compose: dict[str, Any] = yaml.safe_load(files["compose.yaml"])
    services = compose["services"]
    assert set(services) == {"development", "production", "postgres", "redis"}
    assert services["production"]["profiles"] == ["production"]
    assert services["production"]["read_only"] is True
    for name in ("postgres", "redis"):
        assert services["development"]["depends_on"][name] == {"condition": "service_healthy"}
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    mounts = [(item["source"], item["target"]) for item in services["development"]["volumes"]]
    assert mounts == [
        ("./models/", "/srv/models/"),
        ("./app/", "/srv/app/"),
        ("./wsgi.py", "/srv/wsgi.py"),
        ("./gunicorn.conf.py", "/srv/gunicorn.conf.py"),
    ]


def test_a_gpu_is_asked_for_where_the_variant_uses_one() -> None:
    services = yaml.safe_load(emitted(OPTIONS["wheels"])["compose.yaml"])["services"]
    assert services["development"]["gpus"] == "all"
    assert "gpus" not in yaml.safe_load(emitted(OPTIONS["venv"])["compose.yaml"])["services"]["development"]


def test_no_backend_is_started_for_a_service_that_uses_none() -> None:
    compose = yaml.safe_load(
        render(
            "compose.yaml.j2",
            {
                "service": replace(
                    service_of(project(), plans(project(), ("none",)), Options()), backends=()
                ),
                "options": Options(),
                "development": True,
                "gpu": False,
            },
        )
    )
    assert set(compose["services"]) == {"development", "production"}
    assert "depends_on" not in compose["services"]["development"]
    assert "volumes" not in compose


def test_continuous_integration_builds_every_variant() -> None:
    github = yaml.safe_load(emitted(OPTIONS["wheels"])[".github/workflows/image.yml"])
    assert github["jobs"]["image"]["strategy"]["matrix"]["variant"] == ["cu126", "none"]
    gitlab = yaml.safe_load(emitted(OPTIONS["site-packages"])[".gitlab-ci.yml"])
    assert gitlab["image"]["parallel"]["matrix"] == [{"VARIANT": ["none"]}]
    assert "--check" in gitlab["files"]["script"][1]


def test_the_bake_file_is_balanced_and_names_every_target(files: dict[str, str]) -> None:
    bake = re.sub(r"#.*", "", files["docker-bake.hcl"])
    assert bake.count("{") == bake.count("}")
    assert bake.count("[") == bake.count("]")
    assert re.findall(r'^target "(\w+)"', bake, re.MULTILINE) == ["production", "development"]
    assert 'weights = "oci-layout://../weights"' in bake


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_target_called_as_a_stage_is_refused(name: str) -> None:
    of = project()
    made = {(variant, name): each for (variant, _), each in plans(of, ("none",)).items()}
    with pytest.raises(UsageError, match=f"stage of its own called '{name}'"):
        service_of(of, made, Options())


def test_an_image_with_debians_python_needs_a_virtual_environment() -> None:
    of = project()
    image = replace(of, config=msgspec.structs.replace(of.config, base="oci:base"))
    made = plans(of, ("none",))
    with pytest.raises(UsageError, match="leaves installing") as caught:
        service_of(image, made, Options())
    assert "--style venv" in caught.value.hint
    assert service_of(image, made, Options("venv")).base == "base"
