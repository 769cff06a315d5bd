"""A service on images of others' making: built, started, and refused where that cannot work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.build.images import LayoutSource
from lightship.oci.layout import Layout
from lightship.oci.validate import validate
from lightship.wheels.lock import read_lock
from scripts.ports import free_port
from tests.integration.bases.conftest import AMD64
from tests.integration.build.calling import Lightship

pytestmark = pytest.mark.integration
Service = Callable[..., Path]
PROBE = "import sys, ssl, sqlite3, fastapi; print(sys.prefix, sys.base_prefix, fastapi.__file__)"


@pytest.mark.parametrize(("tag", "prefix"), [("debian", "/usr"), ("moved", "/usr/local")])
def test_a_service_starts_on_an_image(
    tag: str, prefix: str, service: Service, layout: Layout, lightship: Lightship
) -> None:
    folder = service(tag, port=free_port())
    digest = lightship.build(folder)
    report = lightship.ask("verify", "--start", cwd=folder)
    assert (report["image"], report["passed"], report["findings"]) == (digest, True, [])
    assert report["seconds_to_healthy"] > 0
    image = lightship.home.images.image(lightship.home.images.names()["demo:none"])
    validate(image)
    base = LayoutSource(layout, tag).find(AMD64)
    assert image.manifest.layers[:2] == base.manifest.layers
    assert read_lock(folder / "pylock.none.toml").base_digests == {AMD64: base.descriptor.digest}
    execution = image.config.config
    assert (execution.environment["KEPT"], execution.entrypoint) == ("from the base", ())
    assert execution.labels["org.opencontainers.image.base.digest"] == base.descriptor.digest
    done = lightship.run("run", ".", "--", "/opt/venv/bin/python", "-c", PROBE, cwd=folder)
    site = "/opt/venv/lib/python3.11/site-packages/fastapi/__init__.py"
    assert done.out.split() == ["/opt/venv", prefix, site]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the root")
def test_umoci_unpacks_what_runs(service: Service, lightship: Lightship, tmp_path: Path) -> None:
    umoci, chroot = (shutil.which(name) for name in ("umoci", "chroot"))
    if umoci is None or chroot is None:
        pytest.skip("umoci is not installed")
    folder = service("moved")
    lightship.build(folder, "--output", f"oci:{tmp_path / 'out'}", "--tag", "demo")
    image = f"{tmp_path / 'out'}:demo:latest"
    subprocess.run([umoci, "unpack", "--image", image, str(tmp_path / "bundle")], check=True, cwd=tmp_path)
    root = tmp_path / "bundle" / "rootfs"
    done = subprocess.run(
        [chroot, str(root), "/opt/venv/bin/python", "-c", PROBE], check=True, capture_output=True, text=True
    )
    assert done.stdout.split()[:2] == ["/opt/venv", "/usr/local"]
    assert (root / "etc/passwd").read_text().count("appuser") == 1


def test_packages_of_the_bases_suite_join_it(service: Service, lightship: Lightship) -> None:
    folder = service("moved", packages=["libpq5"])
    lightship.build(folder)
    joined = {deb.name for deb in read_lock(folder / "pylock.none.toml").debs[AMD64]}
    assert "libpq5" in joined
    assert not joined & {"libc6", "libssl3", "zlib1g", "ca-certificates"}
    program = (
        "import ctypes, ctypes.util as u; print(u.find_library('pq'), ctypes.CDLL(u.find_library('pq')))"
    )
    done = lightship.run("run", ".", "--", "/opt/venv/bin/python", "-c", program, cwd=folder)
    assert done.out.startswith("libpq.so.5 <CDLL 'libpq.so.5'"), done.err
    assert "layout:moved (sha256:" in lightship.run("plan", cwd=folder).out
    shown = lightship.ask("plan", cwd=folder)["plan"]
    (layer,) = (layer for layer in shown["layers"] if layer["type"] == "packages")
    assert layer["cached"] != []


def test_tools_of_a_target_join_it_beside_productions_packages(
    service: Service, lightship: Lightship
) -> None:
    folder = service("moved", packages=["libpq5"])
    (folder / "requirements-dev.txt").write_text("iniconfig\n")
    production, development = (
        [layer["digest"] for layer in lightship.ask("build", "--target", target, cwd=folder)["layers"]]
        for target in ("production", "development")
    )
    assert set(production) < set(development)
    own = {deb.name for deb in read_lock(folder / "pylock.none.toml").targets["development"].debs[AMD64]}
    assert {"bash", "procps"} <= own
    assert not own & {"libc6", "libpq5", "libssl3"}
    program = (
        "import ctypes.util as u, iniconfig; print(*(u.find_library(n) for n in ('pq', 'ssl', 'proc2')))"
    )
    words = ("bash", "-c", f'ps -o comm= 1; python -c "{program}"')
    done = lightship.run("run", "--target", "development", ".", "--", *words, cwd=folder)
    assert done.out.split() == ["bash", "libpq.so.5", "libssl.so.3", "libproc2.so.0"], done.err


def test_what_has_no_wheel_is_built_and_its_library_joins_the_base(
    service: Service, lightship: Lightship
) -> None:
    folder = service("moved", requirements=["psycopg2"])
    file = folder / "lightship.toml"
    file.write_text(f'build-packages = ["libpq-dev"]\n{file.read_text()}')
    lightship.build(folder)
    lock = read_lock(folder / "pylock.none.toml")
    assert [library.package for library in lock.libraries[AMD64]] == ["libpq5"]
    program = "import psycopg2; print(psycopg2.__libpq_version__)"
    done = lightship.run("run", ".", "--", "/opt/venv/bin/python", "-c", program, cwd=folder)
    assert int(done.out) > 150000, done.err


def test_another_python_is_refused_with_what_there_is(service: Service, lightship: Lightship) -> None:
    said = lightship.fails(2, "build", cwd=service("moved", python="3.13"))
    assert "the base has Python 3.11.2 (/usr/local/bin/python3.11), and CPython 3.13 is wanted" in said
    assert 'set python = "3.11", or base = "debian:trixie"' in said


def test_a_base_without_python_is_refused(service: Service, lightship: Lightship) -> None:
    said = lightship.fails(2, "plan", cwd=service("bare"))
    assert "the base has no Python for linux/amd64" in said
    assert 'set base = "debian:bookworm"' in said


def test_a_platform_that_the_base_is_not_for_is_refused(service: Service, lightship: Lightship) -> None:
    folder = service("moved")
    file = folder / "lightship.toml"
    file.write_text(f'platforms = ["linux/arm64"]\n{file.read_text()}')
    said = lightship.fails(2, "lock", cwd=folder)
    assert "the image is not there for linux/arm64; it is for linux/amd64" in said


def test_cuda_in_the_base_is_said(service: Service, lightship: Lightship) -> None:
    notes = lightship.ask("plan", cwd=service("cuda"))["notes"]
    (note,) = (note for note in notes if "CUDA" in note)
    assert "the base has 4 MB of CUDA's libraries (libcublasLt.so.12.4 3 MB, libcudart.so.12.4 1 MB)" in note


def test_a_layout_that_names_another_image_makes_the_lock_stale(
    service: Service, layout: Layout, lightship: Lightship
) -> None:
    folder = service("moved")
    shutil.copytree(layout.path, folder / "base")
    file = folder / "lightship.toml"
    file.write_text(file.read_text().replace(f"oci:{layout.path}:moved", "oci:./base:moved"))
    lightship.build(folder)
    own = Layout(folder / "base")
    own.tag("moved", own.names()["debian"])
    assert "the lock is stale" in lightship.fails(1, "build", "--locked", cwd=folder)
    lightship.build(folder)
    lightship.build(folder, "--locked")
    shown = json.loads(lightship.run("plan", "--json", cwd=folder).out)["plan"]
    assert shown["base"]["digest"] == own.names()["debian"].digest


def test_a_damaged_layer_of_the_base_is_an_integrity_error(
    service: Service, layout: Layout, tmp_path: Path
) -> None:
    folder = service("moved")
    shutil.copytree(layout.path, folder / "base")
    file = folder / "lightship.toml"
    file.write_text(file.read_text().replace(f"oci:{layout.path}:moved", "oci:base:moved"))
    own = Layout(folder / "base")
    blob = own.blob_path(own.image(own.names()["moved"]).manifest.layers[1].digest)
    blob.write_bytes(bytes(blob.stat().st_size))
    elsewhere = Lightship(tmp_path / "home")
    assert "the blob does not decompress" in elsewhere.fails(6, "lock", cwd=folder)
