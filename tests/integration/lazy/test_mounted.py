"""containerd with stargz-snapshotter mounts an image from a registry, starts it, and fetches what is read."""

from __future__ import annotations

import functools
import hashlib
import io
import re
import shlex
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from scripts.ports import free_port
from tests.integration.lazy.conftest import Pushed
from tests.support.containerd import STARGZ, container, private_containerd
from tests.support.estargz import NO_PREFETCH, PREFETCH, TOC
from tests.support.programs import Run

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap")]
START_TIMEOUT = 60.0
_ANSWER = re.compile(r'"GET /v2/opener/blobs/(?P<blob>sha256:\w+) HTTP/1.1" (?P<status>\d+) (?P<size>\d+)')
Sent = dict[str, list[tuple[int, int]]]
"""Statuses and sizes of answers, by blob."""


def sent(pushed: Pushed, begin: int = 0) -> Sent:
    """Say what the registry sent of each blob, from a line of its log on."""
    found: Sent = {}
    for line in pushed.registry.log.read_text().splitlines()[begin:]:
        if answer := _ANSWER.search(line):
            found.setdefault(answer["blob"], []).append((int(answer["status"]), int(answer["size"])))
    return found


def so_far(pushed: Pushed) -> int:
    return len(pushed.registry.log.read_text().splitlines())


def total(sizes: Sent) -> int:
    return sum(size for answers in sizes.values() for _, size in answers)


@pytest.fixture(scope="module")
def pulled(pushed: Pushed, ctr: Run) -> Sent:
    """Pull the image lazily; gives what was sent for that."""
    begin = so_far(pushed)
    ctr("images", "rpull", "--plain-http", pushed.reference)
    return sent(pushed, begin)


@contextmanager
def started(ctr: Run, pushed: Pushed, log: Path) -> Iterator[Callable[[str], bytes]]:
    """Start the service, and give a way to ask it."""
    port = free_port()

    def ask(path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=START_TIMEOUT) as answer:
            content: bytes = answer.read()
            return content

    with container(ctr, pushed.reference, "--env", f"PORT={port}", log=log):
        end = time.monotonic() + START_TIMEOUT
        while True:
            try:
                ask("/")
            except OSError:
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            else:
                break
        yield ask


def test_nothing_is_fetched_whole_before_the_service_starts(pushed: Pushed, pulled: Sent) -> None:
    layers = {layer.descriptor.digest: layer.descriptor.size for layer in pushed.image.layers}
    assert layers.keys() <= pulled.keys()
    fetched = {layer: total({layer: pulled[layer]}) for layer in layers}
    assert {status for layer in layers for status, _ in pulled[layer]} == {206}
    base = max(layers, key=layers.__getitem__)
    assert fetched[base] < 0.6 * layers[base]
    assert sum(fetched.values()) < 0.6 * sum(layers.values())


def test_the_service_starts_on_what_lies_in_front_of_the_layers(
    pushed: Pushed, pulled: Sent, ctr: Run, tmp_path: Path
) -> None:
    begin = so_far(pushed)
    with started(ctr, pushed, tmp_path / "log") as ask:
        on_demand = total(sent(pushed, begin))
        assert ask("/idna") == b"xn--knigsgchen-b4a3dun"
    assert on_demand < 0.02 * total(pulled)


@pytest.mark.usefixtures("pulled")
def test_every_file_is_what_the_layers_have(pushed: Pushed, ctr: Run, tmp_path: Path) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    view = ("snapshots", "--snapshotter", STARGZ, "view", "--target", str(place), "seen")
    subprocess.run(shlex.split(ctr(*view, chain_id(pushed))), check=True)
    try:
        found = dict(tree(place))
    finally:
        subprocess.run(["/bin/umount", place], check=True)
    assert found == expected(pushed)


def chain_id(pushed: Pushed) -> str:
    """Name the snapshot of all layers (image-spec, config.md)."""
    lowest, *above = pushed.image.config.rootfs.diff_ids
    return functools.reduce(lambda chain, layer: of_bytes(f"{chain} {layer}".encode()), above, lowest)


def test_nothing_stays_when_it_is_over(daemon: Path, pushed: Pushed, tmp_path: Path) -> None:
    before = stargz_mounts()
    with private_containerd(daemon, "-plain-http", pushed.registry.host) as ctr:
        ctr("images", "rpull", "--plain-http", pushed.reference)
        with started(ctr, pushed, tmp_path / "log"):
            mounts = stargz_mounts() - before
            assert len(mounts) == len(pushed.image.layers)
        (folder,) = {mount.partition("/lazy/")[0] for mount in mounts}
    assert folder not in Path("/proc/mounts").read_text()
    assert not Path(folder).exists()
    assert not [process for process in Path("/proc").glob("[0-9]*/cmdline") if folder in command(process)]


def stargz_mounts() -> set[str]:
    lines = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return {words[1] for words in lines if words[0] == STARGZ}


def command(process: Path) -> str:
    try:
        return process.read_text()
    except OSError:  # it has ended
        return ""


Known = tuple[str, int, int, int, str]
"""A path's kind, mode, owner, group, and its content's digest or its target."""


def tree(root: Path) -> Iterator[tuple[str, Known]]:
    """Read all that is below a folder."""
    for path in root.rglob("*"):
        stat = path.lstat()
        if path.is_symlink():
            kind, said = "link", str(path.readlink())
        elif path.is_dir():
            kind, said = "folder", ""
        else:
            kind, said = "file", hashlib.sha256(path.read_bytes()).hexdigest()
        yield path.relative_to(root).as_posix(), (kind, stat.st_mode & 0o7777, stat.st_uid, stat.st_gid, said)


def expected(pushed: Pushed) -> dict[str, Known]:
    """Say what all layers come to, as a reader of tar archives sees them."""
    found: dict[str, Known] = {}
    for layer in pushed.image.layers:
        blob = io.BytesIO(b"".join(layer.chunks()))
        with tarfile.open(fileobj=blob, mode="r:gz", encoding="utf-8") as archive:
            for member in archive:
                if member.islnk():
                    found[member.name] = found[member.linkname]
                elif member.name not in (TOC, PREFETCH, NO_PREFETCH):
                    found[member.name] = known(archive, member)
    return found


def known(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Known:
    if member.issym():
        return ("link", 0o777, member.uid, member.gid, member.linkname)
    if member.isdir():
        return ("folder", member.mode, member.uid, member.gid, "")
    stream = archive.extractfile(member)
    assert stream is not None
    return ("file", member.mode, member.uid, member.gid, hashlib.sha256(stream.read()).hexdigest())
