from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lightship.build.home import find_home
from lightship.fs.entries import regular
from lightship.oci.model import Execution
from tests.support.images import add_image, add_layer
from tests.support.installed import deb_in_folder, dist
from tests.support.locked import Locked
from tests.unit.cli.conftest import Lightship

_WORKDIR = Execution(working_dir="/app")


@pytest.fixture
def stored(tmp_path: Path) -> list[str]:
    """Two images in the store: another version of a package, and one more file."""
    layout = find_home({"LIGHTSHIP_HOME": str(tmp_path / "home")}, tmp_path).images
    layout.create()
    base = add_layer(
        layout, [regular("etc/gone", b"x" * 99), *deb_in_folder("libc6", {"usr/lib/libc.so.6": b"1"})]
    )
    many = [entry for n in range(20) for entry in dist(f"small{n}", {f"s{n}.py": b"1"})]
    for tag, version, size in (("1", "1.0", 50_000), ("2", "2.0", 80_000)):
        service = [
            regular("etc/.wh.gone", b""),
            regular("app/main.py", b"1" * int(tag)),
            *many,
            *dist("torch", {"torch.py": b"x" * size}, version=version, requires=["sympy"]),
            *dist("sympy", {"sympy.py": b"x" * 1000}),
        ]
        add_image(layout, [base, add_layer(layout, service)], _WORKDIR, f"service:{tag}")
    return ["service:1", "service:2"]


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_inspect_says_what_costs_what_and_why(lightship: Lightship, stored: list[str]) -> None:
    shown = lightship("inspect", stored[0])
    assert shown.code == 0
    found = lines(shown.out)
    assert found[0].startswith("service:1 linux/amd64 sha256:")
    assert "├─ torch 1.0 50.1 kB 93.0% 51.3 kB 51.3 kB nothing requires it" in found
    assert any(line.startswith("├─ sympy 1.0 1.1") and line.endswith(" torch") for line in found)
    assert any(line.startswith("└─ 14 more ") for line in found)
    assert "99 B etc/gone: in layer 1, removed by layer 2" in found
    assert "Application 1 B 0.0%" in found
    assert "\x1b" not in shown.out


def test_all_leaves_nothing_out(lightship: Lightship, stored: list[str]) -> None:
    shown = lightship("inspect", stored[0], "--all")
    assert " more " not in shown.out
    assert all(f"small{n} " in shown.out for n in range(20))


def test_inspect_as_json_is_complete(lightship: Lightship, stored: list[str]) -> None:
    found = json.loads(lightship("inspect", stored[0], "--json").out)
    assert len(found["files"]) == 20 * 3 + 3 * 2 + 1 + 3
    assert found["waste"]["size"] == 99
    torch = next(part for part in found["parts"] if part["id"] == "python:torch")
    assert torch["requires"] == ["python:sympy"]


def test_a_projects_requirements_begin_the_chains(lightship: Lightship, made: Locked) -> None:
    assert lightship("build", made.folder).code == 0
    found = json.loads(lightship("inspect", made.folder, "--json").out)
    assert [part["asked"] for part in found["parts"] if part["group"] == "python-packages" and part["asked"]]


def test_the_page_is_written(lightship: Lightship, stored: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    shown = lightship("inspect", stored[1], "--against", stored[0], "--html", page)
    assert shown.out == f"wrote {page}\n"
    assert "What changed since service:1" in page.read_text()


def test_against_goes_with_a_page(lightship: Lightship, stored: list[str]) -> None:
    shown = lightship("inspect", stored[1], "--against", stored[0])
    assert shown.code == 2
    assert "--against goes with --html" in shown.err
    assert "lightship diff service:1 service:2" in shown.err


def test_a_page_that_cannot_be_written(lightship: Lightship, stored: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = lightship("inspect", stored[0], "--html", tmp_path / "file" / "page.html")
    assert shown.code == 5
    assert "cannot write" in shown.err


@pytest.mark.parametrize("command", ["inspect", "diff"])
def test_an_image_that_is_not_there_is_code_2(lightship: Lightship, stored: list[str], command: str) -> None:
    shown = lightship(command, *(["service:9"] if command == "inspect" else [stored[0], "service:9"]))
    assert shown.code == 2
    assert "did you mean service:" in shown.err


def test_inspect_on_a_terminal_draws_bars(
    lightship: Lightship, stored: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = lightship("inspect", stored[0])
    assert "█" in shown.out
    assert max(len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", shown.out).splitlines()) <= 100


def test_diff_shows_what_changed(lightship: Lightship, stored: list[str]) -> None:
    shown = lightship("diff", *stored)
    assert shown.code == 0
    found = lines(shown.out)
    assert "shared: 1 layer, " in shown.out
    assert "Layers: they differ from layer 2 on" in found
    assert "~ torch Python packages 1.0 50.1 kB 2.0 80.1 kB +30 kB" in found
    assert "~ app/main.py content from byte 1 on, 1 B → 2 B" in found


def test_diff_of_the_same_image(lightship: Lightship, stored: list[str]) -> None:
    shown = lightship("diff", stored[0], stored[0], "--exit-code")
    assert shown.code == 0
    assert "the images are the same" in shown.out


def test_the_exit_code_tells_of_differences_where_it_is_asked_to(
    lightship: Lightship, stored: list[str]
) -> None:
    assert lightship("diff", *stored, "--exit-code").code == 1


def test_names_of_files_cannot_steer_the_terminal(lightship: Lightship, tmp_path: Path) -> None:
    layout = find_home({"LIGHTSHIP_HOME": str(tmp_path / "home")}, tmp_path).images
    layout.create()
    for tag in ("1", "2"):
        layer = add_layer(layout, [regular(f"etc/\x1b[31m/{tag}\n", b"1")])
        add_image(layout, [layer], None, f"odd:{tag}")
    assert "\x1b[31m" not in lightship("inspect", "odd:1").out
    shown = lightship("diff", "odd:1", "odd:2").out
    assert "\x1b[31m" not in shown
    assert "+ etc/\N{REPLACEMENT CHARACTER}[31m/2\N{REPLACEMENT CHARACTER}" in shown


def test_diff_as_json(lightship: Lightship, stored: list[str]) -> None:
    found = json.loads(lightship("diff", *stored, "--json").out)
    assert found["before"]["name"] == "service:1"
    assert found["first"]["cause"] == "members"
    assert {change["name"] for change in found["parts"]} == {"torch", "/app"}
