"""The base layer: locked packages as one deterministic stream of entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822
from msgspec.structs import replace

from lightship.debs.ldcache import Library, write_cache
from lightship.debs.libraries import LibraryScan
from lightship.debs.model import LockedDeb
from lightship.debs.overlap import overridden
from lightship.debs.skeleton import defaults, is_alias, merged, skeleton
from lightship.debs.trust import BUNDLE, bundle, is_certificate
from lightship.debs.unpack import control_files, data_members, entry_of
from lightship.errors import StageError
from lightship.fs.entries import Entry, Kind, directory, regular
from lightship.fs.paths import parents
from lightship.fs.untar import Member
from lightship.platform import Platform
from lightship.slim import Trimmer

_STATUS = "var/lib/dpkg/status.d"
_OURS = "the base's own files"


def base_entries(
    debs: Sequence[tuple[LockedDeb, Path]], *, platform: Platform, trimmed_by: Trimmer
) -> Iterator[Entry]:
    """Yield the whole tree of a base, each path once, parents first; the same for any order of `debs`.

    What `trimmed_by` names a rule for is left out; certificates are in the bundle all the same.

    Contents stay readable as long as their entry is kept; no more than one package is held at a time.

    Raises:
        IntegrityError: a damaged package, or one that leaves the tree.
        StageError: two packages with different files at one path.

    """
    tree, scan, certificates = _Tree(), LibraryScan(platform), dict[str, bytes]()
    yield from tree.add(skeleton(platform), _OURS)
    yield from _installed(debs, tree, scan, certificates, trimmed_by)
    has_zones = any(deb.name == "tzdata" for deb, _ in debs)
    made = [*defaults(has_zones=has_zones, has_certificates=bool(certificates))]
    made += [regular(BUNDLE, bundle(certificates))] if certificates else []
    made += [regular("etc/ld.so.cache", write_cache(scan.libraries(), platform))]
    yield from tree.add((entry for entry in made if entry.path not in tree.owners), _OURS)


def added_entries(
    debs: Sequence[tuple[LockedDeb, Path]],
    *,
    platform: Platform,
    trimmed_by: Trimmer,
    cached: Sequence[Library],
) -> Iterator[Entry]:
    """Yield what packages add to a Debian tree of others' making, whose /usr is merged.

    `cached` is the tree's `ld.so.cache`: what is added is found first, as ldconfig(8) would have it.

    Raises:
        IntegrityError, StageError: as `base_entries`.

    """
    tree, scan, certificates = _Tree(), LibraryScan(platform), dict[str, bytes]()
    yield from _installed(debs, tree, scan, certificates, trimmed_by)
    made = [regular(BUNDLE, bundle(certificates))] if certificates else []
    made += [regular("etc/ld.so.cache", write_cache([*scan.libraries(), *cached], platform))]
    yield from tree.add(iter(made), _OURS)


def _installed(
    debs: Sequence[tuple[LockedDeb, Path]],
    tree: _Tree,
    scan: LibraryScan,
    certificates: dict[str, bytes],
    trimmed_by: Trimmer,
) -> Iterator[Entry]:
    """Yield the packages' files in the order of names, and note what libraries and certificates they have."""
    ordered = sorted(debs)
    controls = {deb.name: control_files(path, package=deb.name) for deb, path in ordered}
    lost = overridden(ordered, {name: _field(files, "Replaces") for name, files in controls.items()})
    for deb, path in ordered:
        hidden = lost.get(deb.name, frozenset())
        entries = _noting(certificates, _package_entries(deb, path, hidden, trimmed_by))
        for entry in tree.add((each for each in entries if not trimmed_by(each.path)), deb.name):
            scan.note(entry)
            yield entry
        yield from tree.add(_status(deb.name, controls[deb.name], trimmed_by), _OURS)


@dataclass(slots=True)
class _Seen:
    owner: str
    entry: Entry


class _Tree:
    """Lets every path through once, after its parents."""

    def __init__(self) -> None:
        self.owners: dict[str, _Seen] = {}

    def add(self, entries: Iterator[Entry], owner: str) -> Iterator[Entry]:
        for entry in entries:
            for parent in parents(entry.path):
                yield from self._put(directory(parent), owner)
            yield from self._put(entry, owner)

    def _put(self, entry: Entry, owner: str) -> Iterator[Entry]:
        seen = self.owners.get(entry.path)
        if seen is None:
            # Without its content, which would otherwise live as long as the tree.
            self.owners[entry.path] = _Seen(owner, replace(entry, content=None))
            yield entry
        elif not _agree(seen.entry, entry):
            raise StageError(
                f"{seen.owner} and {owner} both have /{entry.path}",
                hint="leave one of the packages out; their maintainers forgot a Conflicts or Replaces",
            )


def _agree(one: Entry, other: Entry) -> bool:
    if one.kind is Kind.SYMLINK:
        return other.kind is Kind.SYMLINK and other.target == one.target
    return one.kind is other.kind is Kind.DIRECTORY


def _package_entries(
    deb: LockedDeb, path: Path, hidden: frozenset[str], trimmed_by: Trimmer
) -> Iterator[Entry]:
    """Yield what is kept of a package, and its certificates in any case."""
    for member in data_members(path, package=deb.name):
        place = merged(member.path)
        if is_alias(member.path) or place in hidden:
            continue
        if is_certificate(place) or not trimmed_by(place):
            yield _placed(member, place, path.parent)


def _noting(certificates: dict[str, bytes], entries: Iterator[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.content is not None and is_certificate(entry.path):
            certificates[entry.path] = b"".join(entry.content.chunks())
        yield entry


def _placed(member: Member, place: str, folder: Path) -> Entry:
    entry = replace(entry_of(member, folder), path=place)
    return replace(entry, target=merged(entry.target)) if entry.kind is Kind.HARDLINK else entry


def _status(name: str, control: Mapping[str, bytes], trimmed_by: Trimmer) -> Iterator[Entry]:
    """What scanners read of a package, in the form of distroless: its control, and digests of its files."""
    yield regular(f"{_STATUS}/{name}", control["control"].rstrip(b"\n") + b"\n")
    lines = control.get("md5sums", b"").splitlines()
    kept = [line for line in lines if not trimmed_by(merged(_path(line)))]
    yield regular(f"{_STATUS}/{name}.md5sums", b"".join(line + b"\n" for line in kept))


def _path(line: bytes) -> str:
    return line.partition(b"  ")[2].decode(errors="surrogateescape")


def _field(control: Mapping[str, bytes], name: str) -> str:
    value: str = Deb822(control["control"]).get(name, "")
    return value
