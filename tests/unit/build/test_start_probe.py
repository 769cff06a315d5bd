from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

SCRIPT = files("lightship.build").joinpath("start_probe.py").read_text()
SERVICE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
import colorsys
open({ready!r}, "w").close()
time.sleep(60)
"""


@pytest.fixture
def orders(tmp_path: Path) -> dict[str, Any]:
    """A service that is healthy once a file is there."""
    ready = tmp_path / "ready"
    (tmp_path / "bytecode").mkdir()
    return {
        "command": [sys.executable, "-c", SERVICE.format(ready=str(ready))],
        "health": [
            sys.executable,
            "-ISc",
            f"import os, sys; sys.exit(not os.path.exists({str(ready)!r}))",
        ],
        "serves": True,
        "check": [],
        "project": str(tmp_path),
        "bytecode": str(tmp_path / "bytecode"),
        "timeout": 20.0,
        "quiet": 0.3,
        "grace": 5.0,
    }


def start(orders: dict[str, Any]) -> str:
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", SCRIPT, json.dumps(orders)],
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    failed: str = json.loads(done.stdout.splitlines()[-1])["failed"]
    return failed


def test_a_start_leaves_the_bytecode_of_what_was_imported(orders: dict[str, Any]) -> None:
    assert start(orders) == ""
    found = [path.name for path in Path(orders["bytecode"]).rglob("*.pyc")]
    assert any(name.startswith("colorsys.") for name in found)


def test_a_service_that_ends_is_no_start(orders: dict[str, Any]) -> None:
    assert start(orders | {"command": [sys.executable, "-c", "raise SystemExit(3)"]}) == (
        "the service ended with status 3"
    )


def test_a_service_without_a_health_check_must_still_run(orders: dict[str, Any]) -> None:
    assert start(orders | {"health": []}) == ""
    ends = {"command": [sys.executable, "-c", ""], "health": [], "quiet": 90.0, "timeout": 90.0}
    assert start(orders | ends) == "the service ended with status 0", "and nobody waits for it to be quiet"


def test_a_job_that_serves_nothing_may_end(orders: dict[str, Any]) -> None:
    job = {"health": [], "serves": False, "quiet": 90.0, "timeout": 90.0}
    assert start(orders | job | {"command": [sys.executable, "-c", "import colorsys"]}) == ""
    failed = start(orders | job | {"command": [sys.executable, "-c", "raise SystemExit(1)"]})
    assert failed == "the service ended with status 1"


def test_it_must_be_healthy_in_time(orders: dict[str, Any]) -> None:
    never = [sys.executable, "-ISc", "raise SystemExit(1)"]
    assert start(orders | {"health": never, "timeout": 0.5}) == "the service was not healthy within 0.5 s"


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (["-c", "print('no answer'); raise SystemExit(4)"], "ended with status 4: no answer"),
        (["-c", "raise SystemExit(4)"], "ended with status 4: it wrote nothing"),
        (["-c", "import time; time.sleep(60)"], "did not end in time"),
        (["-c", "open('ready').close()"], ""),
    ],
)
def test_the_projects_check_must_pass(orders: dict[str, Any], check: list[str], reason: str) -> None:
    failed = start(orders | {"check": [sys.executable, *check], "timeout": 3.0})
    assert failed == (f"the project's check {reason}" if reason else "")


def test_a_check_that_is_not_there_is_named(orders: dict[str, Any]) -> None:
    assert "cannot be run" in start(orders | {"check": ["/nowhere/check"]})


def test_a_service_that_does_not_stop_is_ended(orders: dict[str, Any]) -> None:
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"
    given = orders | {"command": [sys.executable, "-c", stubborn], "health": [], "grace": 0.3}
    assert start(given) == ""
