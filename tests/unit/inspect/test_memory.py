from __future__ import annotations

import os
import subprocess
import sys

from lightship.inspect.memory import memory_of

SPEND = "import sys; data = b'x' * 30_000_000; print('ready', flush=True); sys.stdin.read()"
START = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPEND!r}])"


def test_what_a_child_holds_counts() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        size = memory_of(parent.pid)
        parent.communicate(b"")
    assert size is not None
    assert 30_000_000 < size < 100_000_000


def test_a_process_that_has_ended_holds_nothing_that_could_be_read() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert memory_of(process.pid) is None
    assert memory_of(os.getpid())
