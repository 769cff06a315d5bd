"""Two variants and three targets of one service, from one configuration and the real index and mirror."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.oci.validate import validate
from lightship.wheels.uv import find_uv
from scripts.ports import free_port
from tests.integration.targets.conftest import Service, write_project

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]
FIND = "import ctypes.util as u; print(*(u.find_library(name) for name in ('ssl', 'proc2', 'magic')))"


def test_targets_have_all_layers_of_production(service: Service) -> None:
    for variant in ("plain", "more"):
        production = service.layers(variant, "production")
        for target in ("development", "profiling"):
            layers = service.layers(variant, target)
            assert layers[: len(production) - 2] == production[:-2]
            assert layers[-2:] == production[-2:]  # the application and its bytecode
            validate(service.lightship.image(f"service:{variant}-{target}"))


def test_two_variants_and_their_targets_share_layers(service: Service) -> None:
    plain, more = service.layers("plain", "production"), service.layers("more", "production")
    assert plain[:2] == more[:2]
    assert len(set(more) - set(plain)) == 1  # the bucket with `packaging`
    own = [digest for digest in service.layers("plain", "development") if digest not in plain]
    shared = set(own) & set(service.layers("more", "development"))
    assert own[0] in shared  # the tools
    assert len(shared) > 1
    made = [layer["title"] for layer in service.images["more", "development"]["layers"] if layer["made"]]
    assert all(title.startswith("python: ") for title in made)
    assert len(made) <= 1  # `packaging`, which pytest needs, is production's there


def test_tools_are_in_development_and_not_in_production(service: Service) -> None:
    said = service.inside(
        "development", "bash", "-c", "python -m pytest --version; id -u; ps -o args= 1; pwd"
    )
    version, user, process, folder = said.split("\n")[:4]
    assert version.startswith("pytest ")
    assert (user, folder) == ("1001", "/app")
    assert process.startswith("bash -c ")
    assert service.inside("development", "sh", "-c", "cd && touch here && echo $HOME") == "/tmp\n"
    failed = service.lightship.fails(2, "run", ".", "--", "bash", cwd=service.folder)
    assert "the image has no program 'bash'" in failed
    done = service.lightship.run("run", ".", "--", "python", "-m", "pytest", cwd=service.folder)
    assert "No module named pytest" in done.err


def test_the_loader_finds_libraries_of_both_layers(service: Service) -> None:
    assert service.inside("production", "python", "-c", FIND) == "libssl.so.3 None None\n"
    assert service.inside("development", "python", "-c", FIND) == "libssl.so.3 libproc2.so.0 None\n"
    assert service.inside("profiling", "python", "-c", FIND) == "libssl.so.3 None libmagic.so.1\n"
    asked = "import magic, os; print(magic.from_buffer(b'%PDF-1.4'), os.environ['PROFILING'])"
    assert service.inside("profiling", "python", "-c", asked) == "PDF document, version 1.4 1\n"


def test_what_has_no_wheel_is_built_for_the_target_that_asks_for_it(service: Service) -> None:
    assert service.inside("profiling", "python", "-c", "import unwheeled; print(unwheeled.WORD)") == "built\n"


def test_scanners_know_the_packages_of_both_layers(service: Service) -> None:
    listed = service.inside("development", "ls", "/var/lib/dpkg/status.d").split()
    assert {"bash", "libc6", "procps", "python3.11-minimal"} <= set(listed)


def test_verify_asks_of_development_what_it_can_promise(service: Service) -> None:
    report = service.lightship.ask("verify", "--target", "development", "--start", cwd=service.folder)
    assert [finding["rule"] for finding in report["findings"]] == ["LV701-not-production"]
    assert report["passed"]
    production = service.lightship.ask("verify", cwd=service.folder)
    assert production["findings"] == []


def test_other_installers_take_production_from_the_lock(service: Service, tmp_path: Path) -> None:
    def would_install(*options: str) -> str:
        command = [str(find_uv()), "pip", "install", "--dry-run", "--no-deps", "--python-version", "3.11"]
        command += ["--target", "out", "-r", str(service.folder / "pylock.plain.toml"), *options]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stderr

    assert "+ fastapi==" in would_install()
    assert "pytest" not in would_install()
    assert "+ pytest==" in would_install("--group", "development")


@pytest.fixture
def changed(service: Service, tmp_path: Path) -> Service:
    """Copy the project as it is locked, to change it."""
    folder = tmp_path / "service"
    shutil.copytree(service.folder, folder)
    return Service(folder, service.lightship, service.images)


def test_what_developers_ask_for_does_not_change_production(changed: Service) -> None:
    (changed.folder / "requirements-dev.txt").write_text(
        "-r requirements.txt\npytest\niniconfig\npackaging<26\n"
    )
    lock = changed.folder / "pylock.plain.toml"
    before = lock.read_text()
    assert (
        changed.lightship.build(changed.folder, "--locked") == changed.images["plain", "production"]["digest"]
    )
    stale = changed.lightship.fails(1, "build", "--locked", "--target", "development", cwd=changed.folder)
    assert "the lock is stale for the target development" in stale
    development = changed.lightship.build(changed.folder, "--target", "development")
    assert development != changed.images["plain", "development"]["digest"]
    assert lock.read_text() != before
    assert (
        changed.lightship.build(changed.folder, "--locked") == changed.images["plain", "production"]["digest"]
    )
    profiling = changed.lightship.build(changed.folder, "--locked", "--target", "profiling")
    assert profiling == changed.images["plain", "profiling"]["digest"]


def test_a_conflict_with_production_is_said_in_those_words(changed: Service) -> None:
    (changed.folder / "requirements-dev.txt").write_text("pytest\nstarlette<0.20\n")
    said = changed.lightship.fails(3, "lock", "--variant", "plain", cwd=changed.folder)
    assert "the requirements of target 'development' conflict with production's" in said
    assert "requirements-dev.txt" in said
    assert "starlette<0.20" in said
    (changed.folder / "requirements.txt").write_text("fastapi\nuvicorn\npackaging\n")
    done = changed.lightship.run("build", cwd=changed.folder)
    assert done.code == 0, done.err
    assert "target development is not locked any more" in done.err


@pytest.mark.parametrize("name", ["main.py", "lib/__init__.py"])
def test_a_change_is_seen_by_the_service_that_runs(service: Service, tmp_path: Path, name: str) -> None:
    port = free_port()
    folder = write_project(tmp_path / "service", port)
    shutil.copy(service.folder / "pylock.plain.toml", folder)  # and no image is built yet
    process = service.lightship.start("run", "--target", "development", "--watch", ".", cwd=folder)
    try:
        ask = _asker(port)
        _wait(lambda: ask() == "one house")
        made = folder / "new.py"
        made.write_text((folder / name).read_text().replace("one", "two").replace("house", "horse"))
        made.replace(folder / name)  # as editors do
        _wait(lambda: ask() == ("two house" if name == "main.py" else "one horse"))
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert "watching main.py, lib/" in err
    assert "does not reload" not in err


def test_a_command_that_does_not_reload_is_remarked_on(service: Service) -> None:
    words = ("run", "--watch", ".", "--", "python", "-c", "print(open('/app/main.py').read())")
    done = service.lightship.run(*words, cwd=service.folder)
    assert done.code == 0, done.err
    assert done.out.strip() == (service.folder / "main.py").read_text().strip()
    assert "does not reload by itself" in done.err
    assert "--target development" in done.err


def _asker(port: int) -> Callable[[], str]:
    def ask() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
                return str(json.loads(answer.read()))
        except OSError:
            return ""

    return ask


def _wait(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)
