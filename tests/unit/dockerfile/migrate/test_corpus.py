"""Whole files: each of the corpus gives a configuration that loads; some were read line by line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lightship.dockerfile.migrate.folder import ProjectFolder
from lightship.dockerfile.migrate.migrate import migrate
from lightship.dockerfile.migrate.model import Migration
from lightship.dockerfile.migrate.write import to_toml
from lightship.dockerfile.parser import parse
from lightship.project.config import parse_config
from tests.unit.dockerfile.migrate.migrating import PLAIN, Project, accepted, migrated

ROOT = Path(__file__).parents[4]
CORPUS = sorted((ROOT / "tests/data/dockerfiles").glob("*.Dockerfile"))
GOLDEN = sorted((ROOT / "tests/data/migrated").glob("*.expected"))
ARTICLE = ("naive", "slim", "multistage", "site-packages", "variants", "targets", "cuda")
PHARMABOT = ROOT / "examples/pharmabot"
OWN = tomllib.loads((PHARMABOT / "pyproject.toml").read_text("utf-8"))["tool"]["lightship"]


def of_article(name: str) -> Migration:
    text = (ROOT / f"examples/article/Dockerfile.{name}").read_text("utf-8")
    made = migrate(parse(f"Dockerfile.{name}", text), ProjectFolder(PHARMABOT))
    accepted(made)
    return made


def shown(path: Path) -> str:
    """Give configuration and report as one text, as the golden files have it."""
    made = migrated(path.read_text("utf-8"), Project())
    rows = "".join(
        f"# {row.line} {row.text}\n#   {row.kind}: {row.message}\n"
        + (f"#   {row.hint}\n" if row.hint else "")
        for row in made.rows
    )
    files = "".join(f"# {name}: {text!r}\n" for name, text in made.files.items())
    return f"{to_toml(made.settings, path.name, shared=False)}\n{rows}{files}"


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("project", [Project(), PLAIN], ids=["alone", "with-files"])
def test_every_file_gives_a_configuration_that_loads(path: Path, project: Project) -> None:
    text = path.read_text("utf-8")
    made = migrated(text, project)
    written = tomllib.loads(to_toml(made.settings, path.name, shared=False))
    assert written == made.settings
    parse_config(written, path)
    shared = tomllib.loads(to_toml(made.settings, path.name, shared=True))
    assert shared["tool"]["lightship"] == made.settings
    assert all(1 <= row.line <= text.count("\n") + 1 and row.text and row.message for row in made.rows)
    assert all(row.hint for row in made.rows if row.kind == "by hand")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_instruction_is_accounted_for(path: Path) -> None:
    document = parse(path.name, path.read_text("utf-8"))
    told = {row.line for row in migrated(path.read_text("utf-8"), Project()).rows}
    places = [(one.span.start, one.span.end) for one in document.instructions]
    lines = [(document.source.place(start)[0], document.source.place(end)[0]) for start, end in places]
    assert [first for first, last in lines if told.isdisjoint(range(first, last + 1))] == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_outcome_is_as_it_was_read(path: Path) -> None:
    assert shown(ROOT / f"tests/data/dockerfiles/{path.stem}.Dockerfile") == path.read_text("utf-8")


@pytest.mark.parametrize("name", ARTICLE)
def test_the_article_s_files_come_near_to_the_example_s_own_configuration(name: str) -> None:
    made = of_article(name).settings
    assert {key: made[key] for key in ("python", "base", "workdir", "ports")} == {
        key: OWN[key] for key in ("python", "base", "workdir", "ports")
    }
    assert made["sources"] == (["app/", "checks/", "export/"] if name == "naive" else OWN["sources"])
    assert made["command"][:2] == OWN["command"][:2]
    assert made.get("user", OWN["user"]) == OWN["user"]
    for variant, table in made["variants"].items():
        files = [one for one in table["requirements"] if one != "requirements-torch-none.txt"]
        assert {**table, "requirements": files} == OWN["variants"][variant]
    assert "runtime-packages" not in made


def test_what_is_left_to_do_in_the_article_s_files() -> None:
    left = {name: [row.message for row in of_article(name).rows if row.kind == "by hand"] for name in ARTICLE}
    values = ["values are put in: WORKERS = 4, TIMEOUT = 120"]
    assert left == {
        "naive": [],
        "slim": [],
        "multistage": values,
        "site-packages": values,
        "variants": values,
        "targets": [],
        "cuda": [],
    }


def test_the_article_s_variants_and_targets() -> None:
    assert list(of_article("variants").settings["variants"]) == ["cpu", "cu126", "none"]
    assert of_article("targets").settings["targets"] == {"development": OWN["targets"]["development"]}


def test_the_page_shows_what_really_comes_of_the_article_s_file() -> None:
    page = (ROOT / "docs/migrate.md").read_text("utf-8")
    made = of_article("multistage")
    assert f"```toml\n{to_toml(made.settings, 'Dockerfile.multistage', shared=False)}```\n" in page
    shown = page.partition("```text\n")[2].partition("```")[0]
    told = {f"      {row.kind}: {row.message}" for row in made.rows}
    heads = {f"{row.line:4}  {row.text}" for row in made.rows}
    hints = {row.hint for row in made.rows}
    for line in shown.splitlines():
        assert line in told | heads or line.partition(": ")[2] in hints, line
