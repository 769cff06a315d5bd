"""What every external engine can do, and what it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.platform import Platform

PINNED = "pinned"


@dataclass(frozen=True, slots=True)
class PinnedLayout:
    """A layout of one image that the Dockerfile copies from or builds on; `PINNED` is the image's tag."""

    folder: Path
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """One image to build; paths are absolute.

    `secrets` are files by their IDs, `layouts` images by the names that the Dockerfile has for them, `extra`
    what the person wants to say to the engine beside all this.
    """

    name: str
    dockerfile: Path
    context: Path
    target: str
    platform: Platform
    arguments: Mapping[str, str]
    secrets: Mapping[str, Path] = field(default_factory=dict)
    layouts: Mapping[str, PinnedLayout] = field(default_factory=dict)
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image as an engine's store has it: its ID, and its size in bytes as the engine counts."""

    id: str
    size: int


class Engine(Protocol):
    """A container engine on this machine that was found to work."""

    @property
    def name(self) -> str: ...

    @property
    def portable(self) -> bool:
        """Whether it needs a Dockerfile without `COPY --link`."""

    def build(self, request: BuildRequest) -> None:
        """Build an image into the engine's store, and show how it goes.

        Raises:
            UsageError: if the engine cannot do what is asked.
            StageError: if the build fails.

        """

    def find(self, name: str) -> EngineImage:
        """Look an image up.

        Raises:
            UsageError: if there is none of that name.

        """

    def save(self, name: str, file: Path) -> None:
        """Write an image as `docker save` does, to a file that is not there yet.

        Raises:
            StageError: if the engine cannot.

        """


def common_arguments(request: BuildRequest) -> list[str]:
    """Give the options that all engines understand alike."""
    return [
        *("--file", str(request.dockerfile), "--tag", request.name, "--target", request.target),
        *("--platform", str(request.platform)),
        *(f"--build-arg={name}={value}" for name, value in request.arguments.items()),
        *(f"--secret=id={name},src={path}" for name, path in request.secrets.items()),
    ]


def no_image(engine: str, name: str) -> UsageError:
    return UsageError(
        f"{engine} has no image {name!r}",
        hint=f"build it with `lightship build --engine {engine}`, or name one that `{engine} images` lists",
    )
