"""Runs an image without a container engine: bubblewrap, the host's network, the image's user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from lightship.oci.model import Execution


class Publish(NamedTuple):
    """A port of the container as it is reached from the host."""

    host_ip: str
    host_port: int
    container_port: int


class Volume(NamedTuple):
    """A path of the host, seen at an absolute path of the container."""

    host: Path
    container: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One start of an image whose root lies unpacked at `root`.

    `argv` replaces entrypoint and command where it is not empty; `env` goes over the image's variables;
    `workdir` and `name` (the host name) replace the image's where they are not empty.
    """

    root: Path
    execution: Execution
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[Publish, ...] = ()
    volumes: tuple[Volume, ...] = ()
    workdir: str = ""
    name: str = ""


def bwrap_arguments(request: RunRequest) -> list[str]:
    raise NotImplementedError


class Running:
    """A started sandbox."""

    @property
    def pid(self) -> int:
        raise NotImplementedError

    def wait(self, timeout: float | None = None) -> int:
        raise NotImplementedError

    def signal(self, number: int) -> None:
        raise NotImplementedError

    def stop(self, timeout: float = 10.0) -> int:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Sandbox:
    """bubblewrap, found on the host."""

    bwrap: Path

    @classmethod
    def find(cls, search_path: str) -> Sandbox:
        """Find bwrap in `search_path` (the form of `$PATH`); raises UsageError with what to install."""
        raise NotImplementedError

    def start(
        self,
        request: RunRequest,
        *,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Running:
        raise NotImplementedError
