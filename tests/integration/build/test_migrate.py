"""The article's multi-stage Dockerfile becomes a configuration that builds, verifies and starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.build.calling import ROOT
from tests.integration.build.conftest import Built, copy_example

pytestmark = pytest.mark.integration
LEFT = "values are put in: WORKERS = 4, TIMEOUT = 120"


def test_a_migrated_service_builds_verifies_and_starts(pharmabot: Built, tmp_path: Path) -> None:
    folder = copy_example(tmp_path / "migrated")
    (folder / "pyproject.toml").unlink()
    lightship = pharmabot.lightship
    dockerfile = str(ROOT / "examples/article/Dockerfile.variants")
    migrated = lightship.run("migrate", dockerfile, "--context", ".", "--json", cwd=folder)
    assert migrated.code == 1
    report = json.loads(migrated.out)
    assert [row["message"] for row in report["rows"] if row["kind"] == "by hand"] == [LEFT]
    config = folder / "lightship.toml"
    config.write_text(f'health = "http://:8000/health"\n{config.read_text()}')  # the file had no HEALTHCHECK
    lightship.build(folder, "--variant", "none")
    verified = lightship.run("verify", "migrated:none", "--start", "--env", "WORKERS=1", cwd=folder)
    assert verified.code == 0, verified.out + verified.err
