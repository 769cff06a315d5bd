"""The whole way, with the machine's own index and pip configuration: resolve, lock, select, fetch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from lightship.digest import of_bytes
from lightship.errors import ResolutionError
from lightship.events import SilentReporter
from lightship.net.credentials import read_credentials
from lightship.net.http import HttpTransport
from lightship.net.pipconf import PipConfig, read_pip_config
from lightship.net.settings import http_settings
from lightship.platform import Platform
from lightship.wheels.fetch import fetch_wheels
from lightship.wheels.lock import Lock, LockTable, parse_lock, render_lock
from lightship.wheels.preferences import contents_of
from lightship.wheels.relock import relock
from lightship.wheels.resolve import ResolveRequest, resolve, resolve_each, resolve_platforms
from lightship.wheels.select import select_distributions
from lightship.wheels.uv import find_uv

pytestmark = pytest.mark.integration

AMD64, ARM64 = Platform("amd64"), Platform("arm64")
REQUIREMENTS = "fastapi\nuvicorn[standard]\npsycopg2-binary\nnumpy\n"


@pytest.fixture(scope="module")
def pip() -> PipConfig:
    return read_pip_config(os.environ, home=Path.home(), prefix=Path(sys.prefix))


@pytest.fixture(scope="module")
def transport(pip: PipConfig) -> Iterator[HttpTransport]:
    credentials = read_credentials(pip, environ=os.environ, home=Path.home())
    with HttpTransport(http_settings(pip, os.environ), credentials=credentials) as http:
        yield http


def make_lock(folder: Path, pip: PipConfig, *platforms: Platform, torch: str = "") -> str:
    request = ResolveRequest(
        folder=folder,
        python="3.11",
        platform=platforms[0],
        requirements=(Path("requirements.txt"),),
        torch=torch,
        lock=folder / "pylock.web.toml",
    )
    reporter = SilentReporter()
    requests = [replace(request, platform=platform) for platform in platforms]
    text = resolve_platforms(requests, pip=pip, environ=os.environ, reporter=reporter)
    table = LockTable(
        variant="web",
        python="3.11",
        base="debian:bookworm",
        inputs=of_bytes(b""),
        platforms=platforms,
        debs={},
    )
    return render_lock(text, table)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, pip: PipConfig) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    (folder / "pylock.web.toml").write_text(make_lock(folder, pip, AMD64, ARM64))
    return folder


@pytest.fixture(scope="module")
def lock(project: Path) -> Lock:
    return parse_lock((project / "pylock.web.toml").read_text())


def test_locking_again_gives_the_same_bytes(project: Path, pip: PipConfig) -> None:
    assert make_lock(project, pip, AMD64, ARM64) == (project / "pylock.web.toml").read_text()


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        pytest.param(f"{REQUIREMENTS}python-slugify\n", {"python-slugify", "text-unidecode"}, id="one more"),
        pytest.param("fastapi>0.1\nuvicorn\nnumpy\n", set(), id="fewer, and looser"),
        pytest.param(f"{REQUIREMENTS}uvicorn<0.30\n", {"uvicorn"}, id="another version"),
    ],
)
def test_a_lock_made_again_by_asking_for_little_is_the_lock_that_asking_for_everything_gives(
    project: Path,
    pip: PipConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: str,
    more: set[str],
) -> None:
    shutil.copy(project / "pylock.web.toml", tmp_path)
    (tmp_path / "requirements.txt").write_text(lines)
    request = ResolveRequest(
        folder=tmp_path,
        python="3.11",
        platform=AMD64,
        requirements=(Path("requirements.txt"),),
        lock=tmp_path / "pylock.web.toml",
    )
    requests = [request, replace(request, platform=ARM64)]
    texts = relock(requests, pip=pip, environ=os.environ, reporter=SilentReporter())
    assert texts is not None
    before, after = contents_of([(project / "pylock.web.toml").read_text()]), contents_of(texts.values())
    assert {name for name, _ in after.keys() - before.keys()} == more
    monkeypatch.setattr("lightship.wheels.resolve.relock", lambda *_, **__: None)
    assert resolve_each(requests, pip=pip, environ=os.environ, reporter=SilentReporter()) == texts


@pytest.mark.parametrize("platform", [AMD64, ARM64])
def test_every_platform_has_all_its_wheels(lock: Lock, platform: Platform) -> None:
    wheels, _ = select_distributions(lock, platform=platform, python_full="3.11.2", glibc=(2, 36))
    assert {"fastapi", "uvicorn", "uvloop", "psycopg2-binary", "numpy"} <= {wheel.name for wheel in wheels}
    (numpy,) = (wheel for wheel in wheels if wheel.name == "numpy")
    assert numpy.filename.endswith(f"{platform.machine}.whl")


def test_wheels_are_fetched_once_and_then_offline(
    lock: Lock, transport: HttpTransport, tmp_path: Path
) -> None:
    wheels, _ = select_distributions(lock, platform=AMD64, python_full="3.11.2", glibc=(2, 36))
    reporter = SilentReporter()
    paths = fetch_wheels(wheels, transport=transport, archives=tmp_path, offline=False, reporter=reporter)
    assert set(paths) == set(wheels)
    assert (
        fetch_wheels(wheels, transport=transport, archives=tmp_path, offline=True, reporter=reporter) == paths
    )


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the lock is for Python 3.11, and the installers check that")
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


def test_uv_installs_from_the_lock(project: Path, empty_environment: Path) -> None:
    python = str(empty_environment / "bin" / "python")
    command = [str(find_uv()), "pip", "install", "--dry-run", "--python", python, "-r", "pylock.web.toml"]
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert " + fastapi==" in done.stderr


def test_pip_installs_from_the_lock(project: Path, empty_environment: Path) -> None:
    import pip as installed

    if Version(installed.__version__) < Version("26.1"):
        pytest.skip("this pip does not read PEP 751 locks: pip 26.1 does")
    python = str(empty_environment / "bin" / "python")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--dry-run",
        "-r",
        "pylock.web.toml",
    ]
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "fastapi" in done.stdout


def test_another_python_runs_it_alike(project: Path, pip: PipConfig) -> None:
    """With nothing but another version's interpreter, the lock is the same."""
    other = next((path for name in ("3.13", "3.12") if (path := _interpreter(name))), None)
    if other is None:
        pytest.skip("there is no Python 3.12 or 3.13 on this machine")
    environ = {**os.environ, "PATH": str(other.parent)}
    request = ResolveRequest(
        folder=project,
        python="3.11",
        platform=AMD64,
        requirements=(Path("requirements.txt"),),
    )
    one, two = (
        resolve(request, pip=pip, environ=environment, reporter=SilentReporter())
        for environment in (environ, os.environ)
    )
    assert one == two


def _interpreter(version: str) -> Path | None:
    found = [*Path.home().glob(f".pyenv/versions/{version}*/bin/python{version}")]
    on_path = shutil.which(f"python{version}")
    return found[0] if found else (Path(on_path) if on_path else None)


def test_the_cpu_build_of_torch_is_found_where_pip_is_configured_to_look(
    tmp_path: Path, pip: PipConfig
) -> None:
    (tmp_path / "requirements.txt").write_text("torch\n")
    try:
        lock = parse_lock(make_lock(tmp_path, pip, AMD64, torch="cpu"))
    except ResolutionError as error:
        pytest.skip(f"no CPU build of torch can be reached from here: {error}")
    wheels, _ = select_distributions(lock, platform=AMD64, python_full="3.11.2", glibc=(2, 36))
    (torch,) = (wheel for wheel in wheels if wheel.name == "torch")
    assert torch.version.endswith("+cpu")
    assert not any(wheel.name.startswith(("nvidia-", "triton")) for wheel in wheels)
