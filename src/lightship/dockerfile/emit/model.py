"""What the templates are filled with: the service, taken from its configuration and its plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lightship.oci.model import Healthcheck

Style = Literal["wheels", "site-packages", "venv"]
STYLES: tuple[Style, ...] = ("wheels", "site-packages", "venv")
CI = Literal["github", "gitlab"]
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
    """Distributions that are fetched and installed together; `texts` are requirement files by variant.

    `sources` tells those that are built first: a hash pins their source, and not what is installed.
    """

    name: str
    why: str
    texts: dict[str, str]
    sources: bool = False

    @property
    def is_full(self) -> bool:
        """Whether any variant has something in it."""
        return any("==" in text for text in self.texts.values())


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
    """Everything that the files say; `contexts` are build contexts beside the project, by name."""

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
    groups: tuple[Group, ...]
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
