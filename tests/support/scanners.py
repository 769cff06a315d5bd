"""Fakes of vulnerability scanners: none can be had where these tests run.

Each is a program that keeps what it was given, and answers as the real one's sources say it does.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).parents[1] / "unit/inspect/scanners/answers"
_PROGRAM = """\
#!{python} -SE
import json, os, pathlib, sys, time
folder = pathlib.Path({folder!r})
given = {{path.name: path.read_text() for path in pathlib.Path().iterdir()}}
record = {{"arguments": sys.argv[1:], "files": given, "environ": dict(os.environ)}}
(folder / "given.json").write_text(json.dumps(record))
time.sleep({seconds})
sys.stderr.write({said!r})
sys.stdout.write((folder / "answer").read_text())
sys.exit({code})
"""


@dataclass(frozen=True)
class FakeScanner:
    """A program in a folder of its own, to be put in `PATH`."""

    name: str
    folder: Path

    def given(self) -> dict[str, Any]:
        """Say with which arguments, files and variables it was called last."""
        record: dict[str, Any] = json.loads((self.folder / "given.json").read_text())
        return record

    @property
    def was_called(self) -> bool:
        return (self.folder / "given.json").exists()


def fake_scanner(
    name: str, folder: Path, answer: str | None = None, *, code: int = 0, said: str = "", seconds: float = 0
) -> FakeScanner:
    """Make a program that answers what the scanner of that name would, or something else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer").write_text((ANSWERS / f"{name}.json").read_text() if answer is None else answer)
    program = folder / name
    program.write_text(
        _PROGRAM.format(python=sys.executable, folder=str(folder), code=code, said=said, seconds=seconds)
    )
    program.chmod(0o755)
    return FakeScanner(name, folder)
