"""What is told of an image before it is built, against what is then built."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.debs.model import LockedDeb
from lightship.platform import Platform
from lightship.wheels.lock import read_lock
from tests.integration.build.conftest import Built

pytestmark = pytest.mark.integration
AMD64 = Platform("amd64")


def locked_debs(folder: Path) -> tuple[LockedDeb, ...]:
    return tuple(read_lock(folder / "pylock.none.toml").debs[AMD64])


def test_an_image_is_predicted_within_two_percent_by_ranges(pharmabot: Built, tmp_path: Path) -> None:
    stranger = replace(pharmabot.lightship, root=tmp_path)  # nothing was fetched here
    told = stranger.ask("compare", ".", "--variant", "none", "--locked", cwd=pharmabot.folder)
    (predicted,) = told["images"]
    built = pharmabot.lightship.ask("compare", "pharmabot:none", cwd=pharmabot.folder)["images"][0]
    assert (predicted["basis"], built["basis"]) == ("predicted", "measured")
    for figure in ("unpacked", "compressed"):
        assert abs(predicted[figure] / built[figure] - 1) < 0.02
    debs = locked_debs(pharmabot.folder)
    kept = {path.name for path in (stranger.home.archives / "sha256").iterdir()}
    assert kept == {deb.sha256 for deb in debs}
    assert told["fetched"] < sum(deb.size for deb in debs) + 2_000_000


def test_without_a_recorded_start_imports_tell_as_much(pharmabot: Built, tmp_path: Path) -> None:
    folder = shutil.copytree(pharmabot.folder, tmp_path / "folder", symlinks=True)
    (folder / "start.none.json").unlink()
    stranger = replace(pharmabot.lightship, root=tmp_path)
    told = stranger.ask("compare", ".", "--variant", "none", "--locked", cwd=folder)
    built = pharmabot.lightship.ask("compare", "pharmabot:none", cwd=pharmabot.folder)["images"][0]
    (predicted,) = told["images"]
    assert "is read from import statements" in predicted["notes"][0]
    for figure in ("unpacked", "compressed"):
        assert abs(predicted[figure] / built[figure] - 1) < 0.02


def test_what_is_built_already_is_measured(pharmabot: Built) -> None:
    options = ("compare", ".", "pharmabot:none", "--variant", "none", "--locked")
    known, built = pharmabot.lightship.ask(*options, cwd=pharmabot.folder)["images"]
    assert known["basis"] == "measured"
    assert (known["unpacked"], known["compressed"]) == (built["unpacked"], built["compressed"])
