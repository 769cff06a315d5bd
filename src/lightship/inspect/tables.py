"""eStargz layers of a registry, seen through their tables of contents: no more is fetched than is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from lightship.build.cache import Memo
from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.digest import Digest, hex_of, of_value
from lightship.errors import IntegrityError
from lightship.events import Reporter
from lightship.fs.entries import Kind
from lightship.fs.paths import check_link, normalise
from lightship.inspect.answers import File, UntoldError
from lightship.inspect.here import UnpackedFiles
from lightship.inspect.telling import LARGEST, MOST
from lightship.oci.model import Descriptor
from lightship.oci.toc import ANNOTATIONS, Chunk, Listed, Table, has_table, of_toc, read_table, sha256_of
from lightship.registry.remote import RemoteLayer

Wanted = Callable[[str], bool]
"""Tells by its path whether a file will be read."""
_RULES = 1
"""Part of every key: raised when something else is remembered."""
_GAP = 1 << 15
"""Bytes between two files that are fetched too, rather than asking once more."""
_WORKERS = 4
_KINDS = {
    "reg": Kind.FILE,
    "dir": Kind.DIRECTORY,
    "symlink": Kind.SYMLINK,
    "hardlink": Kind.HARDLINK,
    "char": Kind.SPECIAL,
    "block": Kind.SPECIAL,
    "fifo": Kind.SPECIAL,
}


class _Facts(msgspec.Struct, frozen=True):
    """What a table says; `digests` are SHA-256, `texts` what was fetched of files, all by number.

    All of it was checked by the table's digest, so it may be remembered under that.
    """

    unpacked: int
    members: tuple[StoredMember, ...]
    digests: dict[int, bytes]
    chunks: dict[int, tuple[Chunk, ...]]
    texts: dict[int, bytes] = {}


@dataclass(frozen=True, slots=True)
class TableLayer:
    """A layer in a registry, and what its table says."""

    layer: RemoteLayer
    facts: _Facts = field(repr=False)

    def listing(self) -> StoredLayer:
        """Give its listing, a new one each time: its folder is none, as its files are not here."""
        return StoredLayer(Path("/dev/null"), self.layer.diff_id, self.facts.unpacked, self.facts.members)

    def lacks(self, wanted: Wanted) -> list[StoredMember]:
        """Name the files that are wanted and were not fetched."""
        return [
            member
            for member in self.facts.members
            if 0 < member.size <= LARGEST and member.number not in self.facts.texts and wanted(member.path)
        ]

    def fetch(self, members: Iterable[StoredMember]) -> None:
        """Fetch small files, neighbours together.

        Raises:
            NetworkError: a part of the layer cannot be fetched.
            IntegrityError: a file is not what the table says.

        """
        wanted = sorted(
            (chunk, member.number) for member in members for chunk in self.facts.chunks.get(member.number, ())
        )
        if sum(chunk.size for chunk, _ in wanted) > MOST:
            raise IntegrityError(
                f"the layer has more than {MOST >> 20} MiB of packages' metadata",
                where=self.layer.descriptor.digest,
                hint="it is no image that anybody should use",
            )
        found: dict[int, bytes] = {number: b"" for _, number in wanted}
        for run in _runs(wanted):
            start, end = run[0][0].start, max(chunk.end for chunk, _ in run)
            data = self.layer.part(start, end)
            for chunk, number in run:
                found[number] += chunk.unpack(data[chunk.start - start : chunk.end - start])
        self.facts.texts.update(found)

    def read(self, member: StoredMember) -> bytes:
        if not member.size:
            return b""
        texts = self.facts.texts
        if member.number not in texts and member.size <= LARGEST:
            self.fetch([member])
        if member.number not in texts:
            raise UntoldError(f"the table of contents does not give {member.path}")
        return texts[member.number]


@dataclass(frozen=True, slots=True)
class TableFiles:
    """Files of layers by their tables, and of those that are `here`."""

    tables: Mapping[Digest, TableLayer]
    here: frozenset[Digest]
    files: UnpackedFiles = field(default_factory=UnpackedFiles)

    def read(self, file: File) -> bytes:
        layer, member = file
        if layer.diff_id in self.here:
            return self.files.read(file)
        return self.tables[layer.diff_id].read(member)

    def digest(self, file: File) -> bytes:
        layer, member = file
        if layer.diff_id in self.here:
            return self.files.digest(file)
        found = self.tables[layer.diff_id].facts.digests.get(member.number)
        if found is None:
            raise UntoldError(f"the table of contents has no digest of {member.path}")
        return found


def open_tables(
    layers: Sequence[RemoteLayer], wanted: Wanted, *, cache: Path, reporter: Reporter
) -> dict[Digest, TableLayer]:
    """Read the tables of those layers that have one, and the files that are wanted, several at a time.

    What was read before is remembered.

    Raises:
        NetworkError: a part of a layer cannot be fetched.
        IntegrityError: a table is damaged, hostile, or not the layer's.

    """
    able = {layer.diff_id: layer for layer in layers if has_table(layer.descriptor)}
    if not able:
        return {}
    memo = Memo(cache / "tables")
    with (
        reporter.task("reading tables of contents", len(able), unit="") as task,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        found = {}
        for table in pool.map(lambda layer: _open(layer, wanted, memo), able.values()):
            found[table.layer.diff_id] = table
            task.advance(1)
    return found


def _open(layer: RemoteLayer, wanted: Wanted, memo: Memo) -> TableLayer:
    said = layer.descriptor
    key = of_value(["table", _RULES, said.digest, *(said.annotations[name] for name in ANNOTATIONS)])
    known = memo.get(key, _Facts)
    opened = TableLayer(layer, known or _facts(said, read_table(said, layer.part)))
    if missing := opened.lacks(wanted):
        opened.fetch(missing)
    if missing or known is None:
        memo.put(key, opened.facts)
    return opened


def _facts(descriptor: Descriptor, table: Table) -> _Facts:
    """Take a table for what unpacking the layer could have given.

    Raises:
        IntegrityError: it could not.

    """
    where = str(descriptor.digest)
    members: list[StoredMember] = []
    digests: dict[int, bytes] = {}
    chunks: dict[int, tuple[Chunk, ...]] = {}
    for entry, pieces in table.files():
        if not (path := normalise(entry.name, archive=where)):
            continue
        member = _member(path, entry, len(members), where)
        members.append(member)
        if member.kind is Kind.FILE:
            chunks[member.number] = pieces
            if (digest := sha256_of(entry)) is not None:
                digests[member.number] = digest
    own = table.own
    digests[len(members)] = bytes.fromhex(hex_of(of_toc(descriptor)))
    members.append(
        StoredMember(own.path, Kind.FILE, own.mode, own.uid, own.gid, own.size, "", len(members), own.mtime)
    )
    return _Facts(table.unpacked, tuple(members), digests, chunks)


def _member(path: str, entry: Listed, number: int, where: str) -> StoredMember:
    kind = _KINDS.get(entry.type)
    if kind is None or entry.size < 0:
        raise IntegrityError(f"the table of contents says nothing that is known of {path!r}", where=where)
    target = entry.link_name if kind in (Kind.SYMLINK, Kind.HARDLINK) else ""
    if kind is Kind.HARDLINK:
        target = normalise(target, archive=where)
    elif kind is Kind.SYMLINK:
        check_link(path, target, archive=where)
    is_file = kind is Kind.FILE
    return StoredMember(
        path,
        kind,
        entry.mode & 0o7777,
        entry.uid,
        entry.gid,
        entry.size if is_file else 0,
        target,
        number if is_file else -1,
        _seconds(entry.modtime),
    )


def _seconds(time: str) -> int | None:
    try:
        return int(datetime.fromisoformat(time).timestamp())
    except ValueError:
        return None


def _runs(wanted: Sequence[tuple[Chunk, int]]) -> Iterator[list[tuple[Chunk, int]]]:
    """Put together what lies close together."""
    run: list[tuple[Chunk, int]] = []
    for chunk, number in wanted:
        if run and chunk.start > run[-1][0].end + _GAP:
            yield run
            run = []
        run.append((chunk, number))
    if run:
        yield run
