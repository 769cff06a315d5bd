"""apt itself, on the same mirror with an empty system, as the oracle of resolving."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from lightship.debs.lock import python_packages
from lightship.debs.sources import ARCHIVE_KEYRING, DebianSource
from lightship.debs.unneeded import UNNEEDED
from tests.integration.debs.conftest import Resolve

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("gpgv")]

LIBRARIES = ("libgl1", "libglib2.0-0", "libgomp1", "libpq5", "libmagic1", "libsndfile1", "libopenblas0")


@dataclass(frozen=True)
class Apt:
    """An empty system with the indexes of a suite."""

    command: tuple[str, ...]
    lists: Path

    def install(self, names: Sequence[str]) -> dict[str, str]:
        """Packages that would be installed, with their versions."""
        command = [*self.command, "--simulate", "--no-install-recommends", "install", *names]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return dict(re.findall(r"^Inst (\S+?)(?::\S+)? \((\S+) ", done.stdout, re.MULTILINE))

    def essential(self) -> set[str]:
        """Packages that apt adds because Debian calls them essential."""
        texts = (path.read_text() for path in self.lists.glob("*Packages"))
        stanzas = (each for text in texts for each in text.split("\n\n") if "\nEssential: yes\n" in each)
        return {each.strip().split("\n")[0].removeprefix("Package: ") for each in stanzas}


@pytest.fixture(scope="session")
def make_apt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[DebianSource, ...], str], Apt]:
    @cache
    def make(sources: tuple[DebianSource, ...], architecture: str) -> Apt:
        root = tmp_path_factory.mktemp("apt")
        for folder in ("etc", "state/lists/partial", "cache/archives/partial"):
            (root / folder).mkdir(parents=True)
        (root / "state/status").touch()
        (root / "etc/sources.list").write_text("".join(map(line, sources)))
        options = {
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Sandbox::User": "root",
            "Acquire::GzipIndexes": "false",
            "Acquire::Languages": "none",
            "Dir::Etc": str(root / "etc"),
            "Dir::State": str(root / "state"),
            "Dir::State::status": str(root / "state/status"),
            "Dir::Cache": str(root / "cache"),
        }
        command = ("/usr/bin/apt-get", *(f"-o{key}={value}" for key, value in options.items()))
        subprocess.run([*command, "update"], check=True, capture_output=True)
        return Apt(command, root / "state/lists")

    return make


def line(source: DebianSource) -> str:
    keyring = source.keyring or ARCHIVE_KEYRING
    return f"deb [signed-by={keyring}] {source.mirror} {source.suite} {' '.join(source.components)}\n"


@pytest.mark.skipif(not shutil.which("apt-get"), reason="not on this machine: apt-get, the oracle")
@pytest.mark.parametrize(
    ("suite", "architecture", "names"),
    [
        ("bookworm", "amd64", python_packages("3.11")),
        ("bookworm", "arm64", python_packages("3.11")),
        ("bookworm", "amd64", LIBRARIES),
        ("bookworm", "amd64", ("build-essential", "libpq-dev", "python3.11-dev")),
        ("trixie", "amd64", python_packages("3.13")),
    ],
    ids=["python", "python arm64", "libraries", "compilers", "trixie"],
)
def test_apt_chooses_the_same_packages_and_versions(
    resolve: Resolve,
    make_apt: Callable[[tuple[DebianSource, ...], str], Apt],
    suite: str,
    architecture: str,
    names: Sequence[str],
) -> None:
    sources, debs = resolve(suite, architecture, names)
    apt = make_apt(sources, architecture)
    ours, theirs = {deb.name: deb.version for deb in debs}, apt.install(names)
    assert {name: theirs.get(name) for name in ours} == ours
    # What apt has beyond that is what only maintainer scripts call, with what that needs in turn.
    cut = {rule.package for rule in UNNEEDED} | {"mawk"} | apt.essential()
    assert set(theirs) - set(ours) <= set(apt.install(sorted(cut & set(theirs))))
