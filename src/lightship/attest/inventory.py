"""What an image holds, from its own files, and from what its build knew of the archives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import canonicalize_name, canonicalize_version

from lightship.attest.debian import read_packages
from lightship.attest.distributions import read_distributions
from lightship.attest.model import PYTHON, Inventory, Package, System
from lightship.attest.scan import Documents, read_documents
from lightship.build.origins import Material, Origin
from lightship.events import Reporter
from lightship.oci.model import Image

_TITLE, _VERSION = "org.opencontainers.image.title", "org.opencontainers.image.version"
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def read_inventory(image: Image, origin: Origin | None, *, cache: Path, reporter: Reporter) -> Inventory:
    """List the packages of an image; with its origin also the digests of the archives that they are from.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        NetworkError: a layer of a registry cannot be fetched.

    """
    return inventory_of(image, origin, read_documents(image, cache=cache, reporter=reporter))


def inventory_of(image: Image, origin: Origin | None, documents: Documents) -> Inventory:
    """List the packages of an image whose documents are at hand, as `read_inventory` does."""
    system = _system(documents)
    config = image.config
    machine = _MACHINES.get(config.architecture, config.architecture)
    packages = (*read_distributions(documents, machine), *read_packages(documents, system))
    materials = _by_name(origin)
    return Inventory(
        image=image.descriptor.digest,
        name=config.config.labels.get(_TITLE, "") or "image",
        version=config.config.labels.get(_VERSION, ""),
        platform=f"{config.os}/{config.architecture}",
        created=_time(config.created),
        system=system,
        packages=tuple(sorted(_with_archive(package, materials) for package in packages)),
    )


def _time(created: str) -> str:
    """Write a time in whole seconds of UTC, as SPDX wants it; an image that has none is from 1970."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        time = datetime.fromtimestamp(0, UTC)
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _system(documents: Documents) -> System | None:
    fields = dict(line.split("=", 1) for line in documents.release().splitlines() if "=" in line)
    known = {name: value.strip().strip("\"'") for name, value in fields.items()}
    if not known.get("ID"):
        return None
    name = known.get("PRETTY_NAME") or known["ID"]
    return System(known["ID"], known.get("VERSION_ID", ""), name)


def _by_name(origin: Origin | None) -> dict[tuple[str, ...], Material]:
    shipped = origin.shipped if origin else ()
    return {_key(each.kind, each.name, each.version, each.architecture): each for each in shipped}


def _with_archive(package: Package, materials: Mapping[tuple[str, ...], Material]) -> Package:
    found = materials.get(_key(package.kind, package.name, package.version, package.architecture))
    return replace(package, sha256=found.sha256, file=found.file) if found else package


def _key(kind: str, name: str, version: str, architecture: str) -> tuple[str, ...]:
    """Tell a package from others; a wheel's version may be written in several ways (PEP 440)."""
    if kind == PYTHON:
        return (kind, canonicalize_name(name), canonicalize_version(version))
    return (kind, name, version, architecture)
