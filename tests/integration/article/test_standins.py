"""The stand-ins have what the official images have, as far as a Dockerfile can tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.standins import FULL, SLIM
from tests.support.docker_build import DockerBuilds
from tests.support.programs import Run

pytestmark = pytest.mark.integration
TAGS = (SLIM.tag, FULL.tag)
LIBRARY = "/usr/local/lib/python3.11"
ASK = """
import bz2, ctypes, ctypes.util, json, lzma, readline, sqlite3, ssl, sys, sysconfig, uuid, zlib
print(json.dumps({
    "version": sys.version_info[:2],
    "prefixes": [sys.prefix, sys.exec_prefix],
    "places": list(map(sysconfig.get_path, ("purelib", "platlib", "scripts", "include", "stdlib"))),
    "path": sys.path[1:],
    "scheme": sysconfig.get_default_scheme(),
}))
"""
EXTENSION = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "hello"};
PyMODINIT_FUNC PyInit_hello(void) { return PyModule_Create(&definition); }
"""
SETUP = """
from setuptools import Extension, setup
setup(name="hello", ext_modules=[Extension("hello", ["hello.c"])])
"""
EMBEDDING = """
#include <Python.h>
int main(void) {
    Py_Initialize();
    PyRun_SimpleString("import ssl; print('embedded')");
    return Py_FinalizeEx();
}
"""
COMPILING = f"""
FROM {FULL.tag}
WORKDIR /made
COPY . .
RUN pip install --no-build-isolation .
RUN gcc embedding.c -o embedding $(python3-config --includes --ldflags --embed)
"""
INSTALLING = f"""
# syntax=docker/dockerfile:1
FROM {SLIM.tag}
RUN apt-get update \\
    # A remark between the lines of a command.
    && apt-get install -y --no-install-recommends libpq5 \\
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,target=/root/.cache/pip pip install idna==3.7
"""
LOOK = """
dpkg-query --show --showformat '${db:Status-Abbrev}\\n' libpq5
pip list | grep idna
ls -A /run/secrets
ls /etc/pip.conf /etc/apt/apt.conf 2>/dev/null || true
cat /etc/apt/sources.list.d/*
"""
NO_SOURCES = "# mounted while an image is built\n"


def sh(client: Run, tag: str, script: str) -> str:
    return client("run", "--rm", "--network", "none", tag, "sh", "-ec", script)


@pytest.mark.parametrize("tag", TAGS)
def test_python_is_whole_and_installed_as_by_make_install(client: Run, tag: str) -> None:
    found = json.loads(client("run", "--rm", "--network", "none", tag, "python", "-c", ASK))
    packages = f"{LIBRARY}/site-packages"
    assert found == {
        "version": [3, 11],
        "prefixes": ["/usr/local", "/usr/local"],
        "places": [packages, packages, "/usr/local/bin", "/usr/local/include/python3.11", LIBRARY],
        "path": ["/usr/local/lib/python311.zip", LIBRARY, f"{LIBRARY}/lib-dynload", packages],
        "scheme": "posix_prefix",
    }


@pytest.mark.parametrize("tag", TAGS)
def test_pip_is_there_and_new_virtual_environments_have_it(client: Run, tag: str) -> None:
    script = "for name in python3 pip wheel; do command -v $name; done; python -m venv /tmp/v"
    said = sh(client, tag, f"{script}; /tmp/v/bin/pip --version")
    assert said.startswith("/usr/local/bin/python3\n/usr/local/bin/pip\n/usr/local/bin/wheel\npip 24.0 ")


@pytest.mark.parametrize("tag", TAGS)
def test_the_image_keeps_no_bytecode_no_packages_and_no_mirror(client: Run, tag: str) -> None:
    leftovers = "find /usr/local -name '*.pyc'; find /var/cache/apt /var/lib/apt/lists -type f ! -name lock"
    assert sh(client, tag, f"{leftovers}; cat /etc/apt/sources.list.d/*") == NO_SOURCES


def test_only_the_full_one_has_compilers_and_headers(client: Run) -> None:
    script = "for name in gcc git make pg_config; do command -v $name || true; done"
    assert sh(client, SLIM.tag, script) == ""
    assert sh(client, FULL.tag, script).split() == [
        f"/usr/bin/{name}" for name in ("gcc", "git", "make", "pg_config")
    ]


def test_the_full_one_builds_an_extension_and_links_the_interpreter(
    build: DockerBuilds, tmp_path: Path, client: Run
) -> None:
    for name, content in (("hello.c", EXTENSION), ("setup.py", SETUP), ("embedding.c", EMBEDDING)):
        (tmp_path / name).write_text(content)
    (tmp_path / "Dockerfile").write_text(COMPILING)
    build(tmp_path, tmp_path / "Dockerfile", tag="standin-test:extension")
    script = "cd /; python -c 'import hello; print(hello.__file__)'; /made/embedding"
    module, said = sh(client, "standin-test:extension", script).split()
    assert module.startswith(f"{LIBRARY}/site-packages/hello.cpython-311-")
    assert said == "embedded"


def test_packages_come_from_the_machines_sources_and_leave_no_trace_of_them(
    build: DockerBuilds, tmp_path: Path, client: Run
) -> None:
    (tmp_path / "Dockerfile").write_text(INSTALLING)
    build(tmp_path, tmp_path / "Dockerfile", tag="standin-test:apt")
    installed = ["ii", "idna", "3.7"]
    assert sh(client, "standin-test:apt", LOOK).split() == [*installed, *NO_SOURCES.split()]
    sizes = client("image", "history", "--human=false", "--format", "{{.Size}}", "standin-test:apt").split()
    assert int(sizes[1]) < 5_000_000  # libpq5 and what it needs, but no .deb and no list
