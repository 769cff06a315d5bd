"""A fleet: services made from overlapping sets of requirements, and what a registry keeps of their releases.

Beside it stands what the same fleet would come to from Dockerfiles, estimated from the layers measured here:
one layer of `pip install` for each service and set of versions, since no two of them are the same bytes, one
of the application for each release, and the same base for all.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.harness import BENCH, HOME, Row, lightship, megabytes
from tests.support.docker_registry import docker_registry

SETS, SERVICES, RELEASES = 20, 100, 5
FOLDER = BENCH / "fleet"
CORE = ("fastapi", "uvicorn", "pydantic")
POOL = (
    *("httpx", "sqlalchemy", "redis", "numpy", "jinja2", "orjson", "pyyaml", "python-multipart", "alembic"),
    *("requests", "tenacity", "structlog", "prometheus-client", "pandas", "pillow", "cryptography"),
)
ADDED, BUMPED = "python-slugify", ("idna==3.9", "idna==3.10")
CONFIGURATION = """\
[tool.lightship]
python = "3.11"
sources = ["app.py"]
command = ["uvicorn", "app:app"]
bytecode = "none"

[tool.lightship.variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""
APPLICATION = """\
from fastapi import FastAPI

app = FastAPI(title="{name}")
RELEASE = {release}
"""
LAYERS = "data/docker/registry/v2"
LAYERS_KIND = "layers and lists of materials"
KINDS = (
    ("subject", "provenance"),
    ("_type", "provenance"),
    ("manifests", "lists of referrers"),
    ("layers", "manifests"),
    ("rootfs", "configurations"),
)
"""What documents are, by a field that no other has, in this order."""


@dataclass
class Fleet:
    """What was measured: seconds for each service's releases, and layers by image, each with its size."""

    seconds: list[list[float]] = field(default_factory=list)
    images: dict[tuple[int, int], list[dict[str, Any]]] = field(default_factory=dict)


def fleet_rows() -> list[Row]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    _link_archives()
    locked = {(number, release): _lock(number, release) for number in range(SETS) for release in (1, 3, 5)}
    fleet = Fleet()
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as name,
        docker_registry(Path(name, "registry")) as registry,
    ):
        for service in range(SERVICES):
            taken = []
            for release in range(1, RELEASES + 1):
                folder = _release(service, release, locked)
                reference = f"{registry.host}/service-{service}:{release}"
                taken.append(_pushed(folder, reference))
            fleet.seconds.append(taken)
        kept = _stored(Path(name, "registry"))
        for service in range(SERVICES):
            for release in range(1, RELEASES + 1):
                image = _manifest(Path(name, "registry", LAYERS), f"service-{service}", str(release))
                fleet.images[service, release] = image["layers"]
    return [*_bytes(fleet, kept), *_times(fleet.seconds)]


def _pushed(folder: Path, reference: str) -> float:
    build = ("build", folder, "--push", reference, "--locked", "--quiet")
    return lightship(*build, environ=_environ()).seconds


def _stored(registry: Path) -> Counter[str]:
    """Add up the registry's files by what they are."""
    found: Counter[str] = Counter()
    for path in (registry / "data").rglob("*"):
        if path.is_file():
            kind = _kind(path) if path.name == "data" else "the registry's links"
            found[kind] += path.stat().st_size
    return found


def _kind(blob: Path) -> str:
    with blob.open("rb") as stream:
        begin = stream.read(1)
    if begin != b"{":
        return LAYERS_KIND
    document = json.loads(blob.read_bytes())
    return next((kind for field, kind in KINDS if field in document), "provenance")


def _bytes(fleet: Fleet, files: Counter[str]) -> Iterator[Row]:
    unique = {layer["digest"]: layer["size"] for layers in fleet.images.values() for layer in layers}
    named = sum(layer["size"] for layers in fleet.images.values() for layer in layers)
    layers = sum(unique.values())
    kept, releases = files.total(), SERVICES * RELEASES
    each = {**files, LAYERS_KIND: files[LAYERS_KIND] - layers}
    images = f"{SERVICES} services from {SETS} sets, {RELEASES} releases"
    yield (f"{images}: all their layers", megabytes(named), "")
    yield (f"  unique layers ({len(unique)})", megabytes(layers), "")
    yield ("  stored in the registry, as part of them", f"{kept / layers:.3f} x", "≤ 1.05 x")
    for kind, size in sorted(each.items(), key=lambda item: -item[1]):
        title = "lists of materials" if kind == LAYERS_KIND else kind
        yield (f"    for each release, {title}", f"{size / releases / 1e3:.2f} kB", "")
    dockerfiles = _from_dockerfiles(fleet)
    yield ("  from Dockerfiles, estimated", megabytes(dockerfiles), "")
    yield ("    times as much", f"{dockerfiles / kept:.1f} x", "")


def _from_dockerfiles(fleet: Fleet) -> int:
    """Base once, the application's layer for each release, the rest for each service and its versions."""
    base = fleet.images[0, 1][0]["size"]
    total: int = base
    for service in range(SERVICES):
        packages = set()
        for release in range(1, RELEASES + 1):
            _, *wheels, application = fleet.images[service, release]
            total += application["size"]
            packages.add(tuple((layer["digest"], layer["size"]) for layer in wheels))
        total += sum(size for wheels in packages for _, size in wheels)
    return total


def _times(seconds: Sequence[Sequence[float]]) -> Iterator[Row]:
    """Say whether a release takes longer the more services there are."""
    spans = [range(SETS), range(SERVICES // 2 - SETS // 2, SERVICES // 2 + SETS // 2)]
    for span in (*spans, range(SERVICES - SETS, SERVICES)):
        first = statistics.median(seconds[service][0] for service in span)
        later = statistics.median(taken for service in span for taken in seconds[service][1:])
        title = f"services {span.start + 1} to {span.stop}: built and pushed, first release"
        yield (title, f"{first:.2f} s", "")
        yield ("  each release after it", f"{later:.2f} s", "")


def _environ() -> dict[str, str]:
    return {"LIGHTSHIP_HOME": str(FOLDER / "home")}


def _link_archives() -> None:
    """Give the fleet a home in which nothing is built, and what was fetched before is there."""
    cache = FOLDER / "home" / "cache"
    cache.mkdir(parents=True)
    for name in ("archives", "indexes"):
        (HOME / "cache" / name).mkdir(parents=True, exist_ok=True)
        (cache / name).symlink_to(HOME / "cache" / name)


def _requirements(number: int, release: int) -> list[str]:
    """Give a set as it is in a release: half of them get one more requirement, half another version."""
    chance = random.Random(number)  # noqa: S311 - no secret
    chosen = [*CORE, *chance.sample(POOL, 4)]
    if number % 2:
        return [*chosen, BUMPED[release == 5]]
    return [*chosen, ADDED] if release >= 3 else chosen


def _lock(number: int, release: int) -> bytes:
    """Lock a set as it is from a release on; releases that change nothing have the lock before."""
    before = 1 if number % 2 and release == 3 else 3 if not number % 2 and release == 5 else release
    folder = FOLDER / "sets" / f"{number}-{before}" / "service"
    lock = folder / "pylock.none.toml"
    if not lock.is_file():
        _write(folder, "service", number, before)
        lightship("lock", folder, "--quiet", environ=_environ())
    return lock.read_bytes()


def _release(service: int, release: int, locked: dict[tuple[int, int], bytes]) -> Path:
    number, folder = service % SETS, FOLDER / "services" / str(service) / "service"
    _write(folder, f"service {service}", number, release)
    (folder / "pylock.none.toml").write_bytes(locked[number, release if release % 2 else release - 1])
    return folder


def _write(folder: Path, name: str, number: int, release: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(CONFIGURATION)
    (folder / "requirements.txt").write_text("\n".join(_requirements(number, release)) + "\n")
    (folder / "app.py").write_text(APPLICATION.format(name=name, release=release))


def _manifest(store: Path, name: str, tag: str) -> dict[str, Any]:
    link = store / "repositories" / name / "_manifests" / "tags" / tag / "current" / "link"
    digest = link.read_text().removeprefix("sha256:")
    found: dict[str, Any] = json.loads(
        (store / "blobs" / "sha256" / digest[:2] / digest / "data").read_bytes()
    )
    return found
