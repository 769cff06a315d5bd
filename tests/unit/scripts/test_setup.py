from __future__ import annotations

from pathlib import Path

import pytest

from scripts import setup


def test_the_demo_needs_less_than_the_tests() -> None:
    assert setup.wanted_packages("demo").items() < setup.wanted_packages("test").items()
    assert setup.wanted_packages("lint") == {}


def test_a_witness_is_a_command_or_a_pattern_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "15" / "bin").mkdir(parents=True)
    (tmp_path / "15" / "bin" / "postgres").touch()
    assert setup.present("sh")
    assert setup.present(f"{tmp_path}/*/bin/postgres")
    assert not setup.present(f"{tmp_path}/*/bin/initdb")
    assert not setup.present("no-such-command")


def test_what_is_missing_is_named_and_in_ci_fatal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "missing", lambda _purpose: {"umoci": "umoci"})
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.delenv("LIGHTSHIP_REQUIRE_ALL", raising=False)
    setup.system_packages("test")
    assert "sudo apt-get install umoci" in capsys.readouterr().out
    monkeypatch.setenv("LIGHTSHIP_REQUIRE_ALL", "1")
    with pytest.raises(SystemExit, match="nothing may be missing"):
        setup.system_packages("test")
