from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lightship.errors import UsageError
from lightship.project.config import (
    Config,
    StageConfig,
    VariantConfig,
    parse_config,
    read_config,
    size_in_bytes,
)

FILE = Path("/project/lightship.toml")
FULL = """
name = "demo"
python = "3.11"
base = "debian:bookworm"
platforms = ["linux/amd64", "linux/arm64"]
variant = "cpu"
sources = ["app/"]
workdir = "/srv"
user = "app:1001:1002"
command = ["gunicorn", "app.main:app"]
ports = [8000]
env = { WORKERS = "4" }
labels = { team = "a" }
health = "http://:8000/health"
build-packages = ["libpq-dev"]
runtime-packages = ["libpq5"]
models = ["models/"]
budget = "480MB"
trim = "none"

[variants.cpu]
requirements = ["requirements.txt"]
extras = ["x"]
torch = "cpu"

[targets.development]
requirements = ["requirements-dev.txt"]
command = ["uvicorn"]

[stages.model]
requirements = ["requirements-export.txt"]
run = ["python export.py"]
copy = { "/out/a" = "/app/a" }
"""


def problem(table: dict[str, Any]) -> UsageError:
    with pytest.raises(UsageError) as error:
        parse_config(table, FILE)
    assert error.value.where == str(FILE)
    assert error.value.hint
    return error.value


def test_every_key_of_the_design_is_read(tmp_path: Path) -> None:
    (tmp_path / "lightship.toml").write_text(FULL)
    config, file = read_config(tmp_path)
    assert file == tmp_path / "lightship.toml"
    assert config.variants == {"cpu": VariantConfig(("requirements.txt",), ("x",), "cpu")}
    assert config.targets["development"].command == ("uvicorn",)
    assert config.stages["model"] == StageConfig(
        requirements=("requirements-export.txt",), run=("python export.py",), copy={"/out/a": "/app/a"}
    )
    assert (config.workdir, config.user, config.ports) == ("/srv", "app:1001:1002", (8000,))
    assert config.build_packages == ("libpq-dev",)
    assert config.trim == "none"


def test_the_table_of_pyproject_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.lightship]\nvariant = "cpu"\n')
    assert read_config(tmp_path) == (Config(variant="cpu"), tmp_path / "pyproject.toml")


def test_lightship_toml_wins_over_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.lightship]\nvariant = "cpu"\n')
    (tmp_path / "lightship.toml").write_text('variant = "none"\n')
    assert read_config(tmp_path)[0].variant == "none"


@pytest.mark.parametrize("text", ["", "[tool]\n", "[tool.other]\n", "tool = 1\n"])
def test_a_pyproject_without_the_table_is_no_configuration(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert read_config(tmp_path) == (Config(), None)


def test_no_file_at_all_is_no_configuration(tmp_path: Path) -> None:
    assert read_config(tmp_path) == (Config(), None)


@pytest.mark.parametrize("data", [b"a = \n", b"a = '\xff'\n"])
def test_what_is_not_toml_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(data)
    with pytest.raises(UsageError, match="not TOML") as error:
        read_config(tmp_path)
    assert error.value.where == str(tmp_path / "pyproject.toml")


@pytest.mark.parametrize(
    ("table", "message", "hint"),
    [
        ({"varient": "cpu"}, "unknown key varient", "did you mean variant?"),
        ({"build_packages": []}, "unknown key build_packages", "did you mean build-packages?"),
        (
            {"variants": {"cpu": {"requirement": []}}},
            "unknown key variants.cpu.requirement",
            "did you mean variants.cpu.requirements?",
        ),
        (
            {"targets": {"development": {"comand": []}}},
            "unknown key targets.development.comand",
            "did you mean targets.development.command?",
        ),
        (
            {"stages": {"model": {"zzz": []}}},
            "unknown key stages.model.zzz",
            "known keys: requirements, inputs, run, copy, from, variants, torch, image",
        ),
    ],
)
def test_unknown_keys_suggest_the_nearest(table: dict[str, Any], message: str, hint: str) -> None:
    error = problem(table)
    assert (error.message, error.hint) == (message, hint)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"python": 3.11}, "$.python"),
        ({"ports": ["8000"]}, "$.ports[0]"),
        ({"env": {"WORKERS": 4}}, "$.env"),
        ({"sources": "app/"}, "$.sources"),
        ({"variants": ["cpu"]}, "$.variants"),
        ({"variants": {"cpu": {"requirements": "r.txt"}}}, "$.variants"),
        ({"variants": {"cpu": "r.txt"}}, "[tool.lightship.variants.cpu] must be a table"),
        ({"stages": 1}, "$.stages"),
    ],
)
def test_wrong_types_say_where(table: dict[str, Any], words: str) -> None:
    assert words in problem(table).message


def test_a_configuration_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool.lightship = 1\n")
    with pytest.raises(UsageError, match=r"\[tool\.lightship\] must be a table"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"python": "3"}, "python = '3'"),
        ({"python": "3.11.2"}, "python = '3.11.2'"),
        ({"python": "2.7"}, "python = '2.7'"),
        ({"workdir": "app"}, "workdir = 'app'"),
        ({"trim": "all"}, "trim = 'all' is not a level: it may be safe, traced or none"),
        ({"stop-signal": "INT"}, "stop-signal = 'INT' is no signal such as SIGINT"),
        ({"workdir": "/app/../etc"}, "workdir"),
        ({"user": "root"}, "user = 'root'"),
        ({"user": "a:b:c"}, "user = 'a:b:c'"),
        ({"user": "Nobody:1:1"}, "user = 'Nobody:1:1'"),
        ({"ports": [0]}, "ports"),
        ({"ports": [65536]}, "ports"),
        ({"variants": {"../x": {}}}, "variant name '../x'"),
        ({"targets": {"Debug": {}}}, "target name 'Debug'"),
        ({"targets": {"a--b": {}}}, "target name 'a--b'"),
        ({"targets": {"production": {}}}, "targets.production is the configuration outside of"),
        ({"labels": {"io.lightship.target": "x"}}, "label 'io.lightship.target' is Lightship's own"),
        ({"health": "https://:8000/"}, "health"),
        ({"health": "/health"}, "health"),
        ({"health": "http://:99999/health"}, "health"),
    ],
)
def test_wrong_values_are_refused(table: dict[str, Any], words: str) -> None:
    assert words in problem(table).message


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("17", 17),
        ("17B", 17),
        ("2kB", 2000),
        ("480MB", 480_000_000),
        (" 1.2 GB ", 1_200_000_000),
        ("1MiB", 1 << 20),
        ("1.5GiB", 3 << 29),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1 TB", "1e3", "1,2GB", "ten"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size") as error:
        size_in_bytes(text)
    assert error.value.hint
