"""The plan: every layer by what it is made from, and how the image is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lightship.debs import trim as debs_trim
from lightship.debs.alternatives import ALTERNATIVES
from lightship.debs.model import LockedDeb
from lightship.digest import Digest, of_value
from lightship.oci.model import Execution
from lightship.oci.record import Compression, LayerRecord
from lightship.plan.base import BaseSummary
from lightship.plan.stages import StageLayer, StagePlan
from lightship.platform import Platform
from lightship.project.sources import SourceFile
from lightship.project.start import Start
from lightship.wheels import trim as wheels_trim
from lightship.wheels.model import LockedLibrary, LockedWheel, SourceBuild

if TYPE_CHECKING:
    from lightship.slim import Trimmer

STRIP = 1
"""Version of the rules by which libraries are stripped."""
FORMAT = 1
"""Version of the rules by which layers are made: part of every key, so that new rules make new layers."""


class BaseLayer(msgspec.Struct, frozen=True, tag="base"):
    """The operating system: Debian packages of one suite, less what the rules named in `trim` leave out."""

    suite: str
    architecture: str
    packages: tuple[LockedDeb, ...]
    trim: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"base: Debian {self.suite}, {len(self.packages)} packages"

    @property
    def download(self) -> int:
        """Bytes of the archives that it is made from."""
        return sum(package.size for package in self.packages)

    def recipe(self) -> dict[str, Any]:
        archives = [package.sha256 for package in self.packages]
        return {
            "kind": "base",
            "architecture": self.architecture,
            "packages": archives,
            "trim": [rule.essence() for rule in debs_trim.rules_named(self.trim)],
        }


class ToolsLayer(msgspec.Struct, frozen=True, tag="tools"):
    """Debian packages of a target, over a base of the packages `below`.

    It holds what a base of both would have and the one below has not, or has otherwise: the loader's cache
    names all libraries. `trim` are the rules for both together, `trim_below` those that the base follows.
    On an image, `below` are the packages that join it, and `cached` is its `ld.so.cache`, by name and path.
    """

    architecture: str
    packages: tuple[LockedDeb, ...]
    trim: tuple[str, ...]
    below: tuple[LockedDeb, ...]
    trim_below: tuple[str, ...]
    cached: tuple[tuple[str, str], ...] | None = None

    @property
    def title(self) -> str:
        count = len(self.packages)
        return f"tools: {count} Debian package{'s'[: count != 1]}"

    @property
    def download(self) -> int:
        return sum(package.size for package in self.packages)

    def recipe(self) -> dict[str, Any]:
        def essences(names: tuple[str, ...]) -> list[list[object]]:
            return [rule.essence() for rule in debs_trim.rules_named(names)]

        return {
            "kind": "tools",
            "architecture": self.architecture,
            "packages": [package.sha256 for package in self.packages],
            "trim": essences(self.trim),
            "below": [package.sha256 for package in self.below],
            "trim-below": essences(self.trim_below),
            "alternatives": ALTERNATIVES,
            **({} if self.cached is None else {"cached": self.cached}),
        }


class PackagesLayer(BaseLayer, frozen=True, tag="packages"):
    """Debian packages on an image of the same suite; `cached` is its `ld.so.cache`, by name and path."""

    cached: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        return f"packages: Debian {self.suite}, {', '.join(package.name for package in self.packages)}"

    def recipe(self) -> dict[str, Any]:
        return {**BaseLayer.recipe(self), "kind": "packages", "cached": self.cached}


class ImageLayer(msgspec.Struct, frozen=True, tag="image"):
    """A layer of the image that is built on, as it is: the one of `number` (1 is the lowest) of `count`."""

    reference: str
    image: Digest
    record: LayerRecord
    number: int
    count: int

    @property
    def title(self) -> str:
        return f"base: layer {self.number} of {self.count} of {self.reference}"

    @property
    def download(self) -> int:
        return self.record.descriptor.size

    def recipe(self) -> dict[str, Any]:
        return {"kind": "image", "layer": self.record.descriptor.digest, "diff_id": self.record.diff_id}


class EnvironmentLayer(msgspec.Struct, frozen=True, tag="environment"):
    """The virtual environment without its distributions, the user, and the working directory.

    On an image of others' making, `interpreter` is the path of its Python, `users` and `groups` are the text
    of its passwd(5) and group(5), to which the user is added; on a Debian suite they are empty.
    """

    prefix: str
    python: str
    user: str
    uid: int
    gid: int
    workdir: str
    interpreter: str = ""
    users: str = ""
    groups: str = ""

    @property
    def title(self) -> str:
        return f"environment: /{self.prefix}, user {self.user}, {self.workdir}"

    @property
    def download(self) -> int:
        return 0

    def recipe(self) -> dict[str, Any]:
        told = {key: value for key, value in msgspec.structs.asdict(self).items() if key not in _OF_IMAGES}
        own = {key: value for key in _OF_IMAGES if (value := getattr(self, key))}
        return {"kind": "environment", **told, **own}


class WheelsLayer(msgspec.Struct, frozen=True, tag="wheels"):
    """One big wheel, or several small ones; of two that write one path, the later one wins.

    `trim` names the rules of trimming that concern any of them. With `keep`, which has paths below
    site-packages by the distribution's name, nothing else of those distributions is shipped. With `strip`,
    libraries lose their symbols for debuggers.
    """

    prefix: str
    python: str
    wheels: tuple[LockedWheel, ...]
    trim: tuple[str, ...] = ()
    keep: dict[str, tuple[str, ...]] = {}
    strip: bool = False

    @property
    def title(self) -> str:
        names = [f"{wheel.name} {wheel.version}" for wheel in self.wheels]
        return f"python: {', '.join(names)}"

    @property
    def download(self) -> int:
        return sum(wheel.size for wheel in self.wheels)

    def trimmer(self, name: str) -> Trimmer:
        """Give what tells which files of a distribution go, by their path below site-packages."""
        return wheels_trim.wheel_trimmer(self.trim, name, self.keep.get(name))

    def recipe(self) -> dict[str, Any]:
        archives = [wheel.sha256 for wheel in self.wheels]
        return {
            "kind": "wheels",
            "prefix": self.prefix,
            "python": self.python,
            "wheels": archives,
            "trim": [rule.essence() for rule in wheels_trim.rules_named(self.trim)],
            **({"keep": self.keep} if self.keep else {}),
            **({"strip": STRIP} if self.strip else {}),
        }


class FilesLayer(msgspec.Struct, frozen=True, tag="files"):
    """Files of the project, placed under the working directory; `what` is `application` or `models`."""

    what: str
    workdir: str
    files: tuple[SourceFile, ...]

    @property
    def title(self) -> str:
        count = len(self.files)
        return f"{self.what}: {count} file{'s'[: count != 1]} in {self.workdir}"

    @property
    def download(self) -> int:
        return 0

    def recipe(self) -> dict[str, Any]:
        files = [msgspec.structs.astuple(file) for file in self.files]
        return {"kind": "files", "workdir": self.workdir, "files": files}


class BytecodeLayer(msgspec.Struct, frozen=True, tag="bytecode"):
    """What Python would compile from modules that another layer has: `.pyc` files that it takes unchecked.

    `compiler` is the Debian version of the Python that compiles, `modules` are the paths of their sources
    in the image; None stands for every module there is.
    """

    of: BaseLayer | WheelsLayer | FilesLayer
    python: str
    compiler: str
    modules: tuple[str, ...] | None = None

    @property
    def title(self) -> str:
        match self.of:
            case BaseLayer():
                return "bytecode: standard library"
            case WheelsLayer(wheels=wheels):
                return f"bytecode: {', '.join(wheel.name for wheel in wheels)}"
            case FilesLayer(what=what):
                return f"bytecode: {what}"

    @property
    def download(self) -> int:
        return 0

    def recipe(self) -> dict[str, Any]:
        compiled = {"python": self.python, "compiler": self.compiler, "modules": self.modules, "rules": 2}
        return {"kind": "bytecode", "of": self.of.recipe(), **compiled}


_OF_IMAGES = ("interpreter", "users", "groups")
"""Fields of an environment that are part of its key only where they are set."""
MadeLayer = (
    BaseLayer
    | PackagesLayer
    | ToolsLayer
    | EnvironmentLayer
    | WheelsLayer
    | StageLayer
    | FilesLayer
    | BytecodeLayer
)
LayerPlan = ImageLayer | MadeLayer


def layer_key(layer: LayerPlan, compression: Compression, first: tuple[str, ...] = ()) -> Digest:
    """Digest of all that decides a layer's bytes: what it is made from, the rules, the compression.

    `first` are the files that lead where the compression heeds an order.
    """
    order = {"first": first} if first else {}
    return of_value({"format": FORMAT, "compression": compression.value, **order, **layer.recipe()})


class Additions(msgspec.Struct, frozen=True):
    """What a target other than production has on top of it; `builds` are done in a root of `builder`."""

    target: str
    debs: tuple[LockedDeb, ...] = ()
    wheels: tuple[LockedWheel, ...] = ()
    libraries: tuple[LockedLibrary, ...] = ()
    builds: tuple[SourceBuild, ...] = ()
    builder: tuple[LockedDeb, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What one image will hold.

    `libraries` says which wheels asked for Debian packages, `budget` is the image's largest unpacked size in
    bytes, and `notes` are remarks. `base` is the image that it builds on, if any. `builds` are done first, in
    a root of the packages of `builder`: their wheels get layers then. There `stages` are run, too, in this
    order. Bytecode is compiled by the Python of one of `compilers`, all of the same version: whichever this
    machine can run. `additions` say what is the target's alone, `start` is what was recorded of production's.
    """

    name: str
    variant: str
    target: str
    architecture: str
    layers: tuple[LayerPlan, ...]
    execution: Execution
    lock: Digest
    libraries: tuple[LockedLibrary, ...] = ()
    budget: int | None = None
    builds: tuple[SourceBuild, ...] = ()
    builder: tuple[LockedDeb, ...] = ()
    stages: tuple[StagePlan, ...] = ()
    compilers: tuple[BaseLayer, ...] = ()
    notes: tuple[str, ...] = ()
    base: BaseSummary | None = None
    additions: Additions | None = None
    start: Start | None = None

    @property
    def platform(self) -> Platform:
        return Platform(self.architecture)

    @property
    def wheels(self) -> tuple[LockedWheel, ...]:
        layers = (layer.wheels for layer in self.layers if isinstance(layer, WheelsLayer))
        return tuple(wheel for wheels in layers for wheel in wheels)

    @property
    def debs(self) -> tuple[LockedDeb, ...]:
        layers = (layer.packages for layer in self.layers if isinstance(layer, BaseLayer | ToolsLayer))
        return tuple(package for packages in layers for package in packages)
