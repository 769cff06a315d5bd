"""Debian's own Contents: which package has a library, a header, a program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from lightship.debs.providers import find_providers
from lightship.debs.sources import find_sources
from lightship.debs.store import IndexStore
from lightship.debs.suite import Suite, open_suite
from lightship.errors import NetworkError, UsageError
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from lightship.platform import Platform
from lightship.wheels.dlopen import known_hints
from lightship.wheels.needs import SYSTEM_LIBRARIES

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("gpgv")]

OpenSuite = Callable[[str, str], Suite]


@pytest.fixture(scope="session")
def suite_of(transport: HttpTransport, indexes: Path) -> OpenSuite:
    store = IndexStore(transport, indexes, lambda: datetime.now(UTC), SilentReporter())

    @cache
    def make(name: str, architecture: str) -> Suite:
        try:
            sources = find_sources(name, configured=None)
            return open_suite(name, platform=Platform(architecture), sources=sources, store=store)
        except (NetworkError, UsageError) as error:
            pytest.skip(f"no Debian mirror can be reached: {error}")

    return make


@pytest.mark.parametrize(
    ("suite", "architecture", "expected"),
    [
        ("bookworm", "amd64", ("libpq5", "libstdc++6", "libgcc-s1", "libglib2.0-0", "libgl1", "libc6")),
        ("bookworm", "arm64", ("libpq5", "libstdc++6", "libgcc-s1", "libglib2.0-0", "libgl1", "libc6")),
        ("trixie", "amd64", ("libpq5", "libstdc++6", "libgcc-s1", "libglib2.0-0t64", "libgl1", "libc6")),
    ],
)
def test_libraries_are_found_under_the_names_of_the_suite(
    suite_of: OpenSuite, suite: str, architecture: str, expected: tuple[str, ...]
) -> None:
    names = ("libpq.so.5", "libstdc++.so.6", "libgcc_s.so.1", "libglib-2.0.so.0", "libGL.so.1", "libc.so.6")
    found = find_providers(suite_of(suite, architecture), names, ())
    assert tuple(found[name].package for name in names) == expected
    assert all(not provider.others for provider in found.values())


def test_headers_programs_and_descriptions_are_found(suite_of: OpenSuite) -> None:
    contents = suite_of("bookworm", "amd64").contents
    names = {
        "libpq-fe.h": "libpq-dev",
        "usr/bin/pg_config": "libpq-dev",
        "libxml2.so": "libxml2-dev",
        "libxml-2.0.pc": "libxml2-dev",
        "usr/bin/autoconf": "autoconf",  # for all architectures
    }
    found = contents.find_paths(names)
    assert {name: owners[0].package for name, owners in found.items()} == names


@pytest.mark.parametrize(
    ("suite", "architecture"), [("bookworm", "amd64"), ("trixie", "amd64"), ("bookworm", "arm64")]
)
def test_what_wheels_may_count_on_is_there(suite_of: OpenSuite, suite: str, architecture: str) -> None:
    foreign = {"amd64": "ld-linux-aarch64.so.1", "arm64": "ld-linux-x86-64.so.2"}[architecture]
    names = SYSTEM_LIBRARIES - {foreign} - ({"libmvec.so.1"} if architecture == "arm64" else set())
    found = find_providers(suite_of(suite, architecture), names, ())
    assert {name for name, provider in found.items() if not provider.package} == set()


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_every_hint_of_the_table_leads_to_a_package(suite_of: OpenSuite, suite: str) -> None:
    opened = suite_of(suite, "amd64")
    hints = known_hints().values()
    sonames = {name for hint in hints for name in hint.libraries}
    programs = {f"usr/bin/{name}" for hint in hints for name in hint.programs}
    libraries = find_providers(opened, sonames, ())
    nobody = {name for name, provider in libraries.items() if not provider.package}
    nobody |= programs - opened.contents.find_paths(programs).keys()
    assert nobody == GONE[suite]


GONE = {
    "bookworm": {"libMagickWand-7.Q16.so.10"},
    "trixie": {"libMagickWand-6.Q16.so.6", "usr/bin/wkhtmltopdf"},
}
"""Hints that say nothing in a suite, which has the file no longer, or not yet."""
