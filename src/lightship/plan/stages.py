"""Named stages in a plan: what each runs on, and what of it an image takes."""

from __future__ import annotations

from typing import Any

import msgspec

from lightship.digest import Digest, of_value
from lightship.project.sources import SourceFile
from lightship.wheels.model import LockedWheel

RULES = 1
"""Part of every key: raised when stages are run in another way."""


class ImageOrigin(msgspec.Struct, frozen=True, tag="image"):
    """An image: `name` as it is configured, `digest` of its manifest."""

    name: str
    digest: Digest

    @property
    def words(self) -> str:
        return f"image {self.name}"


class StageOrigin(msgspec.Struct, frozen=True, tag="stage"):
    """What the commands of a stage leave behind; `digest` is that of all they depend on."""

    name: str
    digest: Digest

    @property
    def words(self) -> str:
        return f"stage {self.name}"


Origin = ImageOrigin | StageOrigin


class Taken(msgspec.Struct, frozen=True):
    """A file or folder at `path` of its origin, and its `place` in a stage's working folder."""

    origin: Origin
    path: str
    place: str


class StagePlan(msgspec.Struct, frozen=True):
    """A stage that runs commands.

    `root` is the digest of the builder's root, `python` the target's, as `3.11`; `inputs` are the files of
    the project, and `takes` those of other stages and images, that the commands see.
    """

    name: str
    root: Digest
    python: str
    run: tuple[str, ...]
    wheels: tuple[LockedWheel, ...] = ()
    inputs: tuple[SourceFile, ...] = ()
    takes: tuple[Taken, ...] = ()

    @property
    def origin(self) -> StageOrigin:
        """What others take from, under the digest of all that decides it."""
        decides = {
            "rules": RULES,
            "root": self.root,
            "python": self.python,
            "run": self.run,
            "wheels": sorted(wheel.sha256 for wheel in self.wheels),
            "inputs": [msgspec.structs.astuple(file) for file in self.inputs],
            "takes": [(take.origin.digest, take.path, take.place) for take in self.takes],
        }
        return StageOrigin(self.name, of_value(decides))


class StageLayer(msgspec.Struct, frozen=True, tag="stage"):
    """Outputs of a named stage; `copies` are pairs of a path there and the place in the image."""

    stage: str
    origin: Origin
    copies: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        return f"stage {self.stage}: {', '.join(place for _, place in self.copies)}"

    @property
    def download(self) -> int:
        return 0

    def recipe(self) -> dict[str, Any]:
        return {"kind": "stage", "origin": self.origin.digest, "copies": self.copies}
