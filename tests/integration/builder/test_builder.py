"""Distributions without a wheel, built for real: Debian's compilers, uv, bubblewrap."""

from __future__ import annotations

import json
import shutil
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.errors import StageError
from lightship.oci.validate import validate
from tests.integration.builder.conftest import Demo
from tests.support.sdists import own_backend, sdist_bytes

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap", "gpgv")]

MakeDemo = Callable[..., Demo]


CLIENT = """\
import os, psycopg2
cursor = psycopg2.connect(os.environ["DSN"]).cursor()
cursor.execute("select 6 * 7")
print("psycopg2", psycopg2.__version__.split()[0], "says", cursor.fetchone()[0])
"""


def module(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"{name}.py").decode()


def test_a_missing_program_names_its_package_and_the_flag_adds_it(demo: MakeDemo, postgres: str) -> None:
    made = demo("psycopg2==2.9.9\n")
    said = made.lightship.fails(5, "build", cwd=made.folder)
    assert "the program pg_config is in the Debian package libpq-dev" in said
    assert "  | Error: pg_config executable not found." in said
    assert "Preparing" not in said
    assert "--fix-build-packages" in said

    made.lightship.build(made.folder, "--fix-build-packages")
    configuration = (made.folder / "pyproject.toml").read_text()
    assert 'build-packages = ["libpq-dev"]' in configuration
    assert "# no server" in configuration
    assert configuration.startswith("# what the image is made of\n")
    validate(made.lightship.image("demo:none"))

    (made.folder / "app.py").write_text(CLIENT)
    again = made.lightship.ask("build", cwd=made.folder)
    assert sum(layer["made"] for layer in again["layers"]) == 1
    verified = made.lightship.run("verify", "demo:none", cwd=made.folder)
    assert verified.code == 0, verified.out + verified.err
    started = made.lightship.run("run", "demo:none", "--env", f"DSN={postgres}", cwd=made.folder)
    assert "psycopg2 2.9.9 says 42" in started.out, started.err
    planned = made.lightship.run("plan", cwd=made.folder).out
    assert "libpq5: psycopg2 (psycopg2/_psycopg.cpython-311-x86_64-linux-gnu.so needs libpq.so.5)" in planned

    shutil.rmtree(made.lightship.home.cache / "wheels")
    shutil.rmtree(made.lightship.home.cache / "layers")
    offline = made.lightship.ask("build", "--offline", cwd=made.folder)
    assert offline["digest"] == again["digest"]


EXTENSION = """\
cdef extern from "zstd.h":
    unsigned ZSTD_versionNumber()

def version():
    return ZSTD_versionNumber()
"""
SETUP = """\
from setuptools import Extension, setup
extension = Extension("own_fast", ["own_fast.pyx"], libraries=["zstd"])
setup(name="own_fast", version="1.0", ext_modules=[extension])
"""


def test_a_missing_header_of_a_cython_extension_names_its_package(demo: MakeDemo) -> None:
    pyproject = (
        '[build-system]\nrequires = ["setuptools", "cython"]\nbuild-backend = "setuptools.build_meta"\n'
    )
    files = {"pyproject.toml": pyproject, "setup.py": SETUP, "own_fast.pyx": EXTENSION}
    made = demo("own_fast\n", {"own_fast-1.0.tar.gz": sdist_bytes("own_fast", "1.0", files)})
    said = made.lightship.fails(5, "build", cwd=made.folder)
    assert "the header zstd.h is in the Debian package libzstd-dev" in said
    made.lightship.build(made.folder, "--fix-build-packages")
    (made.folder / "app.py").write_text("import own_fast\nprint('zstd', own_fast.version())\n")
    made.lightship.build(made.folder)
    assert "zstd 1" in made.lightship.run("run", "demo:none", cwd=made.folder).out


HOSTILE = """
def main(wheel_directory):
    import json, socket, subprocess
    tried = {}
    for name, attempt in {
        "home": lambda: open(HOME + "/secret").read(),
        "write home": lambda: open(HOME + "/planted", "w"),
        "write root": lambda: open("/usr/bin/planted", "w"),
        "write above": lambda: open("../../../planted", "w"),
        "passwords": lambda: open("/etc/shadow").read(),
        "network": lambda: socket.create_connection(("127.0.0.1", PORT), 2),
        "processes": lambda: [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 1000][0],
    }.items():
        try:
            attempt()
        except Exception as error:
            tried[name] = type(error).__name__
        else:
            tried[name] = "done"
    return json.dumps({"tried": tried, "variables": sorted(os.environ), "groups": os.getuid()})
"""


def test_a_hostile_build_sees_neither_home_nor_network_nor_variables(demo: MakeDemo, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        main = HOSTILE.replace("HOME", repr(str(home))).replace("PORT", str(port))
        made = demo("own_evil\n", {"own_evil-1.0.tar.gz": own_backend("own_evil", "1.0", main)})
        (wheel,) = made.wheels(MY_PASSWORD="x")
    found = json.loads(module(wheel, "own_evil"))
    assert "done" not in found["tried"].values(), found
    assert "MY_PASSWORD" not in found["variables"]
    assert not any(name.startswith(("PIP_", "LIGHTSHIP_", "AWS_")) for name in found["variables"])
    assert found["groups"] == 1000
    assert [path.name for path in home.iterdir()] == ["secret"]


def test_what_a_build_leaves_beside_its_wheel_is_refused(demo: MakeDemo) -> None:
    main = """
def main(wheel_directory):
    os.symlink("/etc/hostname", "/out/planted-1.0-py3-none-any.whl")
    return ""
"""
    made = demo("own_evil\n", {"own_evil-1.0.tar.gz": own_backend("own_evil", "1.0", main)})
    with pytest.raises(StageError, match="left 2 files where one wheel was expected"):
        made.wheels()


HANGING = """
def main(wheel_directory):
    import subprocess, time
    print("compiling for ever", flush=True)
    subprocess.Popen(["sleep", "86399"], start_new_session=True)
    time.sleep(86399)
"""


def processes(argument: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if argument.encode() in words:
            found.append(path.parent.name)
    return found


def test_a_hanging_build_is_killed_with_all_its_children(demo: MakeDemo) -> None:
    made = demo("own_slow\n", {"own_slow-1.0.tar.gz": own_backend("own_slow", "1.0", HANGING)})
    with pytest.raises(StageError, match="ended after 4 seconds") as caught:
        made.wheels(seconds=4)
    assert "compiling for ever" in caught.value.detail
    assert caught.value.exit_code == 5
    deadline = time.monotonic() + 5
    while processes("86399") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes("86399") == []


DYNAMIC = """
def main(wheel_directory):
    import six
    return "version = " + repr(six.__version__)
"""


def test_what_a_backend_asks_for_only_when_it_runs_is_there(demo: MakeDemo) -> None:
    made = demo("own_odd\n", {"own_odd-1.0.tar.gz": own_backend("own_odd", "1.0", DYNAMIC, ("six>=1.16",))})
    (wheel,) = made.wheels()
    assert module(wheel, "own_odd").startswith("version = '1.")


TIMED = """
def main(wheel_directory):
    import time
    start = time.monotonic()
    time.sleep(2)
    return str([start, time.monotonic()])
"""


def test_two_builds_run_at_once_and_never_again(demo: MakeDemo) -> None:
    names = ("own_one", "own_two")
    made = demo(
        "own_one\nown_two\n", {f"{name}-1.0.tar.gz": own_backend(name, "1.0", TIMED) for name in names}
    )
    wheels = made.wheels()
    times = [json.loads(module(wheel, name)) for wheel, name in zip(wheels, names, strict=True)]
    assert max(start for start, _ in times) < min(end for _, end in times)
    before = time.monotonic()
    assert made.wheels() == wheels
    assert time.monotonic() - before < 2
