from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from lightship.debs.trim import MANUALS
from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems
from tests.support.locked import Locked, write_lock_with_target
from tests.unit.cli.conftest import Lightship


def test_plan_says_what_the_image_will_hold(lightship: Lightship, made: Locked) -> None:
    shown = lightship("plan", made.folder, "--locked", "--offline")
    assert shown.code == 0
    assert shown.out.startswith("project, variant none, linux/amd64, production\n")
    for words in (
        "base: Debian bookworm, 3 packages",
        "python: demo 1.0",
        "application: 1 file",
        "uvicorn app.main:app",
        "  libc6: demo (demo.so needs libc.so.6) and 1 more\n",
    ):
        assert words in shown.out
    assert "note: FastAPI application app.main:app" in shown.out


def test_plan_and_build_say_what_is_trimmed(lightship: Lightship, made: Locked) -> None:
    shown = lightship("plan", made.folder, "--locked", "--offline").out
    assert " 15 B  documentation  manuals; licences stay\n 15 B  all" in shown
    found = json.loads(lightship("plan", made.folder, "--locked", "--offline", "--json").out)["trimmed"]
    assert [(rule["rule"], rule["bytes"]) for rule in found["rules"]] == [("documentation", 15)]
    assert found["uncounted"] == 2
    assert "from 2 archives that are not fetched yet" in shown
    assert "15 B trimmed: `lightship plan`" in lightship("build", made.folder, "--locked", "--offline").out
    assert "trimmed from" not in lightship("plan", made.folder, "--locked", "--offline").out


def test_at_level_none_only_manuals_are_trimmed(lightship: Lightship, made: Locked) -> None:
    (made.folder / "lightship.toml").write_text('trim = "none"\n')
    lightship("build", made.folder, "--offline")
    trimmed = json.loads(lightship("plan", made.folder, "--json").out)["trimmed"]["rules"]
    assert {row["rule"] for row in trimmed} <= set(MANUALS)


def test_plan_as_json(lightship: Lightship, made: Locked) -> None:
    found = json.loads(lightship("plan", made.folder, "--locked", "--json").out)
    assert found["plan"]["variant"] == "none"
    assert [layer["type"] for layer in found["plan"]["layers"]][:2] == ["base", "environment"]
    assert found["plan"]["libraries"][0] == {
        "package": "libc6",
        "soname": "libc.so.6",
        "wheel": "demo",
        "file": "demo.so",
    }
    assert "Python 3.11" in found["notes"]


def test_build_makes_and_names_the_image(lightship: Lightship, made: Locked) -> None:
    shown = lightship("build", made.folder, "--locked", "--offline")
    assert shown.code == 0
    assert "project:none  linux/amd64  sha256:" in shown.out
    assert "made, " in shown.out
    again = lightship("build", made.folder, "--locked", "--offline")
    assert "all there already" in again.out
    listed = lightship("images")
    assert "project:none" in listed.out


def test_build_as_json_prints_nothing_else(lightship: Lightship, made: Locked) -> None:
    shown = lightship("build", made.folder, "--locked", "--offline", "--json", "-t", "mine:1")
    found = json.loads(shown.out)
    assert found["name"] == "mine:1"
    assert found["compressed"] == found["added"] > 0
    assert all(layer["made"] for layer in found["layers"])
    images = json.loads(lightship("images", "--json").out)
    assert [(image["name"], image["digest"]) for image in images] == [("mine:1", found["digest"])]


def test_quiet_shows_no_progress(lightship: Lightship, made: Locked) -> None:
    loud = lightship("build", made.folder, "--locked", "--offline")
    assert "making" in loud.err
    (made.folder / "app" / "main.py").write_text(
        "changed = 1\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    )
    assert lightship("build", made.folder, "--locked", "--offline", "-q").err == ""


@pytest.mark.parametrize(
    "options", [["--compression", "zstd"], ["--single-member"], ["--format", "estargz"], []]
)
def test_build_hands_the_image_over(
    lightship: Lightship, made: Locked, tmp_path: Path, options: list[str]
) -> None:
    shown = lightship("build", made.folder, "--locked", "--offline", "-o", f"oci:{tmp_path}/out", *options)
    assert shown.code == 0
    assert layout_problems(Layout(tmp_path / "out")) == []
    assert [*Layout(tmp_path / "out").names()] == ["project:none"]


def test_build_writes_an_archive_for_docker(lightship: Lightship, made: Locked, tmp_path: Path) -> None:
    assert (
        lightship(
            "build", made.folder, "--locked", "--offline", "-o", f"docker-archive:{tmp_path}/a.tar"
        ).code
        == 0
    )
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert "manifest.json" in tar.getnames()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["-o", "nonsense:x"], 2, "unknown output"),
        (["--variant", "nome"], 2, "did you mean 'none'?"),
        (["--platform", "windows/amd64"], 2, "unknown platform"),
        (["--platform", "linux/arm64"], 2, "was not made for linux/arm64"),
        (["-t", "UPPER"], 2, "is not an image reference"),
        (["--single-member", "--compression", "zstd"], 2, "--single-member is about gzip"),
        (["--format", "estargz", "--compression", "zstd"], 2, "--format estargz is gzip"),
        (["--format", "estargz", "--single-member"], 2, "leave out --single-member"),
        (["--variant", "none", "--variant", "none", "-t", "x"], 2, "one --tag cannot name several variants"),
    ],
)
def test_wrong_options_of_build(
    lightship: Lightship, made: Locked, options: list[str], code: int, words: str
) -> None:
    shown = lightship("build", made.folder, "--locked", "--offline", *options)
    assert (shown.code, shown.out) == (code, "")
    assert words in shown.err


def test_a_stale_lock_is_code_1_where_it_is_insisted_on(lightship: Lightship, made: Locked) -> None:
    (made.folder / "requirements.txt").write_text("more\n")
    for arguments in (["build", "--locked"], ["plan", "--locked"], ["lock", "--check"]):
        shown = lightship(arguments[0], made.folder, *arguments[1:])
        assert shown.code == 1
        assert "the lock is stale" in shown.err


def test_a_current_lock_passes_the_check(lightship: Lightship, made: Locked) -> None:
    shown = lightship("lock", made.folder, "--check")
    assert (shown.code, shown.out) == (0, "")


def test_a_damaged_wheel_is_code_6(lightship: Lightship, made: Locked) -> None:
    wheel = next((made.root / "index").iterdir())
    wheel.write_bytes(bytes(wheel.stat().st_size))
    shown = lightship("build", made.folder, "--locked", "--offline")
    assert shown.code == 6
    assert wheel.name in shown.err


def test_a_wrong_configuration_is_code_2_and_names_the_key(lightship: Lightship, made: Locked) -> None:
    (made.folder / "lightship.toml").write_text('workdri = "/srv"\n')
    shown = lightship("plan", made.folder)
    assert shown.code == 2
    assert "unknown key workdri" in shown.err
    assert "did you mean workdir?" in shown.err


def test_a_folder_that_is_not_there_is_code_2(lightship: Lightship, tmp_path: Path) -> None:
    assert lightship("build", tmp_path / "nothing").code == 2


def test_a_budget_that_is_not_met_is_remarked_on(lightship: Lightship, made: Locked) -> None:
    (made.folder / "lightship.toml").write_text('budget = "1kB"\n')
    assert "over its budget of 1 kB" in lightship("build", made.folder, "--locked", "--offline").out


def test_source_date_epoch_dates_the_image(
    lightship: Lightship, made: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for epoch in ("", "315532800", "0"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        digests.add(
            json.loads(lightship("build", made.folder, "--locked", "--offline", "--json").out)["digest"]
        )
    assert len(digests) == 2
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert lightship("build", made.folder, "--locked", "--offline").code == 2


def test_no_images_yet(lightship: Lightship) -> None:
    assert "no images yet" in lightship("images").out
    assert json.loads(lightship("images", "--json").out) == []


def test_a_target_is_built_over_productions_layers(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    options = ["--locked", "--offline", "--json"]
    production = json.loads(lightship("build", made.folder, *options).out)
    development = json.loads(lightship("build", made.folder, *options, "--target", "development").out)
    assert development["name"] == "project:none-development"
    assert (production["target"], development["target"]) == ("production", "development")
    titles = [layer["title"].partition(":")[0] for layer in development["layers"] if layer["made"]]
    assert titles == ["tools", "python"]
    assert {layer["digest"] for layer in production["layers"]} < {
        layer["digest"] for layer in development["layers"]
    }


def test_what_a_target_asks_for_does_not_change_production(lightship: Lightship, made: Locked) -> None:
    options = ["--locked", "--offline", "--json"]
    before = json.loads(lightship("build", made.folder, *options).out)
    write_lock_with_target(made)
    (made.folder / "requirements-dev.txt").write_text("more\n")
    assert json.loads(lightship("build", made.folder, *options).out)["digest"] == before["digest"]
    stale = lightship("build", made.folder, "--locked", "--target", "development")
    assert stale.code == 1
    assert "the lock is stale for the target development" in stale.err


def test_plan_says_what_a_target_adds(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    shown = lightship("plan", made.folder, "--locked", "--offline", "--target", "development").out
    assert shown.startswith("project, variant none, linux/amd64, development\n")
    assert "tools: 1 Debian package\n" in shown
    assert "uvicorn app.main:app --host 0.0.0.0 --port 8000 --reload" in shown


@pytest.mark.parametrize("command", ["build", "plan", "run", "verify", "lock"])
def test_an_unknown_target_is_code_2(lightship: Lightship, made: Locked, command: str) -> None:
    shown = lightship(command, "--target", "developmnt", made.folder)
    assert (shown.code, shown.out) == (2, "")
    assert "unknown target 'developmnt'" in shown.err
    assert "did you mean 'development'?" in shown.err


def test_only_a_project_can_be_watched(lightship: Lightship) -> None:
    shown = lightship("run", "--watch", "project:none")
    assert shown.code == 2
    assert "only a project can be watched" in shown.err


def test_only_productions_start_is_recorded(lightship: Lightship, made: Locked) -> None:
    shown = lightship("build", made.folder, "--record", "--target", "development")
    assert shown.code == 2
    assert "--record is about production: its start is recorded, and no other target's" in shown.err
    assert "leave out --record or --target" in shown.err


def test_compare_shows_sizes_side_by_side(lightship: Lightship, made: Locked) -> None:
    lightship("build", made.folder, "--locked", "--offline", "-t", "one")
    (made.folder / "app" / "more.txt").write_text("x" * 5000)
    lightship("build", made.folder, "--locked", "--offline", "-t", "two")
    one, two = json.loads(lightship("compare", "one", "two", "--json").out)["images"]
    assert [one["name"], two["name"]] == ["one:latest", "two:latest"]
    built = json.loads(lightship("build", made.folder, "--locked", "--offline", "-t", "two", "--json").out)
    assert (two["unpacked"], two["compressed"]) == (built["unpacked"], built["compressed"])
    assert two["unpacked"] - one["unpacked"] >= 5000
    assert one["shared"] == one["compressed"]
    assert 0 < two["shared"] < two["compressed"]
    shown = lightship("compare", "one", "two").out.splitlines()
    assert shown[0].split()[:4] == ["image", "unpacked", "compressed", "layers"]
    assert shown[1].startswith("one:latest")
    assert shown[2].rstrip().endswith("%")


def test_compare_suggests_the_nearest_image(lightship: Lightship, made: Locked) -> None:
    lightship("build", made.folder, "--locked", "--offline", "-t", "one")
    missing = lightship("compare", "ome")
    assert missing.code == 2
    assert "did you mean one:latest?" in missing.err
