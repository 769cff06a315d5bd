"""The golden layout: a small image whose bytes must never change unnoticed.

When they are meant to change (a new rule for layers, another version of a compressor), make it anew with

    python -m tests.golden.regenerate

from the root of the repository, and say in the commit why: every image that was ever built changes with it.

The inputs (wheels, a Debian package, a project) are checked in too, and made anew only with `--inputs`: the
streams in wheels come from zlib, which does not write the same bytes everywhere.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lightship.build.home import Home
from lightship.build.output import write_output
from lightship.build.pipeline import Builder
from lightship.debs.model import LockedDeb
from lightship.digest import Digest, hex_of, of_file
from lightship.events import SilentReporter
from lightship.plan.planner import Files, Selection, make_plan
from lightship.platform import Platform
from lightship.project.config import Config
from lightship.project.ignore import read_ignore
from lightship.project.sources import scan
from lightship.wheels.model import LockedWheel
from tests.support.wheels import Packed, filename, wheel_bytes
from tests.unit.debs.forge import folder, item, link, write_deb

HERE = Path(__file__).parent
INPUTS, LAYOUT = HERE / "inputs", HERE / "layout"
CONFIG = Config(
    name="golden",
    sources=("app",),
    models=("models",),
    command=("golden", "--serve"),
    ports=(8000,),
    env={"WORKERS": "2"},
    health="http://:8000/health",
    labels={"org.example.team": "tests"},
    budget="1MB",
)
WHEELS = ("golden", "other")
TABLE = b"one line of a table that is long enough to be transplanted\n" * 1500


def build(work: Path) -> Path:
    """Build the golden image in `work`, an empty folder; gives the layout that it is written to."""
    paths: dict[str, Path] = {}
    wheels = tuple(_wheel(INPUTS / filename(name, "1.0"), name, paths) for name in WHEELS)
    deb = INPUTS / "base-files.deb"
    digest = _known(deb, paths)
    debs = (LockedDeb("base-files", "1", "all", "pool/base-files.deb", deb.stat().st_size, digest),)
    project = INPUTS / "project"
    ignore = read_ignore(project)
    files = Files(scan(project, CONFIG.sources, ignore), scan(project, CONFIG.models, ignore))
    lock = Digest("sha256:" + "a" * 64)
    plan = make_plan(
        CONFIG, "cpu", Platform("amd64"), Selection(lock, "bookworm", "3.11", debs, wheels), files, "1.2"
    )

    def fetch(_wheels: tuple[LockedWheel, ...], _debs: tuple[LockedDeb, ...]) -> Mapping[str, Path]:
        return paths

    home = Home(work / "data", work / "cache")
    built = Builder(home, fetch, SilentReporter(), created="1980-01-01T00:00:00Z").build(plan, project)
    image = home.images.image(built.descriptor)
    layout = write_output(image, "golden:cpu", f"oci:{work / 'layout'}", SilentReporter())
    (layout / "index.json.lock").unlink()
    return layout


def _wheel(path: Path, name: str, paths: dict[str, Path]) -> LockedWheel:
    url = f"https://example.org/{path.name}"
    return LockedWheel(name, "1.0", path.name, url, _known(path, paths), path.stat().st_size)


def _known(path: Path, paths: dict[str, Path]) -> str:
    digest = hex_of(of_file(path))
    paths[digest] = path
    return digest


def make_inputs() -> None:
    shutil.rmtree(INPUTS, ignore_errors=True)
    INPUTS.mkdir()
    golden: dict[str, bytes | Packed] = {
        "golden/__init__.py": b"def main() -> None: ...\n",
        "golden/table.txt": TABLE,
        "golden/stored.txt": Packed(TABLE[:70_000], stored=True),
        "golden-1.0.data/scripts/helper": Packed(b"#!python\nprint()\n", 0o100755),
        "golden-1.0.data/data/share/golden/naïve.txt": b"not ASCII\n",
    }
    other: dict[str, bytes | Packed] = {
        "other.py": b"x = 1\n",
        f"{'d' * 90}/{'e' * 90}/{'f' * 90}.py": b"",
        "tool": Packed(b"", 0o100755),
    }
    points = "[console_scripts]\ngolden = golden:main\n"
    for name, files in zip(WHEELS, (golden, other), strict=True):
        data = wheel_bytes(name, "1.0", files, entry_points=points if name == "golden" else "")
        (INPUTS / filename(name, "1.0")).write_bytes(data)
    items = [folder("./usr/lib"), item("./usr/lib/base.txt", b"base\n"), link("./usr/lib/link", "base.txt")]
    write_deb(INPUTS, "base-files", items)
    project = INPUTS / "project"
    for path, data in {
        "app/main.py": b"app = None\n",
        "app/run.sh": b"#!/bin/sh\n",
        "models/m.bin": TABLE[:1000],
    }.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(data)
    (project / "app/run.sh").chmod(0o755)
    (project / "app/link").symlink_to("main.py")


def main() -> None:
    if "--inputs" in sys.argv:
        make_inputs()
    with tempfile.TemporaryDirectory() as work:
        layout = build(Path(work))
        shutil.rmtree(LAYOUT, ignore_errors=True)
        shutil.copytree(layout, LAYOUT)


if __name__ == "__main__":
    main()
