"""Programs that tests call."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]


def caller(*program: str, env: dict[str, str] | None = None) -> Run:
    """Make a function that runs a program, shows what it said if it fails, and returns what it printed."""

    def call(*arguments: str, stdin: Path = Path(os.devnull)) -> str:
        with stdin.open("rb") as source:
            done = subprocess.run(
                [*program, *arguments], stdin=source, env=env, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    return call
