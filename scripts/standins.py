"""Stand-ins for `python:3.11` and `python:3.11-slim`, from Debian packages, for where no registry is.

Each is a Debian minbase with dpkg and apt in working order and a CPython in `/usr/local`; the full one has
the build dependencies that the official image has. They are kept in `.tools/standins` as archives that
`docker load` takes (`docker-archive:` for others), and made again when these scripts change. Run it with
`make standins`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.machine import SUITE, apt_sources

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".tools" / "standins"
HOOK = Path(__file__).with_name("standin_hook.py")
PACKAGES = Path(__file__).with_name("standin-packages.txt")
EPOCH = 1735689600  # the start of 2025: whatever is newer gets this time, so that two runs agree
CREATED = "2025-01-01T00:00:00Z"
VARIABLES = ("PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
APT_SPEEDUP = "force-unsafe-io"
# What debian:*-slim leaves out (debuerreotype's slimify); copyright files stay.
SLIMMED = (
    *("path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright"),
    *(f"path-exclude=/usr/share/{name}/*" for name in ("groff", "info", "linda", "lintian", "man")),
    *("path-exclude=/usr/share/locale/*", "path-include=/usr/share/locale/locale.alias"),
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """One base image: its tag, the sections of standin-packages.txt that it has, dpkg's options."""

    tag: str
    sections: tuple[str, ...]
    dpkg: tuple[str, ...]

    @property
    def archive(self) -> Path:
        """Named by what it is made of, so that a changed script finds nothing kept."""
        inputs = [path.read_bytes() for path in (Path(__file__), HOOK, PACKAGES)]
        key = hashlib.sha256(b"\0".join(inputs)).hexdigest()[:16]
        return KEPT / f"{self.tag.replace(':', '-')}-{key}.tar"


SLIM = StandIn("python:3.11-slim", ("python",), (APT_SPEEDUP, *SLIMMED))
FULL = StandIn("python:3.11", ("python", "curl", "scm", "build", "python-build"), (APT_SPEEDUP,))
STANDINS = (SLIM, FULL)


def standins(wanted: Sequence[StandIn] = STANDINS) -> list[Path]:
    """Archives of the stand-ins, made where they are not kept from an earlier run.

    Needs root and mmdebstrap. Packages come from the machine's own apt sources, which must have bookworm, and
    pip from the index that pip is configured for. Both take about a minute, and no time when they are kept.

    Raises:
        RuntimeError: if the machine's apt has no bookworm, or mmdebstrap fails, with the end of its log.

    """
    KEPT.mkdir(parents=True, exist_ok=True)
    absent = [standin for standin in wanted if not standin.archive.is_file()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(_make, absent))
    return [standin.archive for standin in wanted]


def load(docker_host: str, wanted: Sequence[StandIn] = STANDINS) -> None:
    """Have the stand-ins in Docker under their tags; nothing is loaded that is there."""
    docker = ("/usr/bin/docker", "--host", docker_host)
    for standin, archive in zip(wanted, standins(wanted), strict=True):
        ask = [*docker, "image", "inspect", "--format", "{{.Id}}", standin.tag]
        found = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
        if found != _identity(archive):
            subprocess.run([*docker, "load", "--quiet", "--input", archive], check=True, capture_output=True)


def _identity(archive: Path) -> str:
    """The image's ID: the digest of its configuration, which the archive begins with."""
    with tarfile.open(archive) as tar:
        first = tar.next()
    return f"sha256:{first.name.removesuffix('.json')}" if first else ""


def _make(standin: StandIn) -> None:
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="making-") as name:
        folder = Path(name)
        layer = folder / "layer.tar"
        _bootstrap(standin, layer)
        whole = folder / "image.tar"
        _write_archive(standin, layer, whole)
        whole.rename(standin.archive)
    for old in KEPT.glob(f"{standin.tag.replace(':', '-')}-{'[0-9a-f]' * 16}.tar"):
        if old != standin.archive:
            old.unlink()


def _bootstrap(standin: StandIn, layer: Path) -> None:
    command = [
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar", "--skip=output/dev"),
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",  # or usrmerge comes, and all of Perl with it
        f"--include={','.join(_packages(standin.sections))}",
        *(f"--dpkgopt={option}" for option in standin.dpkg),
        f'--customize-hook={shlex.join([sys.executable, str(HOOK)])} "$1"',
        *(SUITE, str(layer), "-"),
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
        input=apt_sources(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"mmdebstrap failed for {standin.tag}:\n{done.stdout[-4000:]}")


def _packages(sections: Sequence[str]) -> list[str]:
    """The packages of those sections, each headed by its name in brackets; `#` begins a comment."""
    wanted: list[str] = []
    section = ""
    for line in PACKAGES.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("["):
            section = text.strip("[]")
        elif section in sections:
            wanted += text.split()
    return wanted


def _write_archive(standin: StandIn, layer: Path, out: Path) -> None:
    """What `docker save` writes for an image of one layer (moby's image/spec v1.2)."""
    with layer.open("rb") as file:
        diff_id = hashlib.file_digest(file, "sha256").hexdigest()
    config = json.dumps(
        {
            "architecture": ARCHITECTURES[os.uname().machine],
            "os": "linux",
            "created": CREATED,
            "config": {"Env": list(VARIABLES), "Cmd": ["python3"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
            "history": [{"created": CREATED, "created_by": f"stand-in for {standin.tag}"}],
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [standin.tag], "Layers": [layer.name]}]
    with tarfile.open(out, "w") as tar:
        for member, content in ((name, config), ("manifest.json", json.dumps(manifest).encode())):
            path = layer.with_name(member)
            path.write_bytes(content)
            tar.add(path, member)
        tar.add(layer, layer.name)


def main() -> int:
    if shutil.which("mmdebstrap") is None or os.geteuid() != 0:
        sys.exit("The stand-ins need root and mmdebstrap: apt-get install mmdebstrap")
    for archive in standins():
        print(f"docker load -i {archive.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
