"""Whatever goes wrong in a registry, a run ends in the right image, or in an error that says what it was."""

from __future__ import annotations

import os
import random
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import IntegrityError, NetworkError
from lightship.events import SilentReporter
from lightship.fs.entries import directory, regular
from lightship.net.settings import HttpSettings
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.validate import layout_problems
from lightship.platform import Platform
from lightship.registry.client import connected
from lightship.registry.credentials import Credential
from lightship.registry.pull import pull_image
from lightship.registry.push import push_image
from lightship.registry.remote import open_remote
from lightship.registry.wire import Wire
from tests.support.images import add_image, add_layer
from tests.support.places import Places
from tests.support.registry import Registry, serving
from tests.support.registry_faults import Random, no_faults

RUNS = int(os.environ.get("LIGHTSHIP_FAULT_RUNS", "100"))
BATCHES = 4
ME = Credential("me", "hunter2", origin="the test")


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_run_ends_in_the_right_image_or_a_clear_error(tmp_path: Path, batch: int) -> None:
    image = varied_image(Layout(tmp_path / "layout"))
    seeds = range(batch, RUNS, BATCHES)
    met = sum(run(seed, image, tmp_path / f"store-{seed}") for seed in seeds)
    assert met > len(seeds)


def run(seed: int, image: LayoutImage, folder: Path) -> int:
    """Push, and pull, while things go wrong; tell how many did."""
    chance = random.Random(seed).choice([0.02, 0.1, 0.3, 0.6])  # noqa: S311 - no secret
    behaviour: dict[str, Any] = {
        "auth": ["", "basic", "token"][seed % 3],
        "resumes": seed % 2 == 0,
        "redirects": seed % 5 == 0,
        "users": {"me": "hunter2"},
        "writers": {"me"},
    }
    with serving(**behaviour) as registry, connection(seed) as wire:
        registry.faults = while_pushing = Random(seed, chance)
        pushed = push(wire, registry, image)
        registry.faults = no_faults
        assert pushed or push(wire, registry, image)  # what is left behind does not stand in the way
        check_registry(registry, image)
        registry.faults = while_pulling = Random(seed + 1_000_000, chance)
        pulled = pull(wire, registry, folder)
        registry.faults = no_faults
        assert pulled or pull(wire, registry, folder)
        check_store(Layout(folder), image)
        return len(while_pushing.met) + len(while_pulling.met)


def connection(seed: int) -> AbstractContextManager[Wire]:
    chance = random.Random(seed)  # noqa: S311 - no secret

    return connected(
        HttpSettings(timeout=5.0, attempts=chance.randint(1, 4)),
        lambda _: ME,
        sleep=lambda _: None,
        jitter=chance.random,
        now=lambda: 1000.0,
    )


def push(wire: Wire, registry: Registry, image: LayoutImage) -> bool:
    places = Places({image.manifest.layers[0].digest: ["team/base"]})
    try:
        push_image(
            wire,
            image.layout,
            image.descriptor,
            registry.repository("team/app"),
            "1",
            places=places,
            reporter=SilentReporter(),
        )
    except (NetworkError, IntegrityError) as error:
        check_error(error)
        return False
    return True


def pull(wire: Wire, registry: Registry, folder: Path) -> bool:
    store = Layout(folder)
    store.create()
    try:
        image = open_remote(wire, registry.repository("team/app"), "1", store, platform=Platform("amd64"))
        store.tag("app:1", pull_image(image, store, SilentReporter()).descriptor)
    except (NetworkError, IntegrityError) as error:
        assert store.names() == {}
        check_error(error)
        return False
    return True


def check_error(error: NetworkError | IntegrityError) -> None:
    assert error.exit_code in (4, 6)
    assert error.message
    assert error.where
    assert error.hint
    assert "hunter2" not in repr(vars(error))
    assert "token-" not in repr(vars(error))


def check_registry(registry: Registry, image: LayoutImage) -> None:
    content = registry.content("team/app")
    assert content.tags == {"1": image.descriptor.digest}
    assert content.manifests[image.descriptor.digest][1] == image.layout.read(image.descriptor)
    for blob in (image.manifest.config, *image.manifest.layers):
        assert blob.digest in content.blobs
        assert registry.blobs[blob.digest] == image.layout.read(blob)


def check_store(store: Layout, image: LayoutImage) -> None:
    assert store.names()["app:1"].digest == image.descriptor.digest
    assert layout_problems(store) == []
    assert list(store.blobs.glob(".tmp-*")) == []


def varied_image(layout: Layout) -> LayoutImage:
    """Make layers of several sizes: some that go in one request, one that goes in a session."""
    layout.create()
    chance = random.Random(0)  # noqa: S311 - no secret
    sizes = (100, 40_000, 1_200_000)
    layers = [
        add_layer(layout, [directory(f"d{size}"), regular(f"d{size}/f", chance.randbytes(size))])
        for size in sizes
    ]
    return add_image(layout, layers, name="app:1")
