"""Wheels as pip would have installed them: pip itself says how."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.errors import IntegrityError
from lightship.fs.entries import BytesContent, Entry
from lightship.slim import Rule, Trimmer, keep_all, trimmer
from lightship.wheels.archive import open_wheel
from lightship.wheels.environment import Environment
from lightship.wheels.install import installed
from lightship.wheels.model import LockedWheel
from tests.support.wheels import Files, Packed, filename, record_row, wheel_bytes

VENV = Environment("opt/venv", "3.11")
SITE = "opt/venv/lib/python3.11/site-packages"
PROGRAM = 0o100755
BIG = bytes(range(256)) * 400
ENTRY_POINTS = """\
[console_scripts]
plain = demo.cli:main
nested=demo.cli:App.run [extra]
dotted.name-with_marks = demo:main

[gui_scripts]
window = demo.gui:main

[demo.plugins]
other = demo.plugin
"""


@dataclass(frozen=True)
class Case:
    """A wheel, and what pip makes of it."""

    name: str
    files: Files
    entry_points: str = ""
    record: str | None = None

    @property
    def wheel(self) -> bytes:
        return wheel_bytes(self.name, "1.0", self.files, entry_points=self.entry_points, record=self.record)


CASES = (
    Case("plain", {"plain/__init__.py": b"", "plain/data.bin": BIG, "single.py": b"x = 1\n"}),
    Case(
        "schemes",
        {
            "schemes/__init__.py": b"",
            "schemes-1.0.data/purelib/schemes/pure.py": b"pure",
            "schemes-1.0.data/platlib/schemes/plat.so": Packed(b"plat", PROGRAM),
            "schemes-1.0.data/headers/schemes.h": b"#define X\n",
            "schemes-1.0.data/headers/deep/er.h": b"#define Y\n",
            "schemes-1.0.data/data/share/schemes/data.txt": b"data",
            "schemes-1.0.data/data/bin/from-data": Packed(b"#!python\n", PROGRAM),
            "schemes-1.0.data/scripts/shell": Packed(b"#!/bin/sh\nexit\n", PROGRAM),
            "schemes-1.0.data/scripts/rewritten": Packed(b"#!python\nprint()\n", PROGRAM),
            "schemes-1.0.data/scripts/arguments": Packed(b"#!python -u\nprint()\n", PROGRAM),
            "schemes-1.0.data/scripts/windowed": Packed(b"#!pythonw\nprint()\n", PROGRAM),
            "schemes-1.0.data/scripts/carriage": Packed(b"#!python\r\nprint()\r\n", PROGRAM),
            "schemes-1.0.data/scripts/other": Packed(b"#!/usr/bin/python\nprint()\n", PROGRAM),
        },
    ),
    Case("My_Package", {"my/__init__.py": b"", "My_Package-1.0.data/headers/my.h": b""}),
    Case(
        "other_data",
        {"other.py": b"", "Other.Data-1.0.data/purelib/other2.py": b"", "vendor/x.data/c.py": b""},
    ),
    Case(
        "points",
        {
            "demo/__init__.py": b"",
            "points-1.0.data/scripts/plain": Packed(b"#!python\nold wrapper\n", PROGRAM),
            "points-1.0.data/scripts/window-script.py": Packed(b"#!python\nold wrapper\n", PROGRAM),
            "points-1.0.data/scripts/window.exe": Packed(b"MZ", PROGRAM),
            "points-1.0.data/scripts/not-an-entry-point.exe": Packed(b"MZ", PROGRAM),
        },
        ENTRY_POINTS,
    ),
    Case(
        "modes",
        {
            "run": Packed(b"", PROGRAM),
            "group": Packed(b"", 0o100654),
            "typeless": Packed(b"", 0o755),
            "closed": Packed(b"", 0o100600),
            "wide": Packed(b"", 0o100777),
            "setuid": Packed(b"", 0o104755),
        },
    ),
    Case(
        "vendoring",
        {
            "vendoring/_vendor/tool-2.0.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
            "vendoring/_vendor/tool-2.0.dist-info/RECORD": b"tool.py,,\n",
            "vendoring/_vendor/tool-2.0.dist-info/INSTALLER": b"uv\n",
            "vendoring/_vendor/tool-2.0.dist-info/entry_points.txt": b"[console_scripts]\ntool = tool:main\n",
        },
    ),
    Case("signed", {"signed.py": b"", "signed-1.0.dist-info/INSTALLER": b"someone\n"}),
    Case("unlisted", {"listed.py": b"1", "unlisted.py": b"2"}, record=record_row("listed.py", b"1")),
    Case(
        "directories", {"package/": Packed(b"", 0o40755), "package/a.py": b"", "empty/": Packed(b"", 0o40755)}
    ),
    Case("names", {'package/ü ber,"quoted".py': b"", "package/日本.txt": b""}),
)

TWICE = Case("twice", {"twice-1.0.data/purelib/twice.py": b"data", "twice.py": b"root"})
Tree = Mapping[str, tuple[int, bytes]]


@pytest.fixture(scope="module")
def pips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tree]:
    """All cases installed by pip into one virtual environment."""
    folder = tmp_path_factory.mktemp("pip")
    for case in (*CASES, TWICE):
        (folder / filename(case.name, "1.0")).write_bytes(case.wheel)
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    before = set(venv.rglob("*"))
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--isolated", "--python", venv / "bin/python", "install"),
            *("--quiet", "--no-deps", "--no-compile", "--no-index", "--disable-pip-version-check"),
            *sorted(folder.glob("*.whl")),
        ],
        check=True,
        env=environ | {"PIP_CONFIG_FILE": os.devnull},
        umask=0o022,
    )
    added = [path for path in venv.rglob("*") if path not in before and path.is_file()]
    tree = {
        path.relative_to(venv).as_posix(): (path.stat().st_mode & 0o7777, path.read_bytes()) for path in added
    }
    return venv, tree


@pytest.fixture
def ours(tmp_path: Path) -> Callable[..., list[Entry]]:
    def install(
        name: str, data: bytes, environment: Environment = VENV, trimmed_by: Trimmer = keep_all
    ) -> list[Entry]:
        path = tmp_path / "wheel"
        path.write_bytes(data)
        with path.open("rb") as stream:
            file = filename(name, "1.0")
            wheel = LockedWheel(name.lower().replace("_", "-"), "1.0", file, "", "")
            entries = list(installed(open_wheel(stream, name=file), wheel, environment, trimmed_by))
            return [in_memory(entry) for entry in entries]

    return install


def in_memory(entry: Entry) -> Entry:
    return replace(entry, content=BytesContent(content(entry)))


def content(entry: Entry) -> bytes:
    assert entry.content is not None
    return b"".join(entry.content.chunks())


def by_path(entries: list[Entry]) -> dict[str, bytes]:
    return {entry.path: content(entry) for entry in entries}


def rows(record: bytes) -> dict[str, tuple[str, str]]:
    return {path: (digest, size) for path, digest, size in csv.reader(io.StringIO(record.decode()))}


INSTALLERS_OWN = ("INSTALLER", "REQUESTED", "direct_url.json")
"""Files of `.dist-info` about the installation, not about the wheel."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_paths_modes_bytes_and_record_are_pips(
    case: Case, pips: tuple[Path, Tree], ours: Callable[..., list[Entry]]
) -> None:
    venv, everything = pips
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = Environment(str(venv).strip("/"), python)
    made = ours(case.name, case.wheel, environment)
    prefix = f"{environment.prefix}/"
    found = {entry.path.removeprefix(prefix): (entry.mode, content(entry)) for entry in made}
    assert len(found) == len(made)
    site = environment.site_packages.removeprefix(prefix)
    info = f"{site}/{case.name}-1.0.dist-info"
    record = rows(everything[f"{info}/RECORD"][1])
    theirs = {os.path.normpath(f"{site}/{path}") for path in record}
    own = {f"{info}/{name}" for name in (*INSTALLERS_OWN, "RECORD")}
    expected = {path: item for path, item in everything.items() if path in theirs - own}
    assert {path: item for path, item in found.items() if path not in own} == expected
    about = {f"{case.name}-1.0.dist-info/{name}" for name in INSTALLERS_OWN}
    listed = rows(found[f"{info}/RECORD"][1])
    # pip leaves rows of files that it did not install.
    there = {path: row for path, row in record.items() if os.path.normpath(f"{site}/{path}") in everything}
    assert {path: row for path, row in listed.items() if path not in about} == {
        path: row for path, row in there.items() if path not in about
    }


def test_of_two_files_at_one_path_the_one_in_data_wins_as_with_pip(
    pips: tuple[Path, Tree], ours: Callable[..., list[Entry]]
) -> None:
    _, everything = pips
    theirs = next(data for path, (_, data) in everything.items() if path.endswith("/twice.py"))
    made = ours(TWICE.name, TWICE.wheel)
    assert theirs == b"data"
    assert [content(entry) for entry in made if entry.path == f"{SITE}/twice.py"] == [theirs]
    record = content(made[-1]).decode()
    assert record.count("twice.py,") == 1
    assert record_row("twice.py", theirs) in record


def test_every_file_of_pips_was_looked_at(pips: tuple[Path, Tree]) -> None:
    _, everything = pips
    recorded = set()
    for path, (_, data) in everything.items():
        if path.endswith("dist-info/RECORD") and "_vendor" not in path:
            recorded |= {os.path.normpath(f"{path}/../../{name}") for name in rows(data)}
    assert set(everything) <= recorded


def test_record_says_who_installed_and_leaves_itself_without_a_digest(
    ours: Callable[..., list[Entry]],
) -> None:
    entries = ours("demo", wheel_bytes("demo", "1.0", {"demo.py": b"x"}))
    files = by_path(entries)
    assert entries[-1].path == f"{SITE}/demo-1.0.dist-info/RECORD"
    assert files[f"{SITE}/demo-1.0.dist-info/INSTALLER"] == b"lightship\n"
    listed = rows(content(entries[-1]))
    assert listed["demo-1.0.dist-info/RECORD"] == ("", "")
    for path, data in files.items():
        name = path.removeprefix(f"{SITE}/")
        if not name.endswith("/RECORD"):
            assert record_row(name, data) == f"{name},{','.join(listed[name])}\n"


def test_signatures_that_no_longer_fit_are_dropped(ours: Callable[..., list[Entry]]) -> None:
    info = "demo-1.0.dist-info"
    files = {"demo.py": b"", f"{info}/RECORD.jws": b"{}", f"{info}/RECORD.p7s": b"x"}
    found = by_path(ours("demo", wheel_bytes("demo", "1.0", files)))
    assert not [path for path in found if "RECORD." in path]
    assert b"RECORD." not in found[f"{SITE}/{info}/RECORD"]


def test_scripts_without_the_bit_are_executable_all_the_same(ours: Callable[..., list[Entry]]) -> None:
    """PEP 427: installers may need to add it, where the archive was made on Windows; pip does not."""
    data = wheel_bytes("demo", "1.0", {"demo-1.0.data/scripts/tool": Packed(b"#!/bin/sh\n", 0)})
    (script,) = [entry for entry in ours("demo", data) if entry.path == "opt/venv/bin/tool"]
    assert script.mode == 0o755


def test_launchers_start_with_the_images_interpreter(ours: Callable[..., list[Entry]]) -> None:
    data = wheel_bytes("demo", "1.0", {}, entry_points="[console_scripts]\ntool = demo.cli:App.run\n")
    launcher = by_path(ours("demo", data))["opt/venv/bin/tool"].decode()
    assert launcher.startswith("#!/opt/venv/bin/python\n")
    assert "from demo.cli import App\n" in launcher
    assert "sys.exit(App.run())" in launcher
    compile(launcher, "tool", "exec")


@pytest.mark.parametrize("version", ["2.0", "", "next"])
def test_unknown_wheel_versions_are_refused(ours: Callable[..., list[Entry]], version: str) -> None:
    with pytest.raises(IntegrityError, match=r"wheel format .* is not supported") as error:
        ours("demo", wheel_bytes("demo", "1.0", {}, wheel_version=version))
    assert error.value.where == filename("demo", "1.0")
    assert error.value.hint


def test_newer_minor_versions_are_taken(ours: Callable[..., list[Entry]]) -> None:
    assert ours("demo", wheel_bytes("demo", "1.0", {}, wheel_version="1.9"))


@pytest.mark.parametrize(
    ("wheel", "message"),
    [
        (wheel_bytes("demo", "1.0", {}, leave_out=("RECORD",)), "has no demo-1.0.dist-info/RECORD"),
        (wheel_bytes("demo", "1.0", {}, leave_out=("WHEEL",)), "has 0 .dist-info folders"),
        (wheel_bytes("demo", "1.0", {"b-1.dist-info/WHEEL": b""}), "has 2 .dist-info folders"),
        (
            wheel_bytes("demo", "1.0", {"demo-1.0.data/strange/x": b""}),
            "demo-1.0.data/strange/x has no place",
        ),
        (wheel_bytes("demo", "1.0", {"demo-1.0.data/scripts": b""}), "demo-1.0.data/scripts has no place"),
        (wheel_bytes("demo", "1.0", {"demo-1.0.data": b""}), "demo-1.0.data has no place"),
        (wheel_bytes("demo", "1.0", {}, entry_points="[console_scripts]\na = b\n"), "is malformed"),
        (wheel_bytes("demo", "1.0", {}, entry_points="a = b:c\n"), "is malformed"),
        (wheel_bytes("demo", "1.0", {}, entry_points="[console_scripts]\na = %(b)s\n"), "is malformed"),
        (
            wheel_bytes("demo", "1.0", {}, entry_points="[console_scripts]\n../../usr/bin/x = a:b\n"),
            "'../../usr/bin/x' leaves its folder",
        ),
        (wheel_bytes("demo", "1.0", {}, entry_points="[gui_scripts]\n.. = a:b\n"), "'..' leaves its folder"),
    ],
)
def test_wheels_that_break_the_format_are_refused(
    ours: Callable[..., list[Entry]], wheel: bytes, message: str
) -> None:
    with pytest.raises(IntegrityError) as error:
        ours("demo", wheel)
    assert message in error.value.message
    assert error.value.where == filename("demo", "1.0")
    assert error.value.hint


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("data", [b"", b"small", BIG])
def test_files_that_do_not_match_record_are_refused(
    ours: Callable[..., list[Entry]], data: bytes, *, stored: bool
) -> None:
    record = record_row("demo.py", b"something else")
    with pytest.raises(IntegrityError, match=r"demo\.py does not match its digest in RECORD") as error:
        ours("demo", wheel_bytes("demo", "1.0", {"demo.py": Packed(data, stored=stored)}, record=record))
    assert error.value.where == filename("demo", "1.0")


def test_a_digest_in_record_that_is_no_base64_is_refused(ours: Callable[..., list[Entry]]) -> None:
    with pytest.raises(IntegrityError, match="does not match its digest"):
        ours("demo", wheel_bytes("demo", "1.0", {"a.py": b""}, record="a.py,sha256=ü,0\n"))


def test_scripts_are_checked_before_they_are_rewritten(ours: Callable[..., list[Entry]]) -> None:
    path = "demo-1.0.data/scripts/tool"
    with pytest.raises(IntegrityError, match="does not match its digest"):
        ours("demo", wheel_bytes("demo", "1.0", {path: b"#!python\n"}, record=record_row(path, b"other")))


def test_what_is_trimmed_is_in_neither_the_tree_nor_record(ours: Callable[..., list[Entry]]) -> None:
    files = {
        "demo/__init__.py": b"",
        "demo/tests/test_demo.py": b"1",
        "demo-1.0.data/purelib/demo/tests/more.py": b"2",
        "demo-1.0.data/data/tests/data.txt": b"3",
        "demo-1.0.data/scripts/tests": b"4",
    }
    trimmed_by = trimmer([Rule(name="t", paths=("**/tests/**",))], "demo")
    made = by_path(ours("demo", wheel_bytes("demo", "1.0", files), trimmed_by=trimmed_by))
    assert [path for path in made if "tests" in path] == [
        "opt/venv/tests/data.txt",
        "opt/venv/bin/tests",
    ]
    record = rows(made[f"{VENV.site_packages}/demo-1.0.dist-info/RECORD"])
    assert {os.path.normpath(f"{VENV.site_packages}/{path}") for path in record} == set(made)
