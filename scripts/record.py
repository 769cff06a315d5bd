"""Run the README's commands on the example service and draw what they print to docs/demo.svg.

Run it with `.venv/bin/python scripts/record.py` after `make demo`, whose images and caches it uses.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
HOME, PROJECT = ROOT / ".demo" / "home", ROOT / ".demo" / "pharmabot"
WIDTH = 104
COMMANDS = ("build --variant none", "images", "verify --variant none --start")
FONT_FACES = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""rich's drawings ask a server for their font; a picture in a README must not."""


def main() -> None:
    shutil.rmtree(HOME / "data", ignore_errors=True)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    subprocess.run(
        [sys.executable, "-m", "lightship", "build", "-q"], cwd=PROJECT, env=environment(), check=True
    )
    for command in COMMANDS:
        console.print(Text.assemble(("$ ", "green"), (f"lightship {command}", "bold")))
        console.print(Text.from_ansi(output_of(command)))
        console.print()
    drawing = FONT_FACES.sub("", console.export_svg(title="lightship"))
    (ROOT / "docs" / "demo.svg").write_text(drawing)


def output_of(command: str) -> str:
    """Run a command whose output is a terminal, and whose progress is not: as lines, ahead of it."""
    reading, writing = pty.openpty()
    with os.fdopen(reading, "rb", buffering=0) as stream:
        done = subprocess.run(
            [sys.executable, "-m", "lightship", *command.split()],
            cwd=PROJECT,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writing)
        return done.stderr.decode() + read_all(stream.fileno()).replace("\r\n", "\n").rstrip()


def read_all(descriptor: int) -> str:
    """Read a terminal to its end, which Linux reports as an error."""
    data = b""
    try:
        while chunk := os.read(descriptor, 65536):
            data += chunk
    except OSError:
        pass
    return data.decode()


def environment() -> dict[str, str]:
    return {**os.environ, "LIGHTSHIP_HOME": str(HOME), "TERM": "xterm-256color"}


if __name__ == "__main__":
    main()
