"""Packages of the system: those of the image, those of builders, and those that nobody needs to name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.expand import unknown
from lightship.dockerfile.headers import HEADERS
from lightship.dockerfile.migrate.model import Outcome, by_hand, carried, unneeded
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.packages import Install, installs
from lightship.dockerfile.rules.packages import is_build_tool
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Stage, Step

_PYTHON = re.compile(
    r"(?:lib)?python3?(?:\.\d+)?(?:-(?:pip|venv|dev|distutils|minimal|full|setuptools|wheel|virtualenv))?|py3?-pip"
)
_BASE = frozenset({
    *("ca-certificates", "tzdata", "netbase", "base-files", "libc6", "libgcc-s1", "libstdc++6", "zlib1g"),
    *("libffi8", "libffi7", "libssl3", "libssl3t64", "libexpat1", "libsqlite3-0", "libbz2-1.0"),
    *("liblzma5", "libuuid1", "libncursesw6", "libreadline8", "libc6-compat", "gcompat", "libgcc"),
})  # fmt: skip
"""What the base has, or Python itself needs."""
_BUILDER = frozenset({
    *("gcc", "g++", "make", "patch", "pkg-config", "pkgconf", "build-essential", "build-base", "libc6-dev"),
    *("libc-dev", "musl-dev", "dpkg-dev", "linux-headers"),
})  # fmt: skip
"""What every builder of Lightship has."""
_APT_TOOLS = frozenset({
    *("software-properties-common", "apt-transport-https", "apt-utils", "lsb-release", "gnupg", "gnupg2"),
    *("dirmngr", "debian-archive-keyring", "debconf", "locales", "sudo"),
})  # fmt: skip
_FETCHERS = frozenset({"curl", "wget", "git", "git-lfs", "unzip", "zip", "xz-utils", "bzip2", "aria2", "jq"})
_EDITORS = frozenset({
    *("vim", "nano", "less", "htop", "procps", "net-tools", "iputils-ping", "dnsutils", "telnet", "strace"),
    *("bash", "lsof", "tmux", "screen", "openssh-client", "iproute2", "netcat", "vim-tiny", "man-db"),
})  # fmt: skip
_SEVERAL = frozenset({"nginx", "supervisor", "cron", "openssh-server", "systemd", "redis-server", "apache2"})
_VARIED = re.compile(
    r"libgl1(?:-mesa-glx|-mesa-dri)?|libglib2\.0-0(?:t64)?|libsm6|libxext6|libxrender1|libgomp1|libx11-6"
)
"""Libraries that manylinux wheels link to, beside those whose headers the linter knows."""
_LOADED = re.compile(
    r"libmagic1|libcairo2|libpango.*|libpangocairo.*|libsndfile1|libportaudio2|libopus0|libenchant-2-2|libusb-1\.0-0|libgirepository.*"
)
"""Libraries that Python code usually loads by name (`dlopen`), of which no ELF file tells."""


def package_outcomes(scene: Scene, stage: Stage, step: Step) -> Iterator[Outcome]:
    """Say of every package of the system that a `RUN` installs what becomes of it."""
    for found in installs(step):
        if found.is_python:
            continue
        if found.action != "install" or found.verb.text in ("upgrade", "dist-upgrade"):
            yield unneeded(found.command.span, _WHY.get(found.action, _WHY["upgrade"]))
        elif found.manager == "apk":
            yield from _apk(scene, stage, found)
        else:
            yield from _each(scene, stage, found)
            yield from _outside(found)


def _apk(scene: Scene, stage: Stage, found: Install) -> Iterator[Outcome]:
    """Alpine's names are not Debian's: the packages are told, not guessed."""
    names = [name for name in found.names if not is_build_tool(name) and name not in _BASE]
    if not names or scene.role(stage) is not Role.FINAL:
        yield unneeded(
            found.command.span, "the builder has compilers; headers are named when a build misses them"
        )
        return
    hint = "look up Debian's names, and put them into `runtime-packages`"
    yield by_hand(found.command.span, f"packages of Alpine: {', '.join(names)}", hint)


def _each(scene: Scene, stage: Stage, found: Install) -> Iterator[Outcome]:
    """Gather packages of one call by what becomes of them."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for word, name in zip(found.packages, found.names, strict=True):
        if unknown(word.text) or not name:
            groups.setdefault(
                ("hand", "a variable names packages", "name them in `runtime-packages`"), []
            ).append(word.text)
            continue
        groups.setdefault(_fate(scene, stage, name), []).append(name)
    for (fate, why, hint), names in groups.items():
        yield _told(found.command.span, fate, f"{', '.join(names)}: {why}", hint, tuple(names))


def _told(span: Span, fate: str, message: str, hint: str, names: tuple[str, ...]) -> Outcome:
    if fate == "unneeded":
        return unneeded(span, message, hint)
    if fate == "hand":
        return by_hand(span, message, hint)
    return carried(span, message, {fate: names}, hint)


def _fate(scene: Scene, stage: Stage, name: str) -> tuple[str, str, str]:
    """Say what becomes of a package: a key of the configuration, `unneeded` or `hand`; why; a hint."""
    shipped = scene.role(stage) is Role.FINAL
    why = _needless(name)
    if why:
        return "unneeded", why, ""
    if name in _SEVERAL and shipped:
        return "hand", "a second service beside the first", "give it an image of its own"
    if name in _FETCHERS:
        return _fetcher(scene, stage, name)
    if is_build_tool(name) or not shipped:
        return "build-packages", "build-packages", ""
    return _shipped(name)


def _needless(name: str) -> str:
    if _PYTHON.fullmatch(name):
        return "Python is in the base"
    reasons = (
        (_BASE, "in the base"),
        (_BUILDER, "every builder has it"),
        (_APT_TOOLS, "no archive is added"),
    )
    return next((why for names, why in reasons if name in names), "")


def _fetcher(scene: Scene, stage: Stage, name: str) -> tuple[str, str, str]:
    if scene.role(stage) is Role.MAKER:
        return "build-packages", "build-packages", ""
    used = scene.role(stage) is Role.FINAL and _starts_with(scene, name)
    if used:
        return "runtime-packages", "runtime-packages", ""
    return (
        "unneeded",
        "nothing in the image calls it, as far as this file tells",
        f'if the service does: runtime-packages = ["{name}"]',
    )


def _shipped(name: str) -> tuple[str, str, str]:
    if _LOADED.fullmatch(name):
        return (
            "runtime-packages",
            "runtime-packages; Python loads such libraries by name, which no ELF file tells",
            "",
        )
    if _is_linked(name):
        hint = f'if Python code loads it by name: runtime-packages = ["{name}"]'
        return "unneeded", "found by itself where a wheel links to it", hint
    if name in _EDITORS:
        return "unneeded", "a tool for people: target development has such", ""
    return "runtime-packages", "runtime-packages", ""


def _is_linked(name: str) -> bool:
    """Tell whether a package has a library that wheels link to, so that their ELF files ask for it."""
    known = any(library.is_in(frozenset({name})) for library in HEADERS.values())
    return name.startswith("lib") and (known or _VARIED.fullmatch(name) is not None)


def _starts_with(scene: Scene, name: str) -> bool:
    """Tell whether what is started, but for the health check, calls a program."""
    texts = [scene.last(scene.build.final, keyword) for keyword in ("CMD", "ENTRYPOINT")]
    return any(re.search(rf"\b{re.escape(name)}\b", scene.text(text.span)) for text in texts if text)


def _outside(found: Install) -> Iterator[Outcome]:
    for release in found.values("-t", "--target-release"):
        hint = "packages come from the base's own suite: set `base` to that suite if its Python will do"
        yield by_hand(found.command.span, f"packages of release {release}", hint)


_WHY = {
    "update": "the signed index is read when the lock is made",
    "remove": "what is not asked for is not installed",
    "clean": "nothing but packages' own files comes into a layer: there is nothing to clean",
    "upgrade": "the lock has the newest packages of the suite: lightship lock --upgrade",
}
