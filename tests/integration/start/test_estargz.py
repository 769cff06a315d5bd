"""An eStargz image of a real service: stargz-snapshotter's tool finds its table, others unpack it as any."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.validate import layout_problems
from scripts.dockerd import unmount_below
from tests.integration.build.calling import Lightship
from tests.integration.start.test_start import APPLICATION, CHECK, CONFIGURATION, REQUIREMENTS, SITE
from tests.support.estargz import PREFETCH, check
from tests.support.programs import Run, caller
from tests.support.tools import missing_tools

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]
NAME = "opener:none"
START_TIMEOUT = 30.0
TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"


def image(layout: Layout) -> LayoutImage:
    return layout.image(layout.names()[NAME])


@pytest.fixture(scope="module")
def layout(new_lightship: Callable[[], Lightship], tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Build once: without a record, so that what the start opens is recorded on the way."""
    folder = tmp_path_factory.mktemp("opener")
    files = {
        "requirements.txt": REQUIREMENTS,
        "app.py": APPLICATION,
        "check.py": CHECK,
        "lightship.toml": CONFIGURATION.format(more=""),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    path = folder / "layout"
    new_lightship().build(folder, "--format", "estargz", "-o", f"oci:{path}")
    return Layout(path)


def test_every_layer_is_estargz_with_what_the_start_opened_in_front(layout: Layout) -> None:
    assert layout_problems(layout) == []
    front: list[str] = []
    for layer in image(layout).layers:
        lazy = check(b"".join(layer.chunks()))
        names = [entry["name"] for entry in lazy.entries if entry["type"] == "reg"]
        front += names[: names.index(PREFETCH)] if PREFETCH in names else []
    machine = os.uname().machine
    for path in (
        "usr/bin/python3.11",
        "usr/lib/python3.11/http/__pycache__/server.cpython-311.pyc",
        f"{SITE}/yaml/__pycache__/__init__.cpython-311.pyc",
        f"{SITE}/yaml/_yaml.cpython-311-{machine}-linux-gnu.so",
        f"{SITE}/idna/__pycache__/core.cpython-311.pyc",
        "app/__pycache__/app.cpython-311.pyc",
    ):
        assert path in front
    assert not any(path.startswith((f"{SITE}/markdown_it/", f"{SITE}/yaml/__init__.py")) for path in front)


@pytest.mark.requires_tool("umoci")
def test_umoci_unpacks_it_like_any_image(layout: Layout, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    caller("umoci")("unpack", "--rootless", "--image", f"{layout.path}:{NAME}", str(bundle))
    assert (bundle / "rootfs/app/app.py").read_text() == APPLICATION


@pytest.fixture(scope="module")
def ctr() -> Iterator[Run]:
    """`ctr-remote`, beside a containerd of its own."""
    if missing := missing_tools(["containerd", "ctr-remote"]):
        pytest.skip(f"not on this machine: {missing}")
    if os.geteuid() != 0:
        pytest.skip("containerd needs root")
    folder = Path(tempfile.mkdtemp(prefix="containerd-"))
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{folder}/socket"\n'
    )
    # If the tests are killed, the kernel stops it.
    command = ["setpriv", "--pdeathsig", "TERM", "--", "containerd", "--config", f"{folder}/config.toml"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as daemon:
        try:
            run = caller("ctr-remote", "--address", f"{folder}/socket")
            until_it_answers(run)
            yield run
        finally:
            daemon.terminate()
    unmount_below(folder)
    shutil.rmtree(folder)


def until_it_answers(run: Run) -> None:
    end = time.monotonic() + START_TIMEOUT
    while True:
        try:
            run("version")
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.mark.requires_tool("skopeo")
def test_the_snapshotters_tool_reads_every_table_and_containerd_mounts_the_image(
    layout: Layout, ctr: Run, tmp_path: Path
) -> None:
    archive, mounted = tmp_path / "image.tar", tmp_path / "mounted"
    caller("skopeo")("copy", f"oci:{layout.path}:{NAME}", f"oci-archive:{archive}:none")
    ctr("images", "import", "--base-name", "example.com/opener", str(archive))
    for layer in image(layout).layers:
        digest = ctr("images", "get-toc-digest", layer.descriptor.digest).strip()
        assert digest == layer.descriptor.annotations[TOC_DIGEST]
        toc = json.loads(ctr("images", "get-toc-digest", "--dump-toc", layer.descriptor.digest))
        assert len(toc["entries"]) == len(check(b"".join(layer.chunks())).entries)
    mounted.mkdir()
    ctr("images", "mount", "example.com/opener:none", str(mounted))
    try:
        assert (mounted / "app/app.py").read_text() == APPLICATION
    finally:
        ctr("images", "unmount", str(mounted))
