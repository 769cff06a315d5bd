"""Emitted Dockerfiles, really built: they start, and hold what the direct engine's image holds."""

from __future__ import annotations

import filecmp
import os
import shutil
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest

from scripts.standins import SLIM
from tests.integration.build.calling import ROOT, Lightship
from tests.support.docker_build import ACCEPTED, BuildahBuilds, DockerBuilds
from tests.support.programs import Run, caller

pytestmark = pytest.mark.integration
BASES = {"PYTHON_IMAGE": SLIM.tag, "BUILDER_IMAGE": SLIM.tag}
LOCAL = {"TORCH_VARIANT": "none", **{name: f"localhost/{tag}" for name, tag in BASES.items()}}
"""Buildah 1.28 finds stages that `FROM` names by an argument if the argument is given."""
PYTHON = "lib/python3.11"
SITE = {"wheels": "usr/local", "site-packages": "usr/local", "venv": "opt/venv"}
OF_THE_BASE = ("_distutils_hack", "distutils-precedence.pth", "pip", "pkg_resources", "setuptools", "wheel")
BY_INSTALLERS = ("INSTALLER", "RECORD", "REQUESTED")


@pytest.mark.parametrize("style", SITE)
def test_docker_builds_each_style_and_it_is_what_the_direct_engine_makes(
    *,
    style: str,
    project: Path,
    lightship: Lightship,
    direct: Path,
    build: DockerBuilds,
    docker: Run,
    port: int,
    tmp_path: Path,
) -> None:
    lightship.ask("dockerfile", "--portable", "--style", style, cwd=project)
    tag = f"emitted:{style}"
    build(project, project / "Dockerfile", tag=tag, target="production", build_args=BASES)
    assert answer(docker, tag, port) == '"made\\n"'
    compare(direct, exported(docker, tag, tmp_path), SITE[style])


@pytest.mark.requires_tool("buildah", "podman", "runc", "skopeo")
@pytest.mark.parametrize("style", SITE)
def test_buildah_builds_each_style_and_it_is_what_the_direct_engine_makes(
    *,
    style: str,
    project: Path,
    lightship: Lightship,
    direct: Path,
    buildah: BuildahBuilds,
    podman: Run,
    storage: dict[str, str],
    port: int,
    tmp_path: Path,
) -> None:
    lightship.ask("dockerfile", "--portable", "--style", style, cwd=project)
    tag = f"localhost/emitted:{style}"
    buildah(project, project / "Dockerfile", tag=tag, target="production", build_args=LOCAL)
    assert answer(podman, tag, port) == '"made\\n"'
    compare(direct, Path(podman("image", "mount", tag).strip()), SITE[style])
    copy = caller("skopeo", env=storage)
    copy("copy", "--quiet", f"containers-storage:{tag}", f"oci:{tmp_path}/image:{style}")
    verify(lightship, tmp_path)


def test_development_reloads_and_has_its_tools(
    project: Path, lightship: Lightship, direct: Path, build: DockerBuilds, docker: Run, port: int
) -> None:
    assert direct.is_dir()
    lightship.ask("dockerfile", "--portable", cwd=project)
    tag = "emitted:development"
    build(project, project / "Dockerfile", tag=tag, target="development", build_args=BASES)
    assert answer(docker, tag, port) == '"made\\n"'
    inside = ("run", "--rm", "--network", "none", tag)
    assert "itsdangerous" in docker(*inside, "pip", "list")
    assert "less " in docker(*inside, "less", "--version")
    assert "uid=1001(appuser)" in docker(*inside, "id")


def test_no_layer_of_production_has_a_wheel_or_what_pip_left(
    project: Path, lightship: Lightship, direct: Path, build: DockerBuilds, docker: Run
) -> None:
    assert direct.is_dir()
    lightship.ask("dockerfile", "--portable", cwd=project)
    tag = "emitted:layers"
    build(project, project / "Dockerfile", tag=tag, target="production", build_args=BASES)
    script = "find / -xdev -name '*.whl' -not -path '/usr/local/share/*'; ls /mnt /tmp; ls -d /wheels || true"
    assert docker("run", "--rm", "--network", "none", tag, "sh", "-c", script) == "/mnt:\n\n/tmp:\n"
    code = f"/usr/local/{PYTHON}/site-packages/fastapi/__pycache__/applications.cpython-311.pyc"
    program = f"print(open('{code}', 'rb').read(8)[4])"
    # PEP 552: by its source's hash, and not checked.
    assert docker("run", "--rm", "--network", "none", tag, "python", "-c", program) == "1\n"


@pytest.mark.requires_tool("skopeo")
def test_the_example_is_healthy_and_verified(
    lightship: Lightship, build: DockerBuilds, docker: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "pharmabot"
    shutil.copytree(ROOT / "examples/pharmabot", folder, ignore=shutil.ignore_patterns(".*", "tests"))
    lightship.ask("dockerfile", "--portable", "--variant", "none", cwd=folder)
    tag = "emitted:pharmabot"
    build(folder, folder / "Dockerfile", tag=tag, target="production", build_args=BASES)
    container = docker("run", "--detach", "--network", "none", "--health-interval", "1s", tag).strip()
    try:
        wait_until_healthy(docker, container)
    finally:
        docker("rm", "--force", container)
    archive = tmp_path / "image.tar"
    docker("save", "--output", str(archive), tag)
    caller("skopeo")("copy", "--quiet", f"docker-archive:{archive}", f"oci:{tmp_path}/image:none")
    verify(lightship, tmp_path)


def verify(lightship: Lightship, folder: Path) -> None:
    ignores = [word for rule in ACCEPTED for word in ("--ignore", rule)]
    lightship.ask("verify", f"oci:{folder}/image", *ignores, cwd=folder)


def wait_until_healthy(docker: Run, container: str) -> None:
    end = time.monotonic() + 60
    while docker("inspect", "--format", "{{.State.Health.Status}}", container).strip() != "healthy":
        assert time.monotonic() < end, docker("logs", container)
        time.sleep(0.3)


def answer(engine: Run, tag: str, port: int) -> str:
    container = engine("run", "--detach", "--network", "host", tag).strip()
    try:
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
                    return str(reply.read().decode())
            except OSError:
                assert time.monotonic() < end, engine("logs", container)
                time.sleep(0.2)
    finally:
        engine("rm", "--force", container)


def exported(docker: Run, tag: str, folder: Path) -> Path:
    container = docker("create", tag).strip()
    docker("export", "--output", str(folder / "image.tar"), container)
    docker("rm", container)
    with tarfile.open(folder / "image.tar") as archive:
        members = [
            item for item in archive if item.name.startswith(("usr/local/lib/python", "opt/venv", "app"))
        ]
        archive.extractall(folder, members, filter="tar")
    return folder


def compare(direct: Path, emitted: Path, prefix: str) -> None:
    """Insist on the same files of wheels, and on bytecode of the same modules."""
    site = f"{PYTHON}/site-packages"
    ours, theirs = files(direct / "opt/venv" / site), files(emitted / prefix / site)
    assert ours.keys() == theirs.keys()
    differing = [name for name in ours if not filecmp.cmp(ours[name], theirs[name], shallow=False)]
    assert differing == []
    assert "pydantic_core/__init__.py" in ours
    assert "pydantic_core/_pydantic_core.pyi" not in ours
    pairs = {
        "packages": (direct / "opt/venv" / site, emitted / prefix / site),
        "application": (direct / "app", emitted / "app"),
        "standard library": (direct / "usr" / PYTHON, emitted / "usr/local" / PYTHON),
    }
    for what, (one, other) in pairs.items():
        assert compiled(one) == compiled(other) != set(), what


def files(site: Path) -> dict[str, Path]:
    """Map the files that wheels bring: no bytecode, no installer's notes, nothing of the base's own."""
    found = {}
    for folder, inner, names in os.walk(site):
        inner[:] = [name for name in inner if name != "__pycache__"]
        for name in names:
            path = Path(folder) / name
            relative = path.relative_to(site)
            if relative.parts[0].split("-")[0] in {*OF_THE_BASE, "distutils"} or name in BY_INSTALLERS:
                continue
            found[relative.as_posix()] = path
    return found


def compiled(folder: Path) -> set[str]:
    """Name the modules that have bytecode, packages below and what Debian alone has apart."""
    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("__pycache__/*.pyc")}
    return {path for path in paths if "site-packages" not in path and "sitecustomize" not in path}
