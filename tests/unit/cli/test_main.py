from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightship import __version__
from lightship.cli.main import COMMANDS
from lightship.errors import (
    CheckError,
    IntegrityError,
    LightshipError,
    NetworkError,
    ResolutionError,
    StageError,
    UsageError,
)
from tests.support.locked import Locked
from tests.unit.cli.conftest import Lightship

FAILURES = [
    (CheckError, 1, "check failed"),
    (UsageError, 2, "cannot proceed"),
    (ResolutionError, 3, "cannot resolve"),
    (NetworkError, 4, "network"),
    (StageError, 5, "build failed"),
    (IntegrityError, 6, "integrity"),
    (LightshipError, 70, "bug in Lightship"),
]


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(_folder: Path) -> None:
        raise error

    monkeypatch.setattr("lightship.project.detect.read_project", fail)


def test_help_lists_every_command(lightship: Lightship) -> None:
    for arguments in (["--help"], ["-h"]):
        shown = lightship(*arguments)
        assert shown.code == 0
        for name, about in COMMANDS.items():
            assert name in shown.out
            assert about in " ".join(shown.out.split())


@pytest.mark.parametrize(
    "name", [*(name for name in COMMANDS if name != "cache"), "cache info", "cache prune"]
)
def test_every_command_explains_itself_and_takes_the_common_options(lightship: Lightship, name: str) -> None:
    shown = lightship(*name.split(), "--help")
    assert shown.code == 0
    for option in ("--json", "--quiet", "--verbose", "--debug"):
        assert option in shown.out


def test_no_arguments_show_the_help(lightship: Lightship) -> None:
    shown = lightship()
    assert shown.code == 2
    assert "Commands:" in shown.out + shown.err


def test_the_version(lightship: Lightship) -> None:
    assert lightship("--version").out == f"lightship, version {__version__}\n"


@pytest.mark.parametrize(("typed", "meant"), [("biuld", "build"), ("plans", "plan"), ("verfy", "verify")])
def test_an_unknown_command_suggests_the_nearest(lightship: Lightship, typed: str, meant: str) -> None:
    shown = lightship(typed)
    assert shown.code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in shown.err


@pytest.mark.parametrize(
    "arguments", [["zzz"], ["plan", "--zzz"], ["build", "--compression", "lzma"], ["plan", "a", "b"]]
)
def test_a_wrong_command_line_is_code_2(lightship: Lightship, arguments: list[str]) -> None:
    shown = lightship(*arguments)
    assert shown.code == 2
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(("kind", "code", "title"), FAILURES)
def test_errors_say_what_where_and_what_to_do(
    lightship: Lightship, monkeypatch: pytest.MonkeyPatch, kind: type[LightshipError], code: int, title: str
) -> None:
    failing(monkeypatch, kind("it failed", where="there", hint="do this", detail="one\ntwo"))
    shown = lightship("plan")
    assert (shown.code, shown.out) == (code, "")
    assert shown.err == f"{title}: it failed\n  at:  there\n  | one\n  | two\n  try: do this\n"


@pytest.mark.parametrize(("kind", "code", "title"), FAILURES)
def test_errors_as_json(
    lightship: Lightship, monkeypatch: pytest.MonkeyPatch, kind: type[LightshipError], code: int, title: str
) -> None:
    failing(monkeypatch, kind("it failed", where="there", hint="do this", detail="one\ntwo"))
    shown = lightship("plan", "--json")
    assert (shown.code, shown.err) == (code, "")
    assert json.loads(shown.out) == {
        "error": {
            "title": title,
            "message": "it failed",
            "where": "there",
            "hint": "do this",
            "detail": "one\ntwo",
            "exit_code": code,
        }
    }


def test_an_error_without_place_and_hint_is_one_line(
    lightship: Lightship, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, UsageError("it failed"))
    assert lightship("plan").err == "cannot proceed: it failed\n"


def test_a_bug_is_code_70_and_asks_for_a_report(
    lightship: Lightship, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, KeyError("surprise"))
    shown = lightship("plan")
    assert shown.code == 70
    assert shown.err.startswith("bug in Lightship: KeyError: 'surprise'\n  try: please report it")
    assert "Traceback" not in shown.err
    error = json.loads(lightship("plan", "--json").out)["error"]
    assert (error["exit_code"], error["message"]) == (70, "KeyError: 'surprise'")


@pytest.mark.parametrize(("error", "code"), [(UsageError("it failed"), 2), (KeyError("surprise"), 70)])
def test_debug_shows_the_traceback_and_keeps_the_code(
    lightship: Lightship, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    failing(monkeypatch, error)
    shown = lightship("plan", "--debug")
    assert shown.code == code
    assert "Traceback (most recent call last)" in shown.err
    assert "in fail" in shown.err


def test_an_interruption_is_code_130(lightship: Lightship, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    shown = lightship("plan")
    assert (shown.code, shown.err.strip()) == (130, "interrupted")


def test_a_reader_that_goes_away_is_no_error(made: Locked) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "lightship", "--help"],
        env={**os.environ, **made.environ},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_imports_no_command_and_no_network(made: Locked) -> None:
    program = (
        "import sys\nfrom lightship.cli import main\nsys.argv = ['lightship', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('http.client', 'ssl', 'urllib3', 'rich', 'packaging', 'elftools', 'debian',"
        " 'lightship.cli.build', 'lightship.build.pipeline') if name in sys.modules])\n"
    )
    done = in_a_process(program, made)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_build_that_finds_everything_imports_nothing_that_makes(made: Locked) -> None:
    (made.folder / "lightship.toml").write_text('bytecode = "none"\n')
    program = (
        "import sys\nfrom lightship.cli import main\n"
        f"sys.argv = ['lightship', 'build', '--quiet', {str(made.folder)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print([name for name in ('http.client', 'ssl', 'urllib3', 'packaging', 'elftools', 'debian', "
        "'asyncio', 'concurrent.futures', 'tarfile', 'lightship.slim', 'lightship.build.steps', "
        "'lightship.build.sandbox', 'lightship.build.compiling', 'lightship.wheels.resolve')"
        " if name in sys.modules])\n"
    )
    for _ in range(2):
        done = in_a_process(program, made)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_build_of_changed_sources_imports_nothing_that_installs(made: Locked) -> None:
    (made.folder / "lightship.toml").write_text('bytecode = "none"\n')
    program = (
        "import sys\nfrom lightship.cli import main\n"
        f"sys.argv = ['lightship', 'build', '--quiet', {str(made.folder)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('lightship.build.steps' in sys.modules, [name for name in ('isal', 'zipfile', 'tarfile', "
        "'tempfile', 'lightship.slim', 'lightship.wheels.archive', 'lightship.oci.unpack')"
        " if name in sys.modules])\n"
    )
    in_a_process(program, made)
    source = next(made.folder.rglob("*.py"))
    source.write_text(f"{source.read_text()}# changed\n")
    assert in_a_process(program, made).stdout.splitlines()[-1] == "True []"


def test_the_process_ends_after_its_threads_and_all_else_that_ends_with_it(made: Locked) -> None:
    program = (
        "import atexit, sys, threading\nfrom lightship.cli import main\n"
        "def run(arguments):\n    atexit.register(print, 'exit')\n"
        "    threading.Timer(0.1, print, ['thread']).start()\n    return 3\n"
        "sys.modules[main.__module__].run = run\nmain()\n"
    )
    done = in_a_process(program, made, check=False)
    assert (done.returncode, done.stdout) == (3, "thread\nexit\n")


def in_a_process(program: str, made: Locked, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **made.environ},
        capture_output=True,
        text=True,
        check=check,
    )


def test_a_home_that_cannot_be_is_an_error_not_a_bug(
    lightship: Lightship, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTSHIP_HOME", "/dev/null")
    shown = lightship("images")
    assert shown.code == 5
    assert "/dev/null" in shown.err
