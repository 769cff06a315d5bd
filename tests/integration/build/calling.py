"""Lightship as people call it: its command line, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lightship.build.home import Home
from lightship.oci.layout import LayoutImage

ROOT = Path(__file__).parents[3]
HERE = (sys.executable, "-m", "lightship")
TIMEOUT = 300.0
FETCHED = ("archives", "elves", "indexes", "savings")
"""Folders of a cache with what was fetched, and what was found in it; all of it is named by digests."""


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Lightship:
    """Lightship with a home, a way to start it, and variables on top of the tests' own environment."""

    root: Path
    program: tuple[str, ...] = HERE
    environ: Mapping[str, str] = field(default_factory=dict)
    umask: int = -1

    @property
    def home(self) -> Home:
        return Home(self.root / "data", self.root / "cache")

    def using(self, **environ: str) -> Lightship:
        return replace(self, environ={**self.environ, **environ})

    def variables(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTSHIP_")}
        inherited.pop("SOURCE_DATE_EPOCH", None)
        return {**inherited, "LIGHTSHIP_HOME": str(self.root), **self.environ}

    def start(self, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.program, *arguments],
            cwd=cwd,
            env=self.variables(),
            umask=self.umask,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, cwd: Path) -> Outcome:
        process = self.start(*arguments, cwd=cwd)
        out, err = process.communicate(timeout=TIMEOUT)
        return Outcome(process.returncode, out, err)

    def ask(self, *arguments: str, cwd: Path) -> Any:
        """Run a command that must succeed, and read its JSON."""
        done = self.run(*arguments, "--json", "--quiet", cwd=cwd)
        assert done.code == 0, f"{arguments}: {done.out}{done.err}"
        return json.loads(done.out)

    def build(self, folder: Path, *options: str) -> str:
        """Build a project; gives the digest of the image's manifest."""
        return str(self.ask("build", *options, cwd=folder)["digest"])

    def lock(self, folder: Path, *options: str) -> None:
        self.ask("lock", *options, cwd=folder)

    def fails(self, code: int, *arguments: str, cwd: Path) -> str:
        """Run a command that must fail and say what, where, and what to do; gives that text."""
        done = self.run(*arguments, cwd=cwd)
        assert done.code == code, f"exit code {done.code}, not {code}: {done.err}"
        assert "Traceback" not in done.err
        assert "  at:  " in done.err
        assert "  try: " in done.err
        return done.err

    def image(self, name: str) -> LayoutImage:
        layout = self.home.images
        return layout.image(layout.names()[name])

    def warm(self, root: Path, *, layers: bool = False) -> Lightship:
        """A new home at `root` with what this one fetched, and its layers if asked for; no images."""
        kinds = tuple(f"cache/{kind}" for kind in FETCHED)
        unfinished = shutil.ignore_patterns(".tmp-*", "tmp*")  # of other processes
        for kind in (*kinds, "cache/layers", "data/images/blobs") if layers else kinds:
            shutil.copytree(self.root / kind, root / kind, copy_function=os.link, ignore=unfinished)
        return replace(self, root=root)


def sharing(root: Path, folder: Path) -> Lightship:
    """A new home at `root` that has nothing of its own yet; what is fetched and unpacked lies in `folder`."""
    made = Lightship(root)
    made.home.cache.mkdir(parents=True)
    for kind in (*FETCHED, "roots"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (made.home.cache / kind).symlink_to(folder / kind)
    return made
