"""What the builder costs: its root from fetched packages, and a source distribution built again."""

from __future__ import annotations

import shutil

from bench.harness import BENCH, HOME, Row, lightship, seconds

PROJECT = BENCH / "compiled"
CONFIGURATION = """\
[tool.lightship]
name = "compiled"
python = "3.11"
sources = ["app.py"]
command = ["python", "app.py"]
build-packages = ["libpq-dev"]
bytecode = "none"

[tool.lightship.variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""
RUNS = 3


def builder_rows() -> list[Row]:
    """Build psycopg2 from source, with and without the root, then an application that changed."""
    PROJECT.mkdir(parents=True, exist_ok=True)
    (PROJECT / "pyproject.toml").write_text(CONFIGURATION)
    (PROJECT / "requirements.txt").write_text("psycopg2==2.9.9\n")
    (PROJECT / "app.py").write_text("import psycopg2\n")
    lightship("build", PROJECT)
    whole, wheel, changed = [], [], []
    for number in range(RUNS):
        _forget("wheels", "roots/builders")
        whole.append(lightship("build", PROJECT, "--offline").seconds)
        _forget("wheels")
        wheel.append(lightship("build", PROJECT, "--offline").seconds)
        (PROJECT / "app.py").write_text(f"import psycopg2\n\nNUMBER = {number}\n")
        changed.append(lightship("build", PROJECT, "--offline").seconds)
    roots = [both - one for both, one in zip(whole, wheel, strict=True)]
    return [
        ("builder root, from fetched packages", seconds(roots), ""),
        ("psycopg2 from source, the root there", seconds(wheel), ""),
        ("  after a change of app.py alone, whole command", seconds(changed), ""),
    ]


def _forget(*parts: str) -> None:
    for part in parts:
        shutil.rmtree(HOME / "cache" / part, ignore_errors=True)
