"""The builder's root: compilers and headers from Debian packages, unpacked once, never shipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lightship.build.debroot import plant_debs
from lightship.debs.alternatives import alternatives
from lightship.debs.model import LockedDeb
from lightship.digest import Digest, hex_of, of_value
from lightship.events import Reporter
from lightship.fs.entries import Entry, directory, symlink
from lightship.fs.tar import EPOCH
from lightship.fs.tree import with_parents
from lightship.platform import Platform

BUILD, OUT = "build", "out"
"""Folders of the root, where a build's own are mounted: the same for every build, since compilers write
the paths of sources into what they make."""
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": f"/{BUILD}/home",
    "TMPDIR": f"/{BUILD}/scratch",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": str(EPOCH),
}
"""Variables of everything that is built, on any machine: what a build writes may depend on them."""
_LAYOUT = 1
"""Part of the digest: raised when roots are laid out in another way."""

# Packages and builds may call these without depending on them (Debian Policy 3.8, "Essential packages").
_ESSENTIAL = (
    *("bash", "coreutils", "dash", "debianutils", "diffutils", "findutils", "grep", "gzip", "hostname"),
    *("mawk", "perl-base", "sed", "tar"),
)


def toolchain_packages(python: str) -> tuple[str, ...]:
    """Root packages of a builder with this Python, such as `3.11`."""
    return (*_ESSENTIAL, "g++", "gcc", "libc6-dev", "make", "patch", "pkg-config", f"python{python}-dev")


def toolchain_digest(debs: Sequence[LockedDeb], platform: Platform) -> Digest:
    """Digest of all that decides a root: part of every built wheel's key."""
    return of_value([_LAYOUT, platform.debian, sorted(deb.sha256 for deb in debs)])


def prepare_toolchain(
    debs: Sequence[LockedDeb],
    archives: Mapping[str, Path],
    *,
    platform: Platform,
    python: str,
    cache: Path,
    reporter: Reporter,
) -> Path:
    """Return the folder that holds the root: made once, shared by every build, never written to.

    `archives` has the packages' files, by SHA-256.

    Raises:
        IntegrityError: a damaged package, or one that leaves the tree.
        StageError: two packages with different files at one path, or the cache cannot be written.

    """
    final = toolchain_folder(debs, platform=platform, cache=cache)
    if final.is_dir():
        return final
    plant_debs(
        final,
        debs,
        archives,
        platform=platform,
        what="the builder",
        reporter=reporter,
        complete=lambda entries: _completed(entries, python),
    )
    return final


def toolchain_folder(debs: Sequence[LockedDeb], *, platform: Platform, cache: Path) -> Path:
    """Where a root lies, whether it is there or not."""
    return cache / "roots" / "builders" / hex_of(toolchain_digest(debs, platform))


def _completed(entries: Iterator[Entry], python: str) -> Iterator[Entry]:
    """Add links that maintainer scripts would make, and the folders where a build is mounted."""
    paths: set[str] = set()
    for entry in with_parents(entries):
        paths.add(entry.path)
        yield entry
    yield from (directory(path) for path in (BUILD, OUT))
    yield from alternatives(paths)
    if "usr/bin/python3" not in paths and f"usr/bin/python{python}" in paths:
        yield symlink("usr/bin/python3", f"python{python}")
