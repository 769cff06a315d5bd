from __future__ import annotations

import pytest

from tests.unit.dockerfile.migrate.migrating import Project, migrated, settings, told

INSTALL = "COPY requirements.txt .\nRUN pip install -r requirements.txt\nUSER 1\n"


@pytest.mark.parametrize(
    ("image", "python", "base", "kind"),
    [
        ("python:3.11-slim", "3.11", "debian:bookworm", "carried over"),
        ("python:3.13", "3.13", "debian:trixie", "carried over"),
        ("python:3.14-slim", "3.14", "debian:forky", "carried over"),
        ("python:3.12-slim", "3.12", "python:3.12-slim", "carried over"),
        ("python:3.9@sha256:" + "0" * 64, "3.9", "python:3.9@sha256:" + "0" * 64, "carried over"),
        ("python:3.12-alpine", "3.13", "debian:trixie", "by hand"),
        ("mirror.example.com/python:3.11", "3.11", "debian:bookworm", "carried over"),
        ("mirror.example.com:5000/library/python:3.11", "3.11", "debian:bookworm", "carried over"),
        (
            "registry.example.com/x/python:3.11",
            "3.11",
            "registry.example.com/x/python:3.11",
            "carried over",
        ),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "3.13", "debian:trixie", "by hand"),
        ("python:3.11-alpine", "3.11", "debian:bookworm", "carried over"),
        ("ghcr.io/astral-sh/uv:0.8-python3.13-bookworm", "3.13", "debian:trixie", "carried over"),
        ("debian:bookworm-slim", "3.11", "debian:bookworm", "carried over"),
        ("ubuntu:24.04", "3.13", "debian:trixie", "carried over"),
        ("nvidia/cuda:12.4.1-base-ubuntu22.04", "3.11", "debian:bookworm", "carried over"),
        ("gcr.io/distroless/python3-debian12", "3.11", "debian:bookworm", "carried over"),
        ("vllm/vllm-openai:latest", "3.11", "debian:bookworm", "by hand"),
        ("public.ecr.aws/lambda/python:3.13", "3.13", "debian:trixie", "by hand"),
        ("python:$TAG", "3.11", "debian:bookworm", "by hand"),
    ],
)
def test_python_and_base_come_from_the_image(image: str, python: str, base: str, kind: str) -> None:
    made = migrated(f"FROM {image}\n{INSTALL}")
    assert (made.settings["python"], made.settings["base"]) == (python, base)
    assert made.rows[0].kind == kind


def test_a_python_that_debian_lacks_is_kept_with_its_image() -> None:
    made = migrated(f"FROM python:3.12-slim\n{INSTALL}")
    assert made.rows[0].message.endswith("no suite of Debian has Python 3.12")
    assert made.complete
    made = migrated(f"FROM python:3.12-alpine\n{INSTALL}")
    assert made.rows[0].hint == 'to keep 3.12: python = "3.12" and base = "python:3.12-slim", of Debian'
    assert not made.complete


def test_an_image_that_brings_more_is_named_as_what_the_base_could_be() -> None:
    made = migrated(f"FROM registry.example.com/team/models:2\n{INSTALL}")
    assert made.rows[0].hint == (
        'name that in requirements; or base = "registry.example.com/team/models:2",'
        " if its Python is a CPython with glibc"
    )


def test_what_a_stage_is_there_for() -> None:
    text = (
        "FROM python:3.11 AS builder\nCOPY requirements.txt .\nRUN pip wheel -w /wheels -r requirements.txt\n"
        "FROM python:3.11 AS idle\n"
        "FROM python:3.11-slim AS base\n"
        "FROM base\nCOPY --from=builder /wheels /wheels\nRUN pip install --no-index /wheels/*.whl\nUSER 1\n"
    )
    shown = told(migrated(text))
    assert shown[0] == ("1 not needed: wheels come ready; what has none is built in Lightship's own builder")
    assert "4 not needed: nothing of this stage is in the image" in shown
    assert "6 not needed: continues stage 'base': one image, whatever its stages" in shown
    assert "7 not needed: every wheel is a layer by itself: nothing is copied between stages" in shown


def test_windows_is_refused() -> None:
    made = migrated("FROM mcr.microsoft.com/windows/servercore:ltsc2022\nCMD python main.py\n")
    assert "1: an image of Windows" in told(made, "by hand")
    assert "base" not in made.settings


def test_the_last_stage_is_the_image_unless_it_is_for_developers() -> None:
    text = (
        "FROM python:3.11-slim AS production\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
        'CMD ["app"]\nFROM production AS dev\nCMD ["app", "--debug"]\n'
    )
    made = settings(text)
    assert made["command"] == ["app"]
    assert made["targets"] == {"development": {"command": ["app", "--debug"]}}


def test_a_platform_is_carried_over() -> None:
    assert settings("FROM --platform=linux/arm64 python:3.11\n")["platforms"] == ["linux/arm64"]


def test_conda_tells_its_python() -> None:
    project = Project({"environment.yml": "dependencies:\n  - python=3.13\n  - pip:\n    - fastapi\n"})
    text = "FROM continuumio/miniconda3\nCOPY environment.yml .\nRUN conda env create -f environment.yml\n"
    assert settings(text, project)["python"] == "3.13"
