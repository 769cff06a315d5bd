"""Package indexes: fetched, verified, unpacked, and kept under their digest."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase, BufferedReader
from pathlib import Path

from lightship.debs.release import IndexFile, Release, check_fresh, parse_release
from lightship.debs.signature import verified_text
from lightship.debs.sources import ARCHIVE_KEYRING, DebianSource
from lightship.digest import CHUNK, from_hex
from lightship.errors import IntegrityError, NetworkError, ResolutionError
from lightship.events import Reporter
from lightship.fs import atomic
from lightship.net.download import fetch_bytes, fetch_file
from lightship.net.transport import Transport

Clock = Callable[[], datetime]
"""Says what time it is, with a time zone."""

_INRELEASE_LIMIT = 16 * CHUNK  # Debian's own is 150 kB
_OPENERS: Mapping[str, Callable[[BufferedReader], BufferedIOBase]] = {
    ".xz": lzma.LZMAFile,
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    "": lambda stream: stream,
}


@dataclass(frozen=True, slots=True)
class PackedIndex:
    """A verified index, still compressed; `sha256` is that of the file, `suffix` names its compression."""

    path: Path
    sha256: str
    suffix: str

    @contextmanager
    def open(self) -> Iterator[BufferedIOBase]:
        """Read the text of it; damage shows as EOFError, BadGzipFile, LZMAError or zlib.error."""
        with self.path.open("rb") as file, _OPENERS[self.suffix](file) as stream:
            yield stream


@dataclass(frozen=True, slots=True)
class IndexStore:
    """Reads indexes through a cache folder whose files are named by digest, and so never stale."""

    transport: Transport
    cache: Path
    clock: Clock
    reporter: Reporter
    offline: bool = False

    def release(self, source: DebianSource) -> Release:
        """Fetch and verify `InRelease`; offline, the one that was fetched last, however old.

        Raises:
            IntegrityError: a bad signature, another suite than asked for, or a Release past its Valid-Until.
            NetworkError: the mirror cannot be reached, or offline, nothing was kept.

        """
        url = f"{source.mirror}/dists/{source.suite}/InRelease"
        where = f"{source.label}/dists/{source.suite}/InRelease"
        kept = self.cache / "releases" / hashlib.sha256(url.encode()).hexdigest()
        signed = _kept(kept, where) if self.offline else self._inrelease(url, where)
        text = verified_text(signed, keyring=source.keyring or ARCHIVE_KEYRING, where=where)
        release = parse_release(text, source, where=where)
        if not self.offline:
            check_fresh(release, self.clock(), where=where)
            atomic.write_bytes(kept, signed)
        return release

    def packages(self, release: Release, component: str, architecture: str) -> Path:
        """Path of the unpacked Packages file of one component.

        Raises:
            ResolutionError: the archive has no such component or architecture.
            IntegrityError: what the mirror sent is not what the Release signs.
            NetworkError: the mirror cannot be reached, or offline, the file was not kept.

        """
        name = f"{component}/binary-{architecture}/Packages"
        where = f"{release.source.label}/dists/{release.source.suite}/{name}"
        plain = release.files.get(name)
        if plain is None:
            hint = "check the suite, the platform and the components of the apt source"
            raise ResolutionError("the archive does not list these packages", where=where, hint=hint)
        path = self.cache / "indexes" / "sha256" / plain.sha256
        if path.is_file() and path.stat().st_size == plain.size:
            return path
        if self.offline:
            raise _not_kept(where)
        self._download(release, plain, path, where)
        return path

    def contents(self, release: Release, component: str, architecture: str) -> PackedIndex | None:
        """Fetch the Contents of one component; None if the archive lists none, or an empty one.

        It is kept compressed, for it unpacks to 150 MB, and those for all architectures to 500 MB.

        Raises:
            IntegrityError: what the mirror sent is not what the Release signs.
            NetworkError: the mirror cannot be reached, or offline, the file was not kept.

        """
        name = f"{component}/Contents-{architecture}"
        suffix = next((suffix for suffix in _OPENERS if name + suffix in release.files), None)
        if suffix is None or (name in release.files and not release.files[name].size):
            return None
        file = release.files[name + suffix]
        where = f"{release.source.label}/dists/{release.source.suite}/{file.path}"
        path = self.cache / "indexes" / "sha256" / file.sha256
        if not (path.is_file() and path.stat().st_size == file.size):
            if self.offline:
                raise _not_kept(where)
            self._packed(release, file, path, where)
        return PackedIndex(path, file.sha256, suffix)

    def _download(self, release: Release, plain: IndexFile, path: Path, where: str) -> None:
        suffix = next(suffix for suffix in _OPENERS if plain.path + suffix in release.files)
        file = release.files[plain.path + suffix]
        # In a folder of its own: two runs that share the cache may fetch the same index at once.
        with _private_folder(self.cache) as folder:
            self._packed(release, file, folder / "packed", where)
            _unpack(folder / "packed", suffix, path, plain, where)

    def _packed(self, release: Release, file: IndexFile, path: Path, where: str) -> None:
        digest = from_hex(file.sha256)
        try:
            with self.reporter.task(f"index {where}", file.size) as task:
                fetch_file(self.transport, release.url(file), path, digest=digest, size=file.size, task=task)
        except IntegrityError as error:
            raise _mismatch(where) from error
        except NetworkError as error:
            raise _unreadable(where, error) from error

    def _inrelease(self, url: str, where: str) -> bytes:
        try:
            return fetch_bytes(self.transport, url, limit=_INRELEASE_LIMIT)
        except NetworkError as error:
            raise _unreadable(where, error) from error


@contextmanager
def _private_folder(parent: Path) -> Iterator[Path]:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=parent)
    except OSError as error:
        raise atomic.storage_error(error, parent / "packed") from error
    with folder as name:
        yield Path(name)


def _kept(path: Path, where: str) -> bytes:
    if not path.is_file():
        raise _not_kept(where)
    return path.read_bytes()


def _unpack(packed: Path, suffix: str, path: Path, plain: IndexFile, where: str) -> None:
    """Decompress an index to `path`; never more than the Release says that it holds."""
    state, size = hashlib.sha256(), 0
    try:
        with packed.open("rb") as file, _OPENERS[suffix](file) as source, atomic.writing(path) as stream:
            while chunk := source.read(CHUNK):
                size += len(chunk)
                if size > plain.size:
                    raise _mismatch(where)
                state.update(chunk)
                stream.write(chunk)
            if size != plain.size or state.hexdigest() != plain.sha256:
                raise _mismatch(where)
    except (lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise _mismatch(where) from error


def _mismatch(where: str) -> IntegrityError:
    return IntegrityError(
        "the package index is not the one that the Release signs",
        where=where,
        hint="the mirror is being updated, or damaged: try again later, or use another mirror",
    )


def _unreadable(where: str, error: NetworkError) -> NetworkError:
    hint = "check the mirror: `debian-mirror` in the configuration, else the host's apt sources"
    return NetworkError("cannot read the package index", where=where, hint=hint, detail=str(error))


def _not_kept(where: str) -> NetworkError:
    return NetworkError(
        "the package index is not in the cache", where=where, hint="run once without `--offline`"
    )
