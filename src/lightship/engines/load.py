"""Hand an image to Docker or Podman on this machine, as a stream: no temporary file."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Literal, cast

from lightship.errors import StageError, UsageError
from lightship.events import Reporter, Task
from lightship.fs.entries import Entry
from lightship.oci.archive import archive_chunks, archive_entries, archive_size, full_name
from lightship.oci.layout import LayoutImage
from lightship.reference import parse_reference

EngineName = Literal["docker", "podman"]

_START = {
    "docker": "start it (`sudo systemctl start docker`), or set DOCKER_HOST to one that runs",
    "podman": "`podman info` says more",
}


def load(
    image: LayoutImage, name: str, *, engine: EngineName, environ: Mapping[str, str], reporter: Reporter
) -> bool:
    """Make an image known to an engine under `name`; an image that it has already is only tagged.

    `environ` says where the engine is (PATH) and how it is reached (DOCKER_HOST, CONTAINER_HOST …).
    Returns whether the image had to be sent.

    Raises:
        UsageError: if the engine is not installed or does not run, or `name` is no tag.
        StageError: if it refuses the image.
        IntegrityError: if a blob is missing or damaged.

    """
    command = _find(engine, environ)
    if known := _known(command, image):
        command.run("image", "tag", known, full_name(parse_reference(name)))
        reporter.note(f"{engine} has this image already; it is now also called {name}")
        return False
    entries = archive_entries(image, name)
    with reporter.task(f"Loading into {engine}", archive_size(entries)) as task:
        _send(command, entries, task)
    return True


@dataclass(frozen=True, slots=True)
class _Command:
    engine: EngineName
    program: str
    environ: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Run the engine and return what it printed.

        Raises:
            StageError: if it failed; what it said is the detail.

        """
        done = subprocess.run(
            [self.program, *arguments], env=self.environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StageError(f"`{self.engine} {' '.join(arguments)}` failed", detail=done.stderr.strip())
        return done.stdout


def _find(engine: EngineName, environ: Mapping[str, str]) -> _Command:
    program = shutil.which(engine, path=environ.get("PATH"))
    if program is None:
        raise UsageError(
            f"{engine} is not installed",
            hint=f"install it, or write a file to load elsewhere: -o docker-archive:FILE, then {engine} load",
        )
    command = _Command(engine, program, environ)
    try:
        command.run("version")
    except StageError as error:
        raise UsageError(f"{engine} does not answer", hint=_START[engine], detail=error.detail) from error
    return command


def _known(command: _Command, image: LayoutImage) -> str | None:
    """Find the ID under which the engine has the image.

    It is the configuration's digest, except in Docker's containerd store, where it is the manifest's.
    """
    for digest in (image.manifest.config.digest, image.descriptor.digest):
        with suppress(StageError):
            command.run("image", "inspect", digest)
            return digest
    return None


def _send(command: _Command, entries: list[Entry], task: Task) -> None:
    # What the engine says goes to a file: with a pipe nobody reads, it could stop reading the image.
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            [command.program, "load"], env=command.environ, stdin=subprocess.PIPE, stdout=said, stderr=said
        ) as process:
            _feed(process, cast(IO[bytes], process.stdin), entries, task)
        if process.returncode:
            said.seek(0)
            detail = said.read().decode(errors="replace").strip()
            raise StageError(f"`{command.engine} load` refused the image", detail=detail)


def _feed(process: subprocess.Popen[bytes], pipe: IO[bytes], entries: list[Entry], task: Task) -> None:
    try:
        for chunk in archive_chunks(entries):
            pipe.write(chunk)
            task.advance(len(chunk))
        pipe.close()
    except BrokenPipeError:
        _close(pipe)  # the engine gave up: its exit status and its words say why
    except BaseException:
        process.kill()  # or it would take what it has so far for the whole
        _close(pipe)
        raise


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()
