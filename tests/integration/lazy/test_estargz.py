"""An eStargz image of a real service: stargz-snapshotter's tool finds its table, others unpack it as any."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lightship.oci.validate import layout_problems
from tests.integration.lazy.conftest import NAME, Pushed
from tests.integration.start.test_start import APPLICATION, SITE
from tests.support.estargz import PREFETCH, check
from tests.support.programs import Run, caller

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]
TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"


def test_every_layer_is_estargz_with_what_the_start_opened_in_front(pushed: Pushed) -> None:
    assert layout_problems(pushed.layout) == []
    front: list[str] = []
    for layer in pushed.image.layers:
        lazy = check(b"".join(layer.chunks()))
        names = [entry["name"] for entry in lazy.entries if entry["type"] == "reg"]
        front += names[: names.index(PREFETCH)] if PREFETCH in names else []
    machine = os.uname().machine
    for path in (
        "usr/bin/python3.11",
        f"usr/lib/{machine}-linux-gnu/libc.so.6",
        "usr/lib/python3.11/http/__pycache__/server.cpython-311.pyc",
        f"{SITE}/yaml/__pycache__/__init__.cpython-311.pyc",
        f"{SITE}/yaml/_yaml.cpython-311-{machine}-linux-gnu.so",
        f"{SITE}/idna/__pycache__/core.cpython-311.pyc",
        "app/__pycache__/app.cpython-311.pyc",
    ):
        assert path in front
    assert not any(path.startswith((f"{SITE}/markdown_it/", f"{SITE}/yaml/__init__.py")) for path in front)


@pytest.mark.requires_tool("umoci")
def test_umoci_unpacks_it_like_any_image(pushed: Pushed, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    caller("umoci")("unpack", "--rootless", "--image", f"{pushed.layout.path}:{NAME}", str(bundle))
    assert (bundle / "rootfs/app/app.py").read_text() == APPLICATION


@pytest.mark.requires_tool("skopeo")
def test_the_snapshotters_tool_reads_every_table_and_containerd_mounts_the_image(
    pushed: Pushed, ctr: Run, tmp_path: Path
) -> None:
    archive, mounted = tmp_path / "image.tar", tmp_path / "mounted"
    caller("skopeo")("copy", f"oci:{pushed.layout.path}:{NAME}", f"oci-archive:{archive}:none")
    ctr("images", "import", "--base-name", "example.com/opener", str(archive))
    for layer in pushed.image.layers:
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
