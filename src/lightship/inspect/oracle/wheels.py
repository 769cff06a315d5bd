"""Wheels as far as a prediction reads them: in the cache, or else where the lock says, by ranged requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lightship.build.cache import Memo
from lightship.build.machine import Machine
from lightship.digest import Digest, of_value
from lightship.errors import NetworkError
from lightship.fs.entries import Content
from lightship.inspect.oracle import ratios
from lightship.inspect.oracle.tally import Expected
from lightship.net.local import local_path
from lightship.slim import is_library
from lightship.wheels.archive import Member, WheelArchive
from lightship.wheels.distant import Part, Parts, bring, head, open_parts
from lightship.wheels.fetch import fetch_wheels, wheel_path
from lightship.wheels.model import LockedWheel
from lightship.wheels.strip import HEAD, stripped_size

_FORMAT = 1
_SMALLEST_LIBRARY = 1 << 16
"""Smaller ones are taken to have no symbols: a request for each would cost more than it tells."""


@dataclass
class WheelReader:
    """Opens wheels, each once; what is read of distant ones is kept under their digest.

    Offline, files that would tell more may be `lacked`.
    Wheels may be opened and read in several threads, each wheel in one at a time.
    """

    machine: Machine
    lacked: bool = False
    _opened: dict[str, tuple[Parts, WheelArchive]] = field(default_factory=dict)
    _near: dict[str, int] = field(default_factory=dict)

    @property
    def fetched(self) -> int:
        """Bytes that came over the network."""
        distant = (parts for sha256, (parts, _) in self._opened.items() if sha256 not in self._near)
        return sum(parts.fetched for parts in distant) + sum(self._near.values())

    def open(self, wheel: LockedWheel) -> WheelArchive:
        """Read a wheel's directory.

        Raises:
            NetworkError: if it cannot be had, or is not in the cache when offline.
            IntegrityError: if it is no wheel.

        """
        if wheel.sha256 not in self._opened:
            parts = self._parts(wheel)
            self._opened[wheel.sha256] = (parts, open_parts(parts))
        return self._opened[wheel.sha256][1]

    def bring(self, members: Sequence[Member]) -> bool:
        """Ask for files that stand together by one request; False if they cannot be had when offline.

        Raises:
            NetworkError: if they cannot be had.

        """
        try:
            bring(members)
        except NetworkError:
            if not self.machine.offline:
                raise
            self.lacked = True
            return False
        return True

    def keep(self) -> None:
        """Remember what was fetched."""
        for sha256, (parts, _) in self._opened.items():
            if parts.fetched and sha256 not in self._near:
                self._memo.put(_key(sha256), parts.parts)

    def _parts(self, wheel: LockedWheel) -> Parts:
        path = wheel_path(self.machine.home.archives, wheel)
        near = path if path.is_file() else local_path(wheel.url)
        if near is None and wheel.size:
            known = self._memo.get(_key(wheel.sha256), tuple[Part, ...]) or ()
            fetch = partial(_refuse, wheel) if self.machine.offline else partial(self._fetch, wheel.url)
            return Parts(wheel.filename, wheel.size, fetch, known)
        self._near[wheel.sha256] = 0
        if near is None:
            near = self._fetch_whole(wheel)
            self._near[wheel.sha256] = near.stat().st_size
        return Parts(wheel.filename, near.stat().st_size, partial(self._fetch, near.absolute().as_uri()))

    def _fetch_whole(self, wheel: LockedWheel) -> Path:
        """Bring a wheel to the cache whose size, and so its end, the index does not tell."""
        machine = self.machine
        return fetch_wheels(
            [wheel],
            transport=machine.transport,
            archives=machine.home.archives,
            offline=machine.offline,
            reporter=machine.reporter,
        )[wheel]

    def _fetch(self, url: str, start: int, end: int) -> bytes:
        with self.machine.transport.stream(url, start=start, end=end) as chunks:
            return b"".join(chunks)

    @property
    def _memo(self) -> Memo:
        return Memo(self.machine.home.cache / "ranges")


def expect_stripped(path: str, content: Content) -> Content:
    """Stand in for `strip_library`: what a library of a wheel comes to, by its first bytes."""
    if not isinstance(content, Member) or not is_library(path) or content.size < _SMALLEST_LIBRARY:
        return content
    left = stripped_size(head(content, HEAD), content.size)
    if left == content.size:
        return content
    packed = content.packed * ratios.RECOMPRESSED - (content.size - left) * ratios.SYMBOLS
    return Expected(left, min(packed, left * ratios.CODE))


def _refuse(wheel: LockedWheel, _start: int, _end: int) -> bytes:
    raise NetworkError(
        f"{wheel.filename} is not in the cache", where=wheel.name, hint="predict once without --offline"
    )


def _key(sha256: str) -> Digest:
    return of_value(["parts", _FORMAT, sha256])
