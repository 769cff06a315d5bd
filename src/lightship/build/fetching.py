"""Archives that a lock pins, brought to this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from lightship.build.machine import Machine
from lightship.debs.model import LockedDeb
from lightship.project.detect import Project
from lightship.wheels.model import LockedArchive


class Fetcher(Struct, frozen=True):
    """Brings locked archives to the cache of a machine; Debian packages are those of `suite`."""

    project: Project
    machine: Machine
    suite: str = ""

    def __call__(self, wheels: Sequence[LockedArchive], debs: Sequence[LockedDeb]) -> Mapping[str, Path]:
        return {**self._wheels(wheels), **self._debs(debs)}

    def _wheels(self, wheels: Sequence[LockedArchive]) -> dict[str, Path]:
        if not wheels:
            return {}
        from lightship.wheels.fetch import fetch_wheels

        machine = self.machine
        found = fetch_wheels(
            wheels,
            transport=machine.transport,
            archives=machine.home.archives,
            offline=machine.offline,
            reporter=machine.reporter,
        )
        return {wheel.sha256: path for wheel, path in found.items()}

    def _debs(self, debs: Sequence[LockedDeb]) -> dict[str, Path]:
        if not debs:
            return {}
        from lightship.build.resolving import debian_sources
        from lightship.debs.fetch import fetch_debs

        machine, config = self.machine, self.project.config
        found = fetch_debs(
            debs,
            sources=debian_sources(self.suite, config.debian_mirror, machine),
            transport=machine.transport,
            archives=machine.home.archives,
            offline=machine.offline,
            reporter=machine.reporter,
        )
        return {deb.sha256: path for deb, path in found.items()}
