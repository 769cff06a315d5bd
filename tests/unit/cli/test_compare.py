from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from lightship.inspect.oracle.model import Prediction
from lightship.inspect.oracle.oracle import Oracle
from lightship.inspect.oracle.plans import Outlook
from tests.support.locked import Locked, write_lock, write_lock_with_target
from tests.unit.cli.conftest import Lightship


@pytest.fixture
def plain(made: Locked) -> Locked:
    (made.folder / "lightship.toml").write_text('bytecode = "none"\n')
    write_lock(made)
    return made


def test_a_project_is_predicted_and_an_image_measured(lightship: Lightship, plain: Locked) -> None:
    shown = lightship("compare", plain.folder, "--offline", "--json")
    (predicted,) = json.loads(shown.out)["images"]
    assert (predicted["name"], predicted["basis"], predicted["digest"]) == ("project:none", "predicted", "")
    lightship("build", plain.folder, "--locked", "--offline", "-t", "built")
    (plain.folder / "app" / "more.txt").write_text("x" * 5000)
    built, now = json.loads(lightship("compare", "built", plain.folder, "--offline", "--json").out)["images"]
    assert (built["basis"], now["basis"]) == ("measured", "predicted")
    assert built["unpacked"] == predicted["unpacked"] <= now["unpacked"] - 5000
    assert 0 < now["shared"] < built["compressed"]


def test_the_table_has_the_word_beside_every_figure(
    lightship: Lightship, plain: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(plain.folder)
    lines = lightship("compare", "--offline", "--strategies", "-q").out.splitlines()
    rows = [line for line in lines if line.startswith("project:none")]
    assert len(rows) == 4
    assert all(" predicted" in row for row in rows)
    assert any(line.startswith("wheels not kept") and " predicted " in line for line in lines)
    assert lines[-1].startswith("fetched 0 B to predict what is built from ")


def test_a_note_of_several_images_is_there_once(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    options = ("--target", "production", "--target", "development", "--offline", "-q")
    lines = lightship("compare", made.folder, *options).out.splitlines()
    (note,) = (line for line in lines if line.startswith("note: "))
    assert note.startswith("note: project:none, project:none-development: no start is recorded")


def test_what_is_not_counted_is_named_beside_the_figure(
    lightship: Lightship, plain: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Oracle.predict

    def less(oracle: Oracle, outlook: Outlook, name: str) -> Prediction:
        return msgspec.structs.replace(predict(oracle, outlook, name), without=("stage model",))

    monkeypatch.setattr(Oracle, "predict", less)
    lightship("build", plain.folder, "--locked", "--offline", "-t", "before")
    (plain.folder / "app" / "more.txt").write_text("x" * 5000)
    lines = lightship("compare", plain.folder, "--offline", "--against", "before").out.splitlines()
    rows = [line for line in lines if line.startswith("project:none ")]
    assert len(rows) == 3
    assert all(" predicted, without stage model " in row for row in rows)
    facts = json.loads(lightship("compare", plain.folder, "--offline", "--against", "before", "--json").out)
    assert [one["without"] for one in (*facts["images"], *facts["growth"])] == [["stage model"]] * 3


def test_targets_are_compared(lightship: Lightship, plain: Locked) -> None:
    write_lock_with_target(plain)
    options = ("--target", "production", "--target", "development", "--offline", "--json")
    images = json.loads(lightship("compare", plain.folder, *options).out)["images"]
    assert [image["name"] for image in images] == ["project:none", "project:none-development"]
    assert images[0]["compressed"] * 0.5 < images[1]["shared"] < images[1]["compressed"]


def test_growth_beyond_the_limit_fails(lightship: Lightship, plain: Locked, tmp_path: Path) -> None:
    lightship("build", plain.folder, "--locked", "--offline", "-t", "before")
    options = ("--offline", "--against", "before", "--max-growth", "1kB")
    same = lightship("compare", plain.folder, *options, "--json")
    assert same.code == 0
    assert [one["allowed"] for one in json.loads(same.out)["growth"]] == [True, True]
    (plain.folder / "app" / "more.txt").write_text("x" * 5000)
    grown = lightship("compare", plain.folder, *options)
    assert grown.code == 1
    assert "too much" in grown.out
    assert lightship("compare", plain.folder, "--offline", "--against", "before").code == 0
    chart = tmp_path / "chart.svg"
    assert lightship("compare", "before", "--chart", chart).code == 0
    assert "before:latest" in chart.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("image", "--variant", "cpu"), "are about a project"),
        (("image", "--strategies"), "are about a project"),
        (("image", "--max-growth", "5%"), "needs --against"),
        (("image", "--against", "other", "--max-growth", "five"), "neither a part nor a size"),
        (("image", "--chart", "chart.jpg"), "SVG or PNG"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    lightship: Lightship, arguments: tuple[str, ...], words: str
) -> None:
    refused = lightship("compare", *arguments)
    assert refused.code == 2
    assert words in refused.err
