"""The build context: what the plan ships, and nothing else, in a folder beside the project.

An engine may read all of the context that it is given, but for what `.dockerignore` lists, and a `Dockerfile`
in it may be another one. So a folder of our own is made of the plan's files, by hard links: nothing is copied
that need not be, and the project is not written to.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightship.engines.model import PINNED, PinnedLayout
from lightship.fs.atomic import storage_error
from lightship.fs.tar import EPOCH
from lightship.oci.layout import Layout, LayoutImage
from lightship.project.sources import SourceFile


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder for one build."""

    folder: Path

    @property
    def context(self) -> Path:
        return self.folder / "context"

    @property
    def dockerfile(self) -> Path:
        """It lies outside of the context, so that no `COPY` takes it along."""
        return self.folder / "Dockerfile"

    @property
    def secret(self) -> Path:
        return self.folder / "pip.conf"

    @property
    def layouts(self) -> Path:
        return self.folder / "layouts"


@contextmanager
def workplace(project: Path, cache: Path) -> Iterator[Workplace]:
    """Make an empty folder that goes when the block ends.

    Builds of a project have the same one, one after the other: by its path BuildKit knows which files it has
    already. A build beside another gets one of its own.

    Raises:
        StageError: if the disk is full or the cache cannot be written.

    """
    key = hashlib.sha256(os.fsencode(project.resolve())).hexdigest()[:16]
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / f"{key}.lock").open("w")
    except OSError as error:
        raise storage_error(error, cache) from error
    with lock:
        folder = cache / key if _is_free(lock.fileno()) else Path(tempfile.mkdtemp(dir=cache))
        shutil.rmtree(folder, ignore_errors=True)  # what a build left that was killed
        folder.mkdir(mode=0o700)
        try:
            yield Workplace(folder)
        finally:
            shutil.rmtree(folder)


def fill_context(
    context: Path,
    project: Path,
    files: Iterable[SourceFile],
    texts: Mapping[str, str],
    others: Mapping[str, Path],
) -> None:
    """Lay out files of the project, texts, and files from elsewhere, each by its path in the context.

    Modes are the direct engine's: the umask that a file was made under does not reach the image.

    Raises:
        StageError: if the disk is full, or a file cannot be read.

    """
    try:
        _fill(context, project, files, texts, others)
    except OSError as error:
        raise storage_error(error, Path(error.filename or context)) from error


def _fill(
    context: Path,
    project: Path,
    files: Iterable[SourceFile],
    texts: Mapping[str, str],
    others: Mapping[str, Path],
) -> None:
    context.mkdir()
    for path, text in texts.items():
        (place := _place(context, path)).write_text(text, encoding="utf-8")
        _settle(place, 0o644, EPOCH)
    for path, source in others.items():
        _link(source, _place(context, path), 0o644)
    for file in files:
        if file.path in texts:
            continue
        if file.link:
            _place(context, file.path).symlink_to(file.link)
        else:
            _link(project / file.path, _place(context, file.path), 0o755 if file.executable else 0o644)
    for folder, _, _ in os.walk(context):
        _settle(Path(folder), 0o755, EPOCH)


def pin_layout(folder: Path, image: LayoutImage) -> PinnedLayout:
    """Make a layout of one image over the blobs of its own, in which its tag may stand for another by now."""
    folder.mkdir(parents=True)
    (folder / "blobs").symlink_to((image.layout.path / "blobs").resolve())
    layout = Layout(folder)
    layout.create()
    layout.tag(PINNED, image.descriptor)
    return PinnedLayout(folder, image.descriptor.digest)


def _is_free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _place(context: Path, path: str) -> Path:
    place = context / path
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _link(source: Path, place: Path, mode: int) -> None:
    """Link a file that has the right mode; another one, or one on another file system, is copied."""
    status = source.stat()
    if status.st_mode & 0o7777 == mode:
        try:
            place.hardlink_to(source)
        except OSError:
            pass
        else:
            return
    shutil.copyfile(source, place)
    _settle(place, mode, int(status.st_mtime))


def _settle(path: Path, mode: int, time: int) -> None:
    path.chmod(mode)
    os.utime(path, (time, time))
