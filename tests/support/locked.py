"""A project with a lock, whose archives are all on this machine: it builds without a network."""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lightship.build.bytecode import LOADERS
from lightship.build.inputs import target_inputs
from lightship.build.locks import inputs_of
from lightship.build.machine import Machine
from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.events import Reporter, SilentReporter
from lightship.platform import Platform
from lightship.project.detect import Project, read_project
from lightship.project.targets import find_target
from lightship.wheels.groups import add_groups
from lightship.wheels.lock import LockedTarget, LockTable, render_lock
from lightship.wheels.model import LockedLibrary
from tests.support.wheels import filename, wheel_bytes
from tests.unit.debs.forge import item, write_deb

AMD64 = Platform("amd64")
APPLICATION = "from fastapi import FastAPI\napp = FastAPI()\n"
DEBS = {"base-files": "12.4", "libc6": "2.36-9", "python3.11-minimal": "3.11.2-6"}
LIBRARIES = tuple(LockedLibrary("libc6", "libc.so.6", name, f"{name}.so") for name in ("demo", "other"))


@dataclass(frozen=True)
class Locked:
    """`environ` makes a process, or a `Machine`, use the home below `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "project"

    @property
    def lock(self) -> Path:
        return self.folder / "pylock.none.toml"

    @property
    def environ(self) -> Mapping[str, str]:
        return {"LIGHTSHIP_HOME": str(self.root / "home"), "HOME": str(self.root / "user")}

    def machine(self, reporter: Reporter | None = None) -> Machine:
        return Machine(
            environ=self.environ,
            user=self.root / "user",
            prefix=self.root / "prefix",
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            reporter=reporter or SilentReporter(),
            offline=True,
        )

    def project(self) -> Project:
        return read_project(self.folder)


def locked_project(root: Path) -> Locked:
    made = Locked(root)
    for name, text in {"requirements.txt": "demo\nother\n", "app/main.py": APPLICATION}.items():
        path = made.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write_lock(made)
    return made


def write_lock(
    made: Locked, base: str = "debian:bookworm", digests: Mapping[Platform, Digest] | None = None
) -> None:
    """Lock the project as it is; with `digests`, its base is an image, and no Debian package joins it."""
    made.lock.write_text(render_lock(*_lock_of(made, base, digests or {})))


def write_lock_for(made: Locked, *platforms: Platform) -> None:
    """Configure the project for several platforms, and lock it; they have the same archives."""
    names = ", ".join(f'"{platform}"' for platform in platforms)
    with (made.folder / "lightship.toml").open("a") as file:
        file.write(f"platforms = [{names}]\n")
    pylock, table = _lock_of(made, "debian:bookworm", {})
    debs, libraries = table.debs[AMD64], table.libraries[AMD64]
    table = replace(
        table,
        platforms=platforms,
        debs=dict.fromkeys(platforms, debs),
        libraries=dict.fromkeys(platforms, libraries),
    )
    made.lock.write_text(render_lock(pylock, table))


def write_lock_with_target(made: Locked, name: str = "development") -> None:
    """Lock the project as it is, and a target that adds the distribution `extra` and the package `dash`."""
    pylock, table = _lock_of(made, "debian:bookworm", {})
    project, machine = made.project(), made.machine()
    target = LockedTarget(
        inputs=target_inputs(project, find_target(project, name), machine),
        debs={AMD64: (_cached_deb(made, "dash", "0.5"),)},
        libraries={},
        builders={},
    )
    text = add_groups(pylock, {name: _package(made.root / "index", "extra")})
    made.lock.write_text(render_lock(text, replace(table, targets={name: target})))


def _lock_of(made: Locked, base: str, digests: Mapping[Platform, Digest]) -> tuple[str, LockTable]:
    wheels = "".join(_package(made.root / "index", name) for name in ("demo", "other"))
    pylock = f'lock-version = "1.0"\ncreated-by = "uv"\nrequires-python = ">=3.11"\n{wheels}'
    table = LockTable(
        variant="none",
        python="3.11",
        base=base,
        inputs=inputs_of(made.project(), "none", made.machine()),
        platforms=tuple(digests) or (AMD64,),
        debs=dict.fromkeys(digests, ()) or {AMD64: tuple(_cached_deb(made, *deb) for deb in DEBS.items())},
        libraries=dict.fromkeys(digests, ()) or {AMD64: LIBRARIES},
        base_digests=digests,
        generated_by="1.0",
    )
    return pylock, table


def _package(folder: Path, name: str) -> str:
    data = wheel_bytes(
        name, "1.0", {f"{name}.py": b"x = 1\n"}, entry_points=f"[console_scripts]\n{name} = {name}:x\n"
    )
    path = folder / filename(name, "1.0")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    hashes = f'{{ sha256 = "{hashlib.sha256(data).hexdigest()}" }}'
    wheel = f'{{ name = "{path.name}", url = "{path.as_uri()}", size = {len(data)}, hashes = {hashes} }}'
    return f'\n[[packages]]\nname = "{name}"\nversion = "1.0"\nwheels = [{wheel}]\n'


def _cached_deb(made: Locked, name: str, version: str) -> LockedDeb:
    archives = made.machine().home.archives / "sha256"
    archives.mkdir(parents=True, exist_ok=True)
    items = [item(f"./usr/share/{name}", b"data"), item(f"./usr/share/man/man1/{name}.1", b"12345")]
    if name == "python3.11-minimal":
        items.append(_interpreter())
    deb, path = write_deb(archives, name, items, version=version)
    path.rename(archives / deb.sha256)
    return deb


def _interpreter() -> tuple[tarfile.TarInfo, bytes]:
    """What stands for the loader that starts the image's Python: it runs this one."""
    script = f'#!/bin/sh\nshift 3\nunset PYTHONHOME\nexec {sys.executable} "$@"\n'
    platform = Platform({"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine])
    path = f"./usr/lib/{platform.multiarch}/{LOADERS[platform.machine]}"
    return item(path, script.encode(), mode=0o755)
