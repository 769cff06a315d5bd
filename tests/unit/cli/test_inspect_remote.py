from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightship.build.home import find_home
from tests.support.images import add_image, add_layer
from tests.support.installed import dist
from tests.support.registry import Registry
from tests.unit.cli.conftest import Lightship


def test_an_image_of_a_registry_is_inspected_and_its_layers_fetched_once(
    lightship: Lightship, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = find_home({"LIGHTSHIP_HOME": str(tmp_path / "home")}, tmp_path).images
    layout.create()
    image = add_image(layout, [add_layer(layout, dist("torch", {"torch.py": b"x" * 5000}))], name="torch:1")
    name = f"{registry.host}/team/torch:1"
    assert lightship("push", "torch:1", name).code == 0
    monkeypatch.setenv("LIGHTSHIP_HOME", str(tmp_path / "other"))
    found = json.loads(lightship("inspect", name, "--json").out)
    assert found["name"] == name
    assert [part["id"] for part in found["parts"]] == ["python:torch"]
    (layer,) = image.manifest.layers
    assert len(registry.calls("GET", layer.digest)) == 1
    assert json.loads(lightship("diff", name, name, "--json").out)["first"] is None
    assert len(registry.calls("GET", layer.digest)) == 1
