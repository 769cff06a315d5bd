"""A push that is killed, and one after it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from lightship.build.home import Home
from lightship.fs.entries import regular
from lightship.oci.layout import LayoutImage
from tests.support.images import add_image, add_layer
from tests.support.registry import Registry


def call(root: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Call the command line, in a process of its own, with a home of its own."""
    environ = {"LIGHTSHIP_HOME": str(root), "HOME": str(root), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-m", "lightship", *arguments], env=environ, stdout=subprocess.PIPE
    )


def layered_image(root: Path) -> LayoutImage:
    store = Home(root / "data", root / "cache").images
    store.create()
    chance = random.Random(0)  # noqa: S311 - no secret
    layers = [
        add_layer(store, [regular(f"file-{size}", chance.randbytes(size))])
        for size in (3_000_000, 10_000, 20_000)
    ]
    return add_image(store, layers, name="app:1")


def test_a_killed_push_is_completed_by_the_next_which_sends_only_what_is_missing(
    tmp_path: Path, registry: Registry
) -> None:
    image = layered_image(tmp_path)
    name = f"{registry.host}/app:1"
    small = [image.manifest.config, *image.manifest.layers[1:]]
    reached, ended = threading.Event(), threading.Event()

    def hold(method: str, _: str) -> None:
        if method == "PATCH":
            reached.set()
            ended.wait(20)

    def all_small_are_there() -> bool:
        return {blob.digest for blob in small} <= registry.content("app").blobs

    registry.faults = hold
    with call(tmp_path, "push", "app:1", name) as killed:
        assert reached.wait(20)
        while not all_small_are_there():
            assert killed.poll() is None
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
    ended.set()
    assert registry.content("app").manifests == {}

    registry.faults = lambda *_: None
    registry.asked.clear()
    with call(tmp_path, "push", "app:1", name, "--json") as again:
        assert again.stdout is not None
        pushed = json.loads(again.stdout.read())
    assert pushed["sent"] == image.manifest.layers[0].size
    assert pushed["there"] == sum(blob.size for blob in small)
    assert registry.received() == pushed["sent"] + image.descriptor.size
    assert registry.content("app").tags == {"1": image.descriptor.digest}
