"""Where the wanted build of PyTorch comes from, and what would defeat the CPU one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Environment
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from lightship.errors import NetworkError, UsageError
from lightship.net.local import local_path
from lightship.net.redact import redact
from lightship.net.simple import Link, project_page, read_links
from lightship.net.transport import Transport
from lightship.wheels.requirements import RequirementLine

FAMILY = ("torch", "torchvision", "torchaudio")
_BACKEND = re.compile(r"cpu|cu\d{2,3}|rocm[\d.]+|xpu")
_CUDA = re.compile(r"(nvidia|cuda)-.+|triton|pytorch-triton")
# Bindings to the driver's management library, which hold no CUDA and run, or fail politely, without a GPU.
_HARMLESS = {"nvidia-ml-py", "nvidia-ml-py3", "nvidia-htop"}
_MOST_TRIES = 8


@dataclass(frozen=True, slots=True)
class TorchSource:
    """How uv is told to take one build of PyTorch: by `constraints` (requirements) or `arguments`."""

    constraints: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class TorchQuery:
    """Which build is wanted: `tag` is the local version label (`cpu`, `cu126`), `lines` the requirements."""

    tag: str
    tags: Sequence[Tag]
    environment: Environment
    lines: Sequence[RequirementLine]

    def admits(self, name: str, version: Version) -> bool:
        """Whether every requirement that counts on the target allows this version."""
        return all(
            line.requirement.specifier.contains(version, prereleases=True)
            for line in self.lines
            if line.requirement is not None and line.name == name and counts(line, self.environment)
        )


def torch_sources(
    query: TorchQuery, *, links: Iterable[str], indexes: Iterable[str], transport: Transport
) -> Iterator[TorchSource]:
    """Sources to try in turn: those in `find-links`, then those on configured indexes, then the official one.

    Only direct requirements are known here, so several versions may be worth a try, newest first; nothing is
    looked up before it is its turn. `links` are folders or URLs of pages, `indexes` URLs.

    Raises:
        UsageError: if `query.tag` names no build of PyTorch.

    """
    if not query.tag or query.tag == "none":
        yield TorchSource()
        return
    if not _BACKEND.fullmatch(query.tag):
        raise UsageError(
            f"{query.tag!r} is no build of PyTorch", hint="use cpu, none, or a CUDA tag such as cu126"
        )
    for link in links:
        yield from _sources(query, _linked(link, transport), where=redact(link))
    for index in indexes:
        yield from _sources(query, _indexed(index, transport), where=redact(index))
    # Never `auto`: it looks at the GPU of the machine that builds.
    yield TorchSource(arguments=("--torch-backend", query.tag), where="the official PyTorch index")


def _sources(query: TorchQuery, offered: Iterable[Link], *, where: str) -> Iterator[TorchSource]:
    versions = _versions(query, offered)
    for turn in range(min(len(versions.get("torch", ())), _MOST_TRIES)):
        # torchvision and torchaudio are released together with torch: the n-th newest go with each other.
        pins = tuple(f"{name}=={found[min(turn, len(found) - 1)]}" for name, found in versions.items())
        yield TorchSource(constraints=pins, where=where)


def _versions(query: TorchQuery, offered: Iterable[Link]) -> dict[str, list[Version]]:
    found: dict[str, set[Version]] = {}
    for link in offered:
        try:
            name, version, _, tags = parse_wheel_filename(link.filename)
        except InvalidWheelFilename:
            continue
        fits = name in FAMILY and version.local == query.tag and not tags.isdisjoint(query.tags)
        if fits and query.admits(name, version):
            found.setdefault(name, set()).add(version)
    return {name: sorted(versions, reverse=True) for name, versions in sorted(found.items())}


def _linked(link: str, transport: Transport) -> Iterator[Link]:
    folder = local_path(link) if "://" in link else Path(link)
    if folder is None or folder.is_file():
        yield from _page(link if folder is None else folder.absolute().as_uri(), transport)
    elif folder.is_dir():
        yield from (Link(path.name, path.as_uri()) for path in folder.absolute().iterdir())


def _indexed(index: str, transport: Transport) -> Iterator[Link]:
    for name in FAMILY:
        found = _page(project_page(index, name), transport)
        yield from found
        if not found:
            return  # without torch itself the others are of no use


def _page(url: str, transport: Transport) -> list[Link]:
    try:
        return read_links(transport, url)
    except NetworkError:
        return []  # indexes answer 403 or 404 for what they lack; one that is down is uv's to report


def counts(line: RequirementLine, environment: Environment) -> bool:
    """Whether the requirement's marker, if any, holds on the target."""
    marker = line.requirement.marker if line.requirement else None
    return marker is None or marker.evaluate({key: str(value) for key, value in environment.items()})


def is_cuda(name: str) -> bool:
    """Whether a package (normalised name) carries CUDA or is of use with it only."""
    return _CUDA.fullmatch(name) is not None and name not in _HARMLESS


def check_pins(lines: Iterable[RequirementLine], *, tag: str, environment: Environment) -> None:
    """Refuse requirements that would bring CUDA into a CPU variant, as frozen files of GPU machines do.

    Raises:
        UsageError: naming each line.

    """
    if tag != "cpu":
        return
    guilty = [
        line for line in lines if not line.is_constraint and _brings_cuda(line) and counts(line, environment)
    ]
    if guilty:
        pins = "a pin defeats" if len(guilty) == 1 else f"{len(guilty)} pins defeat"
        raise UsageError(
            f"{pins} the CPU variant: {', '.join(line.text.split(' ')[0] for line in guilty[:3])}",
            where=guilty[0].where,
            hint="remove these lines (torch's CUDA build brings such packages by itself), "
            "and name torch without a +cu label",
            detail="\n".join(f"{line.where}: {line.text}" for line in guilty),
        )


def _brings_cuda(line: RequirementLine) -> bool:
    if is_cuda(line.name):
        return True
    pinned = [spec.version for spec in line.requirement.specifier] if line.requirement else []
    return line.name in FAMILY and any("+cu" in version for version in pinned)
