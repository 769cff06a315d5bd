from __future__ import annotations

import pytest

from lightship.debs.model import InstalledDeb
from lightship.debs.status import read_status
from lightship.errors import ResolutionError

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9
Provides: libc6-virtual (= 2.36), other

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-9

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2024a
Description: zones
 with more lines

"""


def test_installed_packages_of_the_architecture_are_read() -> None:
    assert read_status([STATUS], "amd64") == (
        InstalledDeb("libc6", "2.36-9", "amd64", (("libc6-virtual", "2.36"), ("other", ""))),
        InstalledDeb("tzdata", "2024a", "all"),
    )
    assert [deb.name for deb in read_status([STATUS], "arm64")] == ["tzdata"]


def test_files_of_single_packages_have_no_status() -> None:
    texts = ["Package: b\nVersion: 1\nArchitecture: all", "Package: a\nVersion: 2\nArchitecture: amd64\n", ""]
    assert [deb.name for deb in read_status(texts, "amd64")] == ["a", "b"]


def test_a_relation_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ResolutionError, match="cannot be read"):
        read_status(["Package: a\nArchitecture: all\nProvides: b c d\n"], "amd64")
