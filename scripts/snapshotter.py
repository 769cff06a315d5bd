"""stargz-snapshotter's daemon, which Debian has the libraries of and not the program.

It is built from Debian's packages, by Debian's compiler, without installing either, and kept in
`.tools/snapshotter`. It is made again when these scripts change. Run it with `make snapshotter`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from lightship.debs.fetch import fetch_debs
from lightship.debs.sources import find_sources
from lightship.debs.store import IndexStore
from lightship.debs.suite import open_suite
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from lightship.platform import Platform
from scripts.machine import SUITE
from scripts.standins import ARCHITECTURES

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".tools" / "snapshotter"
PROGRAM = Path(__file__).with_suffix(".go")
PACKAGES = Path(__file__).with_name("snapshotter-packages.txt")
GO = "usr/lib/go-1.19"


def snapshotter() -> Path:
    """Give the program, built where it is not kept from an earlier run.

    Needs dpkg-deb. Packages come from the machine's apt sources; 120 MB of them are fetched, and 700 MB
    of the disk are used meanwhile. It takes half a minute of two cores.

    Raises:
        LightshipError: if a package cannot be fetched.
        RuntimeError: if it cannot be compiled, with what the compiler said.

    """
    inputs = [path.read_bytes() for path in (Path(__file__), PROGRAM, PACKAGES)]
    key = hashlib.sha256(b"\0".join(inputs)).hexdigest()[:16]
    program = KEPT / f"containerd-stargz-grpc-{key}"
    if not program.is_file():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT, prefix="making-") as folder:
            _unpack(_fetch(Path(folder)), Path(folder, "root"))
            _compile(Path(folder)).rename(program)
        for old in KEPT.glob(f"containerd-stargz-grpc-{'[0-9a-f]' * 16}"):
            if old != program:
                old.unlink()
    return program


def _fetch(folder: Path) -> list[Path]:
    """Fetch the newest version of each package, checked by the suite's signature."""
    names = [line for line in PACKAGES.read_text().splitlines() if not line.startswith("#")]
    sources = find_sources(SUITE, configured=None)
    platform = Platform(ARCHITECTURES[os.uname().machine])
    with HttpTransport() as transport:
        store = IndexStore(transport, folder / "indexes", lambda: datetime.now(UTC), SilentReporter())
        index = open_suite(SUITE, platform=platform, sources=sources, store=store).index
        debs = [index.candidates(name)[0].deb for name in names]
        fetched = fetch_debs(
            debs,
            sources=sources,
            transport=transport,
            archives=folder / "archives",
            reporter=SilentReporter(),
        )
    return list(fetched.values())


def _unpack(debs: list[Path], root: Path) -> None:
    def unpack(deb: Path) -> None:
        subprocess.run(["dpkg-deb", "--extract", deb, root], check=True)

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(unpack, debs))


def _compile(folder: Path) -> Path:
    root, out = folder / "root", folder / "program"
    environment = {
        "CGO_ENABLED": "1",  # as Debian compiled the standard library, which is then taken as it is
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "compiled"),
        "GOPATH": str(root / "usr/share/gocode"),
        "GOROOT": str(root / GO),
        "PATH": str(root / GO / "bin"),
    }
    done = subprocess.run(
        [root / GO / "bin" / "go", "build", "-ldflags=-s -w", "-o", out, PROGRAM],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{PROGRAM.name} cannot be compiled:\n{done.stdout[-4000:]}")
    return out


if __name__ == "__main__":
    print(snapshotter())
