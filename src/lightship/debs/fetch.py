"""Downloads of locked packages, checked as they arrive, kept under their digest."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource
from lightship.digest import from_hex, hex_of
from lightship.errors import IntegrityError, NetworkError, UsageError
from lightship.events import Reporter, Task
from lightship.net.download import fetch_file
from lightship.net.transport import Transport


def fetch_debs(
    debs: Sequence[LockedDeb],
    *,
    sources: Sequence[DebianSource],
    transport: Transport,
    archives: Path,
    reporter: Reporter,
    offline: bool = False,
    workers: int = 4,
) -> dict[LockedDeb, Path]:
    """Fetch packages into `archives/sha256/<hex>`; what is there already is taken by its name and size.

    Raises:
        NetworkError: a mirror cannot be read, or offline, a package is not there.
        IntegrityError: what a mirror sent is not the locked package.
        UsageError: no source is known for an archive that the lock names.

    """
    paths = {deb: archives / "sha256" / hex_of(from_hex(deb.sha256)) for deb in debs}
    missing = [deb for deb, path in paths.items() if not _is_there(path, deb)]
    if missing and offline:
        names = ", ".join(f"{deb.name} {deb.version}" for deb in missing)
        raise NetworkError(f"not in the cache: {names}", hint="run once without `--offline`")
    mirrors = {source.archive: source for source in reversed(sources)}
    with (
        reporter.task("Debian packages", sum(deb.size for deb in missing)) as task,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):
        downloads = [_Download(deb, _mirror(deb, mirrors), paths[deb]) for deb in missing]
        futures = [pool.submit(download.run, transport, task) for download in downloads]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return paths


def _is_there(path: Path, deb: LockedDeb) -> bool:
    return path.is_file() and path.stat().st_size == deb.size


def _mirror(deb: LockedDeb, mirrors: dict[str, DebianSource]) -> DebianSource:
    if deb.archive in mirrors:
        return mirrors[deb.archive]
    raise UsageError(
        f"no mirror is known for the {deb.archive} archive, from which {deb.name} {deb.version} is locked",
        hint="add it to the host's apt sources or to `debian-mirror`, or lock again with `--upgrade`",
    )


@dataclass(frozen=True, slots=True)
class _Download:
    deb: LockedDeb
    source: DebianSource
    path: Path

    def run(self, transport: Transport, task: Task) -> None:
        url = f"{self.source.mirror}/{self.deb.path}"
        try:
            fetch_file(
                transport, url, self.path, digest=from_hex(self.deb.sha256), size=self.deb.size, task=task
            )
        except IntegrityError as error:
            raise IntegrityError(
                f"{self.deb.name} {self.deb.version} is not the package that is locked",
                where=f"{self.source.label}/{self.deb.path}",
                hint="the mirror or a proxy sends something else: use another mirror",
                detail=error.message,
            ) from error
        except NetworkError as error:
            raise NetworkError(
                f"cannot fetch {self.deb.name} {self.deb.version}",
                where=self.source.label,
                hint="check the mirror; if it no longer has this version, lock again with `--upgrade`",
                detail=str(error),
            ) from error
