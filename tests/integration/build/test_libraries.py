"""Wheels that count on libraries of the system get the Debian packages that have them, named by nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.errors import NetworkError
from lightship.oci.validate import validate
from lightship.platform import Platform
from lightship.wheels.lock import read_lock
from lightship.wheels.model import LockedLibrary
from tests.integration.build.conftest import Built, Service
from tests.support.elves import elf
from tests.support.wheels import wheel_bytes

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]
AMD64 = Platform("amd64")
CONFIGURATION = """\
[tool.lightship]
name = "asking"
python = "3.11"
sources = ["app.py"]
command = ["python", "app.py"]

[tool.lightship.variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""
ASK = "import pyodbc; print(pyodbc.version, pyodbc.drivers())\n"
LOAD = """\
import ctypes

library = ctypes.CDLL("libpq.so.5")
print("libpq", library.PQlibVersion())
"""
NATIVE = wheel_bytes(
    "greeting",
    "1.0",
    {
        "greeting/__init__.py": b"",
        "greeting/native.so": elf(["libpq.so.5", "libc.so.6"]),
        "greeting/odd.py": b"",
    },
)


def test_the_examples_base_has_what_its_wheels_ask_for(pharmabot: Built) -> None:
    lock = read_lock(pharmabot.folder / "pylock.none.toml")
    asking = {library.wheel: library for library in lock.libraries[AMD64]}
    file = "ujson.cpython-311-x86_64-linux-gnu.so"
    assert asking["ujson"] == LockedLibrary("libstdc++6", "libstdc++.so.6", "ujson", file)
    assert {"libgcc-s1", "libstdc++6"} <= {deb.name for deb in lock.debs[AMD64]}
    plan = pharmabot.lightship.ask("plan", "--variant", "cpu", cwd=pharmabot.folder)["plan"]
    assert {library["package"] for library in plan["libraries"]} == {"libstdc++6"}
    assert {"numpy", "torch"} <= {library["wheel"] for library in plan["libraries"]}


def test_a_real_wheel_that_needs_the_system_can_be_imported(pharmabot: Built, tmp_path: Path) -> None:
    folder = tmp_path / "asking"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(CONFIGURATION)
    (folder / "requirements.txt").write_text("pyodbc\n")
    (folder / "app.py").write_text(ASK)
    lightship = pharmabot.lightship
    lightship.build(folder)
    validate(lightship.image("asking:none"))
    shown = lightship.run("plan", cwd=folder).out
    assert "\n  libodbc2: pyodbc (pyodbc.cpython-311-x86_64-linux-gnu.so needs libodbc.so.2)\n" in shown
    started = lightship.run("run", "asking:none", cwd=folder)
    assert started.code == 0, started.err
    findings = lightship.ask("verify", "asking:none", cwd=folder)["findings"]
    assert [each for each in findings if each["rule"].startswith("LV2") and each["severity"] == "error"] == []


def test_the_closure_of_a_library_is_in_the_image(make_service: Callable[[bytes], Service]) -> None:
    service = make_service(NATIVE)
    (service.folder / "app.py").write_text(LOAD)
    service.build()
    lock = read_lock(service.lock_file)
    assert lock.libraries[AMD64] == (LockedLibrary("libpq5", "libpq.so.5", "greeting", "greeting/native.so"),)
    assert {"libpq5", "libgssapi-krb5-2", "libldap-2.5-0"} <= {deb.name for deb in lock.debs[AMD64]}
    assert "libstdc++6" not in {deb.name for deb in lock.debs[AMD64]}
    started = service.lightship.run("run", "greeter:none", cwd=service.folder)
    assert started.out.startswith("libpq 15"), started.err


def test_offline_without_contents_says_what_is_missing(make_service: Callable[[bytes], Service]) -> None:
    service = make_service(NATIVE)
    indexes = service.lightship.home.indexes / "indexes" / "sha256"
    for path in indexes.iterdir():
        if path.read_bytes()[:2] == b"\x1f\x8b":  # Contents alone are kept as they came
            path.unlink()
    said = service.lightship.fails(NetworkError.exit_code, "lock", "--offline", cwd=service.folder)
    assert "main/Contents-amd64.gz" in said
    assert "without `--offline`" in said
    assert not service.lock_file.exists()


def test_what_no_package_has_is_warned_of_and_locked_without(
    make_service: Callable[[bytes], Service],
) -> None:
    service = make_service(wheel_bytes("greeting", "1.0", {"greeting/native.so": elf(["libodd.so.7"])}))
    done = service.lightship.run("lock", cwd=service.folder)
    assert done.code == 0
    assert "libodd.so.7 is in no package of Debian bookworm" in done.err
    assert "greeting/native.so" in done.err
    assert read_lock(service.lock_file).libraries == {AMD64: ()}
