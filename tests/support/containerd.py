"""containerd with stargz-snapshotter, in folders of its own, for as long as a block runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from scripts.dockerd import unmount_below
from tests.support.programs import Run, caller

START_TIMEOUT = 30.0
STARGZ = "stargz"


@contextmanager
def private_containerd(snapshotter: Path | None = None, *options: str) -> Iterator[Run]:
    """Give `ctr-remote` for a containerd that goes with all that it stored; needs root.

    With a `snapshotter`, the program of scripts/snapshotter.py, that runs with these `options`, and
    containerd knows it as `stargz`.

    Raises:
        RuntimeError: if one of them does not start, with the end of its log.

    """
    folder = Path(tempfile.mkdtemp(prefix="containerd-"))  # sockets need a short path
    lazy, socket = folder / "stargz.sock", folder / "socket"
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{socket}"\n'
        f'[proxy_plugins.{STARGZ}]\ntype = "snapshot"\naddress = "{lazy}"\n'
    )
    try:
        with ExitStack() as stack:
            if snapshotter is not None:
                words = (str(snapshotter), "-root", f"{folder}/lazy", "-address", str(lazy), *options)
                stack.enter_context(_daemon(words, lazy, folder / "stargz.log"))
            words = ("containerd", "--config", f"{folder}/config.toml")
            stack.enter_context(_daemon(words, socket, folder / "log"))
            run = caller("ctr-remote", "--address", str(socket))
            _until_it_answers(run)
            yield run
    finally:
        unmount_below(folder)
        shutil.rmtree(folder)


@contextmanager
def container(run: Run, image: str, *options: str, log: Path) -> Iterator[None]:
    """Run an image that was pulled lazily, on the host's network; what it writes goes to a file."""
    name = f"lazy-{uuid4().hex}"  # runc's folder is the machine's, and may know what was killed once
    host = ("--snapshotter", STARGZ, "--net-host", "--log-uri", log.as_uri())
    run("run", "--detach", *host, *options, image, name)
    try:
        yield
    finally:
        run("tasks", "delete", "--force", name)
        run("containers", "delete", name)


@contextmanager
def _daemon(command: Sequence[str], socket: Path, log: Path) -> Iterator[None]:
    # If whoever started it is killed, the kernel stops it.
    words = ["setpriv", "--pdeathsig", "TERM", "--", *command]
    with log.open("wb") as output, subprocess.Popen(words, stdout=output, stderr=output) as daemon:
        try:
            end = time.monotonic() + START_TIMEOUT
            while not socket.exists():
                if daemon.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-4000:]}")
                time.sleep(0.02)
            yield
        finally:
            daemon.terminate()


def _until_it_answers(run: Run) -> None:
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
