from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from lightship.debs.lock import glibc_version, python_full_version, python_packages, resolve_debs
from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource
from lightship.debs.store import Clock
from lightship.errors import ResolutionError
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from lightship.platform import Platform
from tests.unit.debs.forge import Repository, stanza


def deb(name: str, version: str) -> LockedDeb:
    return LockedDeb(name, version, "amd64", "pool/x.deb", 1, "0" * 64)


class Resolve:
    def __init__(
        self, sources: Sequence[DebianSource], transport: HttpTransport, cache: Path, clock: Clock
    ) -> None:
        self._sources, self._transport, self._cache, self._clock = sources, transport, cache, clock

    def __call__(self, *names: str, suite: str = "bookworm") -> tuple[LockedDeb, ...]:
        return resolve_debs(
            names,
            suite=suite,
            platform=Platform("amd64"),
            sources=self._sources,
            transport=self._transport,
            cache=self._cache,
            clock=self._clock,
            reporter=SilentReporter(),
        )


@pytest.fixture
def resolve(
    repository: Repository, source: DebianSource, transport: HttpTransport, tmp_path: Path, clock: Clock
) -> Resolve:
    security = replace(repository, root=tmp_path / "security", suite="bookworm-security")
    repository.write(
        [stanza("app", Depends="lib"), stanza("lib", "1"), stanza("python3.11-minimal", "3.11.2-6")]
    )
    security.write([stanza("lib", "1+deb12u1")])
    more = replace(source, archive="security", mirror=security.root.as_uri(), suite="bookworm-security")
    return Resolve((source, more), transport, tmp_path / "cache", clock)


@pytest.mark.requires_tool("gpg")
def test_the_closure_is_locked_in_name_order_with_its_archives(resolve: Resolve) -> None:
    assert [(each.name, each.version, each.archive) for each in resolve("app")] == [
        ("app", "1", "main"),
        ("lib", "1+deb12u1", "security"),
    ]


@pytest.mark.requires_tool("gpg")
def test_a_python_that_the_suite_lacks_names_those_that_it_has(resolve: Resolve) -> None:
    with pytest.raises(ResolutionError) as caught:
        resolve(*python_packages("3.12"))
    assert caught.value.message == "bookworm has no Python 3.12; it has 3.11"


@pytest.mark.requires_tool("gpg")
def test_a_suite_without_python_says_so(
    repository: Repository, source: DebianSource, transport: HttpTransport, tmp_path: Path, clock: Clock
) -> None:
    repository.write([stanza("app")])
    with pytest.raises(ResolutionError, match="it has no Python"):
        Resolve((source,), transport, tmp_path / "cache", clock)("python3.11-minimal")


def test_the_base_has_ldconfig_and_certificates() -> None:
    assert {"libc-bin", "ca-certificates", "python3.13-minimal"} <= set(python_packages("3.13"))


@pytest.mark.parametrize(
    ("version", "python"),
    [
        ("3.11.2-6+deb12u6", "3.11.2"),
        ("3.14.0~rc1-1", "3.14.0rc1"),
        ("1:3.13.5-2", "3.13.5"),
        ("3.13.5", "3.13.5"),
    ],
)
def test_the_python_version_is_the_upstream_one(version: str, python: str) -> None:
    assert python_full_version([deb("libc6", "2.36"), deb("python3.11-minimal", version)]) == python


def test_the_glibc_version_is_major_and_minor() -> None:
    assert glibc_version([deb("libc-bin", "1"), deb("libc6", "2.36-9+deb12u14")]) == (2, 36)


def test_a_base_without_python_or_c_library_has_no_versions() -> None:
    with pytest.raises(ResolutionError):
        python_full_version([])
    with pytest.raises(ResolutionError):
        glibc_version([])


def test_a_lock_entry_is_short_and_survives_a_round_trip() -> None:
    text = msgspec.json.encode(deb("a", "1"))
    assert b"archive" not in text
    assert msgspec.json.decode(text, type=LockedDeb) == deb("a", "1")
