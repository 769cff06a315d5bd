"""eStargz layers of a registry, seen through their tables of contents: no more is fetched than is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.digest import Digest, hex_of
from lightship.errors import IntegrityError
from lightship.events import Reporter
from lightship.fs.entries import Kind
from lightship.fs.paths import check_link, normalise
from lightship.inspect.answers import File, LayerFiles, UntoldError
from lightship.inspect.telling import LARGEST, MOST
from lightship.oci.toc import Chunk, Listed, Table, has_table, of_toc, read_table, sha256_of
from lightship.registry.remote import RemoteLayer

Wanted = Callable[[str], bool]
"""Tells by its path whether a file will be read."""
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


@dataclass(frozen=True, slots=True)
class TableLayer:
    """A layer by its table; `digests` are SHA-256, `texts` what was fetched of files, all by number."""

    layer: RemoteLayer
    unpacked: int
    members: tuple[StoredMember, ...]
    digests: Mapping[int, bytes] = field(repr=False)
    chunks: Mapping[int, tuple[Chunk, ...]] = field(repr=False)
    texts: dict[int, bytes] = field(default_factory=dict, repr=False)

    def listing(self) -> StoredLayer:
        return StoredLayer(Path("/dev/null"), self.layer.diff_id, self.unpacked, self.members)

    def fetch(self, members: Iterable[StoredMember]) -> None:
        """Fetch small files, neighbours together.

        Raises:
            NetworkError: a part of the layer cannot be fetched.
            IntegrityError: a file is not what the table says.

        """
        wanted = sorted(
            (chunk, member.number)
            for member in members
            if member.size <= LARGEST
            for chunk in self.chunks.get(member.number, ())
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
        self.texts.update(found)

    def read(self, member: StoredMember) -> bytes:
        if not member.size:
            return b""
        if member.number not in self.texts:
            self.fetch([member])
        if member.number not in self.texts:
            raise UntoldError(f"{member.path} is too large to be read by itself")
        return self.texts[member.number]


@dataclass(frozen=True, slots=True)
class TableFiles:
    """Files of layers by their tables, and of those that are `here`."""

    tables: Mapping[Digest, TableLayer]
    here: frozenset[Digest]
    files: LayerFiles = field(default_factory=LayerFiles)

    def read(self, file: File) -> bytes:
        layer, member = file
        if layer.diff_id in self.here:
            return self.files.read(file)
        return self.tables[layer.diff_id].read(member)

    def digest(self, file: File) -> bytes:
        layer, member = file
        if layer.diff_id in self.here:
            return self.files.digest(file)
        found = self.tables[layer.diff_id].digests.get(member.number)
        if found is None:
            raise UntoldError(f"the table of contents has no digest of {member.path}")
        return found


def open_tables(
    layers: Sequence[RemoteLayer], wanted: Wanted, reporter: Reporter
) -> dict[Digest, TableLayer]:
    """Read the tables of those layers that have one, and the files that are wanted, several at a time.

    Raises:
        NetworkError: a part of a layer cannot be fetched.
        IntegrityError: a table is damaged, hostile, or not the layer's.

    """
    able = {layer.diff_id: layer for layer in layers if has_table(layer.descriptor)}
    if not able:
        return {}
    with (
        reporter.task("reading tables of contents", len(able), unit="") as task,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        found = {}
        for table in pool.map(lambda layer: _open(layer, wanted), able.values()):
            found[table.layer.diff_id] = table
            task.advance(1)
    return found


def _open(layer: RemoteLayer, wanted: Wanted) -> TableLayer:
    table = read_table(layer.descriptor, layer.part)
    opened = _layer(layer, table)
    opened.fetch(member for member in opened.members if wanted(member.path))
    return opened


def _layer(layer: RemoteLayer, table: Table) -> TableLayer:
    """Take a table for what unpacking the layer could have given.

    Raises:
        IntegrityError: it could not.

    """
    where = str(layer.descriptor.digest)
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
    digests[len(members)] = bytes.fromhex(hex_of(of_toc(layer.descriptor)))
    members.append(
        StoredMember(own.path, Kind.FILE, own.mode, own.uid, own.gid, own.size, "", len(members), own.mtime)
    )
    return TableLayer(layer, table.unpacked, tuple(members), digests, chunks)


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
