"""The emitted files, against those that were looked at: `python -m tests.support.emitted` makes them anew."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
import yaml

import lightship
from lightship.digest import Digest
from lightship.dockerfile.emit.bases import pinned_name
from lightship.dockerfile.emit.facts import RESERVED, service_of
from lightship.dockerfile.emit.model import STYLES, Options, Style
from lightship.dockerfile.emit.render import render
from lightship.errors import UsageError
from tests.support.emitted import CONFIG, GOLDEN, OPTIONS, STARTS, emitted, golden, plans, project, traced

SOURCE = Path(lightship.__file__).parent


@pytest.fixture(params=OPTIONS)
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    return emitted(OPTIONS[request.param])


def variants(files: dict[str, str]) -> list[str]:
    (names,) = re.findall(r"^# Which lock is installed: (.*)\.$", files["Dockerfile"], re.MULTILINE)
    return str(names).split(", ")


@pytest.mark.parametrize("name", OPTIONS)
def test_files_are_as_they_were_looked_at(name: str) -> None:
    folder = GOLDEN / name
    there = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
    assert golden(OPTIONS[name]) == there


@pytest.mark.parametrize("name", OPTIONS)
def test_every_file_says_which_command_made_it(name: str) -> None:
    made = f"Made by `{OPTIONS[name].command}`: "
    for path, text in emitted(OPTIONS[name]).items():
        if path.endswith(".json"):
            assert json.loads(text)["//"].startswith(made)
            continue
        comments = [line for line in text.splitlines() if not line.startswith("# syntax=")]
        assert comments[0].startswith(f"# {made}"), path


def test_the_command_that_is_named_makes_the_same_files() -> None:
    options = Options("venv", portable=True, ci="gitlab", variants=("none", "cu126"))
    words = "lightship dockerfile --variant none --variant cu126 --style venv --portable --ci gitlab"
    assert options.command == words


def test_every_stage_that_is_named_is_there_before(files: dict[str, str]) -> None:
    known: set[str] = set()
    for line in files["Dockerfile"].splitlines():
        for named in re.findall(r"(?:^FROM |from=)([^\s,]+)", line):
            for name in {named.replace("${TORCH_VARIANT}", variant) for variant in variants(files)}:
                assert name in known or re.fullmatch(
                    r"\$\{\w+_IMAGE\}|scratch|weights|registry.example.com/.*", name
                ), line
        known |= set(re.findall(r"^FROM \S+ AS (\S+)$", line))
    assert {"builder", "runtime", "development", "production"} <= known


def test_what_is_copied_of_docker_is_written(files: dict[str, str]) -> None:
    copied = set()
    for source in re.findall(r"^COPY (docker/\S+)", files["Dockerfile"], re.MULTILINE):
        for variant in variants(files):
            copied.add(source.replace("${TORCH_VARIANT}", variant))
    assert copied == {path for path in files if path.startswith("docker/")}


def test_a_portable_dockerfile_has_nothing_newer_than_docker_20() -> None:
    ours, portable = (emitted(Options(portable=flag))["Dockerfile"] for flag in (False, True))
    assert "--link" not in portable
    assert "syntax=" not in portable
    plain = ours.replace("COPY --link ", "COPY ").removeprefix("# syntax=docker/dockerfile:1\n")
    assert plain.splitlines()[1:] == re.sub("MOUNTED=[0-9a-f]{12} ", "", portable).splitlines()[1:]


def test_what_a_portable_run_mounts_is_part_of_its_command() -> None:
    """Buildah's cache takes no notice of what lies in a mounted stage (containers/buildah#6609)."""

    def mounted(trim: Literal["safe", "none"]) -> dict[str, str]:
        config = msgspec.structs.replace(CONFIG, trim=trim)
        text = emitted(Options(portable=True), replace(project(), config=config))["Dockerfile"]
        assert text.count("RUN --mount=type=bind,from=") == text.count("MOUNTED=")
        return dict(re.findall(r"mount=type=bind,from=(\S+?),.*\n\s+MOUNTED=([0-9a-f]{12}) ", text))

    before, after = mounted("safe"), mounted("none")
    assert before == mounted("safe")
    assert before["wheels"] != after["wheels"]
    assert before["bytecode"] == after["bytecode"]


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
    assert gitlab["build"]["parallel"]["matrix"] == [{"VARIANT": ["none"]}]
    assert "--check" in gitlab["files"]["script"][1]


def test_the_bake_file_is_balanced_and_names_every_target(files: dict[str, str]) -> None:
    bake = re.sub(r"#.*", "", files["docker-bake.hcl"])
    assert bake.count("{") == bake.count("}")
    assert bake.count("[") == bake.count("]")
    assert re.findall(r'^target "(\w+)"', bake, re.MULTILINE) == ["production", "development"]
    assert 'weights = "oci-layout://../weights"' in bake


@pytest.mark.parametrize("name", ["slim", "dockerfile/emit/compile"])
def test_programs_are_the_librarys_own_modules(name: str, files: dict[str, str]) -> None:
    text = files[f"docker/{name.rpartition('/')[2]}.py"]
    assert text.partition("\n")[2] == (SOURCE / f"{name}.py").read_text()


def test_what_is_left_out_is_what_the_plan_leaves_out(files: dict[str, str]) -> None:
    part = json.loads(files["docker/slim/none-wheels.json"])["x86_64"]
    assert part["distributions"] == ["gunicorn", "redis", "uvloop"]
    assert [rule["name"] for rule in part["rules"]] == ["static-libraries", "cython-sources"]
    built = json.loads(files["docker/slim/none-source.json"])["x86_64"]
    assert built["distributions"] == ["psycopg2"]


def test_nothing_runs_where_nothing_is_left_out_or_compiled() -> None:
    config = msgspec.structs.replace(CONFIG, trim="none", bytecode="none")
    files = emitted(Options(variants=("none",)), replace(project(), config=config))
    assert {path.split("/")[1] for path in files if path.startswith("docker/")} == {"requirements"}
    for word in ("slim.", "compileall", "compile.py", "FROM scratch"):
        assert word not in files["Dockerfile"]


def test_libraries_are_stripped_where_the_configuration_says_so() -> None:
    config = msgspec.structs.replace(CONFIG, trim="none", strip=True)
    files = emitted(Options(), replace(project(), config=config))
    part = json.loads(files["docker/slim/cu126-heavy.json"])["aarch64"]
    assert part == {
        "distributions": ["nvidia-cublas-cu12", "torch"],
        "strip": True,
        "rules": [],
        "kept": {},
    }
    assert list(json.loads(files["docker/slim/none-heavy.json"])) == ["//"]


def test_all_is_compiled_but_what_the_base_has() -> None:
    config = msgspec.structs.replace(CONFIG, bytecode="all")
    text = emitted(Options(), replace(project(), config=config))["Dockerfile"]
    assert text.count("compileall") == 3
    assert "-x '/site-packages/(pip|_distutils_hack|pkg_resources|setuptools|wheel)/'" in text
    assert "compile.py" not in text


def test_without_a_recorded_start_the_application_alone_is_compiled() -> None:
    text = emitted(Options(variants=("cu126",)))["Dockerfile"]
    assert text.count("compileall") == 1
    assert "compile.py" not in text


@pytest.mark.parametrize("style", STYLES)
def test_what_is_traced_for_production_is_trimmed_by_rules_for_other_targets(style: Style) -> None:
    files = emitted(Options(style, variants=("none",)), traced())
    kept = json.loads(files["docker/slim/none-wheels.json"])["x86_64"]["kept"]
    assert kept == {"gunicorn": ["gunicorn/__init__.py"]}
    assert json.loads(files["docker/slim/none-source.json"])["x86_64"]["kept"].keys() == {"psycopg2"}
    assert json.loads(files["docker/slim/none-untraced-wheels.json"])["x86_64"]["kept"] == {}
    text = files["Dockerfile"]
    assert "FROM untraced-packages-${TORCH_VARIANT} AS development\n" in text
    assert "FROM packages-${TORCH_VARIANT} AS production\n" in text


def test_starts_of_one_platform_say_nothing_about_another() -> None:
    part = json.loads(emitted(Options(), traced())["docker/slim/none-wheels.json"])
    assert part["aarch64"]["kept"] == {}
    assert STARTS["none"].opened.keys() == {"amd64"}


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


@pytest.mark.parametrize(
    ("reference", "digests", "name"),
    [
        ("python:3.12-slim", {"sha256:1"}, "python:3.12-slim@sha256:1"),
        ("python:3.12-slim", {"sha256:1", "sha256:2"}, "python:3.12-slim"),
        ("python@sha256:3", {"sha256:1"}, "python@sha256:3"),
    ],
)
def test_images_of_registries_are_pinned_where_one_digest_serves_all(
    reference: str, digests: set[str], name: str
) -> None:
    assert pinned_name(reference, {Digest(each) for each in digests}) == name
