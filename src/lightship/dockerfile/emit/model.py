"""What the templates are filled with: the service, taken from its configuration and its plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lightship.oci.model import Healthcheck

Style = Literal["wheels", "site-packages", "venv"]
STYLES: tuple[Style, ...] = ("wheels", "site-packages", "venv")
CI = Literal["github", "gitlab"]
WHEELS = "wheels"
"""The group that has most."""
CIS: tuple[CI, ...] = ("github", "gitlab")


@dataclass(frozen=True, slots=True)
class Options:
    """How the files are to be; `variants` as asked for, none for all.

    `portable` leaves out what Docker 20.10's own frontend does not know, `COPY --link`, and the line that
    would fetch a newer frontend.
    """

    style: Style = "wheels"
    portable: bool = False
    ci: CI | None = None
    variants: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that makes these files."""
        words = ["lightship", "dockerfile", *(f"--variant {name}" for name in self.variants)]
        words += [f"--style {self.style}"] if self.style != "wheels" else []
        words += ["--portable"] if self.portable else []
        return " ".join([*words, *([f"--ci {self.ci}"] if self.ci else [])])

    @property
    def header(self) -> str:
        """What every file begins with, behind its mark of a comment."""
        return f"Made by `{self.command}`: change the configuration, and run it again."


@dataclass(frozen=True, slots=True)
class Copy:
    """`COPY`: of the build context, or `origin`, a stage or an image."""

    sources: tuple[str, ...]
    place: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Distributions that are fetched and installed together.

    `texts` are requirement files by variant, `names` the distributions in them. `sources` tells those that
    are built first: a hash pins their source, and not what is installed. `slims` say what is left out of
    them, where anything is; `prefix` is in the names of the stage and of these files.
    """

    name: str
    why: str
    texts: dict[str, str]
    names: dict[str, frozenset[str]]
    sources: bool = False
    slims: dict[str, str] = field(default_factory=dict)
    prefix: str = ""

    @property
    def stage(self) -> str:
        return f"{self.prefix}{self.name}"

    @property
    def suffix(self) -> str:
        """What its files have behind the variant's name."""
        return "" if self.name == WHEELS else f"-{self.name}"

    @property
    def is_full(self) -> bool:
        """Whether any variant has something in it."""
        return any("==" in text for text in self.texts.values())


@dataclass(frozen=True, slots=True)
class Chain:
    """The stages from a builder's packages to an image with all of them; `prefix` begins their names."""

    prefix: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """What one variant has of its own: Debian packages, variables, outputs of named stages."""

    name: str
    packages: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    cuda: bool = False

    @property
    def has_base(self) -> bool:
        return bool(self.packages or self.env)


@dataclass(frozen=True, slots=True)
class Target:
    """A target beside production: what it has on top, and what it starts."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    packages: tuple[str, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A named stage: its requirement file, if any, what it copies into its working folder, and runs."""

    name: str
    requirements: str
    copies: tuple[Copy, ...]
    run: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that the files say.

    `contexts` are build contexts beside the project, by name. The first of `chains` is production's, the last
    one that of other targets. `bytecode` is the configured level; `modules` are lists by variant of what is
    compiled, empty if nothing is known, and `excluded` the base's own folders in site-packages.
    """

    name: str
    version: str
    python: str
    base: str
    builder: str
    contexts: dict[str, str]
    build_packages: tuple[str, ...]
    packages: tuple[str, ...]
    variant: str
    variants: tuple[Variant, ...]
    chains: tuple[Chain, ...]
    bytecode: str
    modules: dict[str, str]
    excluded: tuple[str, ...]
    stages: tuple[Stage, ...]
    targets: tuple[Target, ...]
    platforms: tuple[str, ...]
    copies: tuple[Copy, ...]
    env: dict[str, str]
    labels: dict[str, str]
    workdir: str
    user: str
    uid: int
    gid: int
    ports: tuple[int, ...]
    command: tuple[str, ...]
    health: Healthcheck | None
    stop_signal: str
    backends: tuple[str, ...]

    @property
    def has_variant_bases(self) -> bool:
        return any(variant.has_base for variant in self.variants)

    @property
    def has_variant_copies(self) -> bool:
        return any(variant.copies for variant in self.variants)
