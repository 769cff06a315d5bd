"""A suite's signed Release, and what it says (Debian RepositoryFormat)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from lightship.debs.sources import DebianSource
from lightship.digest import from_hex, hex_of
from lightship.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file that a Release vouches for; `path` is relative to the Release, `size` in bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """A verified Release; `valid_until` where it says so."""

    source: DebianSource
    by_hash: bool
    valid_until: str
    files: Mapping[str, IndexFile]

    @property
    def root(self) -> str:
        """URL that the paths of its files are relative to."""
        return f"{self.source.mirror}/dists/{self.source.suite}"

    def url(self, file: IndexFile) -> str:
        """Where to fetch a file.

        A mirror in the middle of an update still has the files that the old Release names, by their digest.
        """
        folder = file.path.rpartition("/")[0]
        return (
            f"{self.root}/{folder}/by-hash/SHA256/{file.sha256}"
            if self.by_hash
            else f"{self.root}/{file.path}"
        )


def parse_release(text: bytes, source: DebianSource, *, where: str) -> Release:
    """Read the signed text of an `InRelease`.

    Raises:
        IntegrityError: it is another suite's, or cannot be read.

    """
    from debian.deb822 import Deb822

    fields = Deb822(text)
    _check_suite(fields, source, where)
    by_hash = fields.get("Acquire-By-Hash", "no") == "yes"
    return Release(source, by_hash, fields.get("Valid-Until", ""), _files(fields, where))


def check_fresh(release: Release, now: datetime, *, where: str) -> None:
    """Refuse a Release past its Valid-Until, which a mirror that holds back updates would serve.

    Raises:
        IntegrityError: if it has expired.

    """
    until = release.valid_until
    if until and parsedate_to_datetime(until) < now:
        raise IntegrityError(
            f"the package index expired on {until}",
            where=where,
            hint="the mirror no longer follows Debian, or this machine's clock is wrong; use another mirror",
        )


def _check_suite(fields: Mapping[str, str], source: DebianSource, where: str) -> None:
    names = {fields.get("Suite", ""), fields.get("Codename", "")}
    if source.suite not in names:
        raise IntegrityError(
            f"the mirror sent the index of {' or '.join(sorted(names - {''})) or 'an unnamed suite'}",
            where=where,
            hint=f"it was asked for {source.suite}: check the mirror and the name of the suite",
        )


def _files(fields: Mapping[str, str], where: str) -> Mapping[str, IndexFile]:
    """The SHA256 section: lines of digest, size and path."""
    files = {}
    for line in fields.get("SHA256", "").split("\n"):
        if parts := line.split():
            try:
                sha256, size, path = parts
                files[path] = IndexFile(path, int(size), hex_of(from_hex(sha256)))
            except (ValueError, IntegrityError) as error:
                raise IntegrityError("the Release cannot be read", where=where, detail=line) from error
    return files
