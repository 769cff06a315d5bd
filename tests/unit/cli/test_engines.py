"""`build` and `verify` with an engine: a fake Docker that saves what it is given."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lightship.oci.archive import write_docker_archive
from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems
from tests.support.images import hello_image
from tests.support.locked import Locked
from tests.unit.cli.conftest import Lightship

DOCKER = """#!/bin/sh
echo "$*" >> "$FAKE/calls"
case "$1 $2" in
    "version "*) echo "20.10.24 20.10.24" ;;
    "buildx "*) exit 1 ;;
    "build "*) echo "progress" >&2; echo "more progress"; exit "${STATUS:-0}" ;;
    "image inspect") echo "$ID" ;;
    "history "*) echo 50000000; echo 200000000 ;;
    "save "*) cat "$FAKE/image.tar" > "$3" ;;
esac
"""
ID = "sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    with (folder / "image.tar").open("wb") as out:
        write_docker_archive(hello_image(Layout(tmp_path / "hello")), "project:none", out)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE", str(folder))
    monkeypatch.setenv("ID", ID)
    return folder


def calls(fake: Path) -> list[str]:
    return (fake / "calls").read_text().splitlines()


def test_a_build_is_reported_like_a_direct_one(lightship: Lightship, made: Locked, fake: Path) -> None:
    (made.folder / "lightship.toml").write_text('budget = "100MB"\n')
    shown = lightship("build", made.folder, "--engine", "docker", "--load", "--", "--network", "host")
    assert shown.code == 0
    assert shown.out.startswith(f"project:none  linux/amd64  {ID}\n  250 MB in docker, ")
    assert "over its budget of 100 MB" in shown.out
    assert "--network host /" in calls(fake)[2]


def test_json_is_all_that_is_printed_and_progress_goes_to_standard_error(made: Locked, fake: Path) -> None:
    options = ("--engine", "docker", "--json", "-t", "mine:1", "--locked")
    done = subprocess.run(
        [sys.executable, "-m", "lightship", "build", made.folder, *options],
        env={**os.environ, **made.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.endswith("\nprogress\nmore progress\n")
    found = json.loads(done.stdout)
    assert found.pop("seconds") >= 0
    assert found == {
        "name": "mine:1",
        "engine": "docker",
        "id": ID,
        "platform": "linux/amd64",
        "variant": "none",
        "target": "production",
        "unpacked": 250_000_000,
        "budget": None,
    }
    assert any("--tag mine:1 " in call for call in calls(fake))


@pytest.mark.usefixtures("fake")
def test_a_failed_quiet_build_shows_what_the_engine_said(
    lightship: Lightship, made: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS", "1")
    failed = lightship("build", made.folder, "--engine", "docker", "--quiet")
    assert failed.code == 5
    assert "  | progress\n  | more progress\n" in failed.err


@pytest.mark.usefixtures("fake")
def test_images_are_handed_over_as_layouts_and_archives(
    lightship: Lightship, made: Locked, tmp_path: Path
) -> None:
    build = ("build", made.folder, "--engine", "docker", "--quiet")
    assert lightship(*build, "-o", f"oci:{tmp_path}/out").code == 0
    layout = Layout(tmp_path / "out")
    assert layout_problems(layout) == []
    assert list(layout.names()) == ["project:none"]
    assert lightship(*build, "-o", f"docker-archive:{tmp_path}/out.tar").code == 0
    with tarfile.open(tmp_path / "out.tar") as archive:
        manifest = archive.extractfile("manifest.json") or io.BytesIO()
        assert json.load(manifest)[0]["RepoTags"] == ["project:none"]


@pytest.mark.usefixtures("fake")
def test_verify_takes_images_out_of_an_engines_store(
    lightship: Lightship, made: Locked, tmp_path: Path
) -> None:
    for image in (made.folder, "project:none"):
        shown = lightship("verify", image, "--engine", "docker", "--json")
        found = json.loads(shown.out)
        assert (found["name"], found["layers"]) == ("project:none", 2)
    assert list((tmp_path / "home" / "cache").glob("export-*")) == []


@pytest.mark.usefixtures("fake")
def test_verify_has_targets_of_projects_only(lightship: Lightship) -> None:
    refused = lightship("verify", "project:none", "--engine", "docker", "--target", "development")
    assert refused.code == 2
    assert "targets are a project's" in refused.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "dokcer"), "unknown engine 'dokcer'"),
        (("--engine", "docker", "--compression", "gzip"), "--compression is about the direct engine"),
        (("--engine", "docker", "--single-member"), "--single-member is about the direct engine"),
        (("--engine", "docker", "--format", "estargz"), "--format is about the direct engine"),
        (("--engine", "docker", "--offline"), "--offline is about the direct engine"),
        (("--engine", "docker", "--record"), "--record is about the direct engine"),
        (("--engine", "docker", "--push", "x.example.com/a"), "--push is about the direct engine"),
        (("--engine", "docker", "--fix-build-packages"), "--fix-build-packages is about the direct engine"),
        (("--engine", "buildah", "--load"), "--load is about Docker and Podman"),
        (("--engine", "buildah", "--builder", "x"), "--builder names one of buildx's builders"),
        (("--engine", "docker", "--builder", "x"), "--builder needs buildx"),
        (("--builder", "x"), "--builder is for another engine"),
        (("--", "--network", "host"), "what follows -- is for another engine"),
        (("--engine", "docker", "--variant", "nonne"), "unknown variant 'nonne'"),
    ],
)
@pytest.mark.usefixtures("fake")
def test_what_cannot_be_heeded_is_refused(
    lightship: Lightship, made: Locked, options: tuple[str, ...], message: str
) -> None:
    refused = lightship("build", made.folder, *options)
    assert refused.code == 2
    assert message in refused.err
    assert "  try: " in refused.err


def test_help_says_what_can_follow(lightship: Lightship) -> None:
    assert "[-- ENGINE OPTIONS]" in lightship("build", "--help").out
