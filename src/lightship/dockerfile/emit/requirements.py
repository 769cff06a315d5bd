"""Locked distributions as requirement files of pip, each line with the hashes of what was locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from lightship.platform import Platform
from lightship.wheels.model import LockedSdist, LockedWheel

Locked: TypeAlias = LockedWheel | LockedSdist


def requirements_text(locked: Mapping[Platform, Iterable[Locked]], header: str) -> str:
    """Write what pip's hash-checking mode reads; what only some platforms have gets a marker (PEP 508)."""
    found: dict[tuple[str, str], dict[Platform, str]] = {}
    indexes: set[str] = set()
    for platform, archives in locked.items():
        for archive in archives:
            found.setdefault((archive.name, archive.version), {})[platform] = archive.sha256
            indexes |= _indexes(archive)
    lines = [f"# {header}", *(f"--extra-index-url {index}" for index in sorted(indexes))]
    for (name, version), hashes in sorted(found.items()):
        marker = "" if len(hashes) == len(locked) else f" ; {_marker(hashes)}"
        lines.append(f"{name}=={version}{marker}{_hashes(hashes.values())}")
    return "".join(f"{line}\n" for line in lines)


def _hashes(hashes: Iterable[str]) -> str:
    return "".join(f" \\\n    --hash=sha256:{digest}" for digest in sorted(set(hashes)))


def _marker(platforms: Iterable[Platform]) -> str:
    machines = sorted(platform.machine for platform in platforms)
    return " or ".join(f"platform_machine == '{machine}'" for machine in machines)


def _indexes(archive: Locked) -> set[str]:
    """Name the index that must be asked too: of builds with a local version label, which PyPI does not take.

    PyTorch's indexes keep their files in the very folder that is the index.
    """
    url = urlsplit(archive.url)
    if "+" not in archive.version or url.scheme not in {"http", "https"} or url.username:
        return set()
    return {f"{url.scheme}://{url.netloc}{url.path.rpartition('/')[0]}"}
