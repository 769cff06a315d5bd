"""A small project and its archives, all synthesised: enough for an image with every kind of layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightship.build.home import Home
from lightship.build.image import Built
from lightship.build.pipeline import Builder
from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.events import Reporter, SilentReporter
from lightship.oci.record import Compression
from lightship.plan.model import Plan
from lightship.plan.planner import Files, Selection, make_plan
from lightship.platform import Platform
from lightship.project.config import Config
from lightship.project.ignore import read_ignore
from lightship.project.sources import scan
from lightship.wheels.model import LockedWheel
from tests.support.wheels import Packed, wheel_bytes, write_wheel
from tests.unit.debs.forge import folder, item, link, write_deb

CREATED = "1980-01-01T00:00:00Z"
LOCK = Digest("sha256:" + "a" * 64)
CONFIG = Config(
    name="demo",
    sources=("app",),
    models=("models",),
    command=("demo", "--serve"),
    ports=(8000,),
    env={"WORKERS": "2"},
    health="http://:8000/health",
)
TEXT = b"".join(b"line %d of a table\n" % number for number in range(8000))
"""Long enough to be transplanted."""


def wheels(archives: Path) -> tuple[LockedWheel, ...]:
    demo = wheel_bytes(
        "demo",
        "1.0",
        {
            "demo/__init__.py": b"def main() -> None: ...\n",
            "demo/table.txt": TEXT,
            "demo/stored.txt": Packed(TEXT[::-1], stored=True),
            "demo-1.0.data/scripts/helper": Packed(b"#!python\nprint()\n", 0o100755),
            "demo-1.0.data/data/share/demo/naïve.txt": b"",
        },
        entry_points="[console_scripts]\ndemo = demo:main\n",
    )
    other = wheel_bytes("other", "2.0", {"other.py": b"x = 1\n", "d" * 60 + "/" + "e" * 80 + ".py": b""})
    return (write_wheel(archives, "demo", "1.0", demo), write_wheel(archives, "other", "2.0", other))


@dataclass
class Workshop:
    """A project and a home; `fetched` is what builds asked for, in their order."""

    root: Path
    store: Path | None = None
    """The home, where it is not below `root`."""
    compression: Compression = Compression.GZIP
    created: str = CREATED
    reporter: Reporter = field(default_factory=SilentReporter)
    wheels: tuple[LockedWheel, ...] = ()
    debs: tuple[LockedDeb, ...] = ()
    paths: dict[str, Path] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        archives = self.root / "archives"
        self.wheels = wheels(archives)
        items = [folder("./usr/lib"), item("./usr/lib/base.txt", b"base"), link("./usr/lib/link", "base.txt")]
        deb, path = write_deb(archives, "base-files", items)
        self.debs = (deb,)
        self.paths = {wheel.sha256: archives / wheel.sha256 for wheel in self.wheels} | {deb.sha256: path}
        for name, data in {
            "app/main.py": b"main",
            "app/run.sh": b"#!/bin/sh\n",
            "models/m.bin": TEXT,
        }.items():
            self.write(name, data)
        (self.project / "app/run.sh").chmod(0o755)
        (self.project / "app/link").symlink_to("main.py")

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def home(self) -> Home:
        store = self.store or self.root
        return Home(store / "data", store / "cache")

    def write(self, name: str, data: bytes) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def add(self, name: str, data: bytes) -> LockedWheel:
        """Lock one more wheel."""
        wheel = write_wheel(self.root / "archives", name, "1.0", data)
        self.wheels = (*self.wheels, wheel)
        self.paths[wheel.sha256] = self.root / "archives" / wheel.sha256
        return wheel

    def plan(self, config: Config = CONFIG) -> Plan:
        ignore = read_ignore(self.project)
        files = Files(scan(self.project, config.sources, ignore), scan(self.project, config.models, ignore))
        selection = Selection(LOCK, "bookworm", "3.11", self.debs, self.wheels)
        return make_plan(config, "cpu", Platform("amd64"), selection, files, "1.2")

    def builder(self) -> Builder:
        return Builder(
            home=self.home,
            fetch=self.fetch,
            reporter=self.reporter,
            created=self.created,
            compression=self.compression,
            workers=2,
        )

    def fetch(self, wanted: tuple[LockedWheel, ...], debs: tuple[LockedDeb, ...]) -> Mapping[str, Path]:
        packages: list[LockedWheel | LockedDeb] = [*wanted, *debs]
        self.fetched += [package.name for package in packages]
        return {package.sha256: self.paths[package.sha256] for package in packages}

    def build(self, config: Config = CONFIG) -> Built:
        return self.builder().build(self.plan(config), self.project)
