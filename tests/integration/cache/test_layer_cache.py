"""A fleet around Debian's registry: one machine makes layers, one that has nothing takes them from there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.wire import Meter, metered_registry
from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems, validate
from tests.integration.build.calling import Lightship

pytestmark = [
    pytest.mark.integration,
    pytest.mark.requires_tool("bwrap"),
    pytest.mark.requires_tool("docker-registry"),
]
APPLICATION = """\
import http.server, yaml
assert yaml.load("[1, 2]", Loader=yaml.CSafeLoader) == [1, 2]
http.server.HTTPServer(("0.0.0.0", 8000), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
CONFIGURATION = """\
python = "3.11"
name = "fleet"
sources = ["app.py"]
command = ["python", "app.py"]
ports = [8000]
health = "http://:8000/"
trim = "traced"
strip = true

[check]
command = ["python", "-c", "pass"]

[variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""
NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
"""No server but this machine's can be reached."""


@dataclass(frozen=True)
class Fleet:
    folder: Path
    meter: Meter
    root: Path
    first: Any
    """What the first machine's build said."""

    def ref(self, name: str) -> str:
        return f"127.0.0.1:{self.meter.port}/team/{name}"

    def cold(self, name: str) -> Lightship:
        """Go to a machine that has nothing, and reaches nothing but the registry."""
        return Lightship(self.root / name).using(**NOWHERE)


@pytest.fixture(scope="module")
def fleet(
    new_lightship: Callable[[], Lightship], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    root = tmp_path_factory.mktemp("fleet")
    folder = root / "project"
    folder.mkdir()
    (folder / "app.py").write_text(APPLICATION)
    (folder / "requirements.txt").write_text("pyyaml==6.0.3\n")
    (folder / "lightship.toml").write_text(CONFIGURATION)
    lightship = new_lightship()
    lightship.ask("build", "--record", cwd=folder)
    lightship.ask("lock", "--layers", cwd=folder)
    with metered_registry() as meter:
        fleet = Fleet(folder, meter, root, None)
        to = ("--push", fleet.ref("first:1"), "--cache-to", fleet.ref("cache"))
        yield Fleet(folder, meter, root, lightship.ask("build", "--locked", *to, cwd=folder))


def test_a_machine_that_has_nothing_pushes_the_same_image_for_some_kilobytes(fleet: Fleet) -> None:
    moved = fleet.meter.moved
    lightship = fleet.cold("second")
    options = ("--locked", "--push", fleet.ref("second:1"), "--cache-from", fleet.ref("cache"))
    built = lightship.ask("build", *options, cwd=fleet.folder)
    assert built["digest"] == fleet.first["digest"]
    assert {layer["cache"] for layer in built["layers"]} == {fleet.ref("cache")}
    assert built["pushed"]["mounted"] == fleet.first["compressed"] > 10_000_000
    assert fleet.meter.moved - moved < 100_000
    assert built["trimmed"] == fleet.first["trimmed"] > 0
    # Nobody had to start it, or to load its stripped libraries, once more:
    assert not (lightship.home.cache / "roots").exists()
    assert not lightship.home.archives.exists()


def test_its_layers_come_when_they_are_wanted(fleet: Fleet, tmp_path: Path) -> None:
    lightship = fleet.cold("third")
    lightship.ask("build", "--locked", "--cache-from", fleet.ref("cache"), cwd=fleet.folder)
    moved = fleet.meter.received
    done = lightship.run(
        "run", ".", "--", "python", "-c", "import yaml; print(yaml.__version__)", cwd=fleet.folder
    )
    assert (done.code, done.out) == (0, "6.0.3\n"), done.err
    assert fleet.meter.received - moved > 10_000_000
    validate(lightship.image("fleet:none"))
    lightship.ask(
        "build",
        "--locked",
        "--output",
        f"oci:{tmp_path}/out",
        "--cache-from",
        fleet.ref("cache"),
        cwd=fleet.folder,
    )
    assert layout_problems(Layout(tmp_path / "out")) == []


def test_the_registrys_garbage_collection_keeps_what_entries_name(fleet: Fleet) -> None:
    for path in (fleet.meter.folder / "data").rglob("repositories/team/*"):
        if path.name != "cache":
            shutil.rmtree(path)
    command = ["/usr/bin/docker-registry", "garbage-collect", str(fleet.meter.folder / "config.yml")]
    subprocess.run(command, check=True, capture_output=True)
    built = fleet.cold("fourth").ask(
        "build", "--locked", "--cache-from", fleet.ref("cache"), cwd=fleet.folder
    )
    assert built["digest"] == fleet.first["digest"]
    assert {layer["cache"] for layer in built["layers"]} == {fleet.ref("cache")}
