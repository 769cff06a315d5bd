from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.attest import scan
from lightship.attest.debian import read_synopses
from lightship.attest.inventory import read_inventory
from lightship.attest.model import Inventory, Package, System
from lightship.build.home import Home
from lightship.digest import Digest
from lightship.errors import IntegrityError
from lightship.events import SilentReporter
from lightship.fs.entries import Entry, regular
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import ImageConfig, RootFs, encode
from tests.support.described import COPYRIGHT, SITE, debian, described_image, distribution
from tests.support.images import add_image, add_layer

LIBC = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=glibc"
LIBGCC = "pkg:deb/debian/libgcc-s1@12.2?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-14"


def by_name(inventory: Inventory) -> dict[str, Package]:
    return {package.name: package for package in inventory.packages}


def read(home: Home, *upper: Entry) -> Inventory:
    image = described_image(home.images, upper=upper)
    return read_inventory(image, None, cache=home.cache, reporter=SilentReporter())


def test_an_image_says_what_it_is_and_what_is_in_it(inventory: Inventory, image: LayoutImage) -> None:
    assert (inventory.image, inventory.platform) == (image.descriptor.digest, "linux/amd64")
    assert (inventory.name, inventory.version, inventory.created) == ("demo", "3.2", "1980-01-01T00:00:00Z")
    assert inventory.system == System("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert [package.name for package in inventory.packages] == [
        *("libc6", "libdemo", "libgcc-s1"),
        *("Demo_App", "helper", "speedup"),
    ]


def test_packages_are_named_as_scanners_name_them(inventory: Inventory) -> None:
    found = by_name(inventory)
    assert (found["libc6"].ref, found["libgcc-s1"].ref) == (LIBC, LIBGCC)
    assert found["libdemo"].ref == "pkg:deb/debian/libdemo@1.0?arch=amd64&distro=debian-12"
    assert found["Demo_App"].ref == "pkg:pypi/demo-app@1.0"
    assert (found["libgcc-s1"].source, found["libgcc-s1"].source_version) == ("gcc-12", "12.2.0-14")


def test_relations_are_those_that_hold_in_the_image(inventory: Inventory) -> None:
    found = by_name(inventory)
    assert found["Demo_App"].requires == ("pkg:pypi/helper@2.0",)
    assert found["helper"].requires == ("pkg:pypi/speedup@0.1",)  # its extra is asked for
    assert found["libdemo"].requires == (LIBC,)  # the first alternative that is there
    assert found["libc6"].requires == (LIBGCC,)
    assert [package.name for package in inventory.top()] == ["libdemo", "Demo_App"]


def test_of_a_circle_that_nothing_else_needs_one_is_on_top(home: Home) -> None:
    circle = [*distribution("a", "1", "Requires-Dist: b"), *distribution("b", "1", "Requires-Dist: a")]
    found = read(home, *circle)
    assert [package.name for package in found.top()] == ["libdemo", "Demo_App", "a"]


def test_an_extra_that_nobody_asks_for_is_no_relation(home: Home) -> None:
    alone = distribution("Demo_App", "1.0", "Requires-Dist: helper", "Requires-Dist: not ! a requirement")
    assert by_name(read(home, *alone))["helper"].requires == ()


def test_licences_and_records_are_read(inventory: Inventory) -> None:
    found = by_name(inventory)
    assert found["Demo_App"].licences == ("MIT OR Apache-2.0",)
    assert found["helper"].licences == ("MIT",)
    assert found["speedup"].licences == ("Our own terms",)
    assert found["libdemo"].licences == ("GPL-2.0-or-later", "LGPL-2.1-or-later", "MIT")
    assert found["libc6"].licences == ()
    assert found["helper"].record == hashlib.sha256(b"x,,\n").hexdigest()
    assert found["helper"].places == (f"{SITE}/helper-2.0.dist-info/METADATA",)


def test_what_the_build_knew_of_archives_is_there(inventory: Inventory) -> None:
    found = by_name(inventory)
    assert (found["libc6"].sha256, found["libc6"].file) == ("c" * 64, "libc6_2.36-9+deb12u1_amd64.deb")
    assert found["Demo_App"].sha256 == "d" * 64  # 1.0 and 1.0.0 are one version
    assert found["helper"].sha256 == ""


def test_what_an_upper_layer_hides_is_not_there(home: Home) -> None:
    hidden = regular(f"{SITE}/.wh.helper-2.0.dist-info", b"")
    changed = debian("libdemo", "2.0", "Status: deinstall ok config-files")
    again = distribution("Demo_App", "1.0", folder="usr/lib/python3/dist-packages")
    found = by_name(read(home, hidden, *changed, *again))
    assert sorted(found) == ["Demo_App", "libc6", "libgcc-s1", "speedup"]
    assert len(found["Demo_App"].places) == 2


def test_eggs_are_distributions_and_other_things_are_not(home: Home) -> None:
    entries = [
        regular(
            "usr/lib/python3/dist-packages/old.egg-info", b"Name: old\nVersion: 3\nLicense: UNKNOWN TERMS\n"
        ),
        regular("usr/lib/python3/dist-packages/egg-1.egg-info/PKG-INFO", b"Name: egg\nVersion: 1\n"),
        regular(f"{SITE}/broken-1.dist-info/METADATA", b"\xff\xfe no fields"),
        regular("var/lib/dpkg/status", b"Package: partly\nStatus: install ok half-installed\nVersion: 1\n"),
    ]
    found = by_name(read(home, *entries))
    assert {"old", "egg"} <= set(found)
    assert not {"broken", "partly"} & set(found)


def test_packages_that_stand_for_others_fulfil_relations(home: Home) -> None:
    entries = [
        *debian("real", "2.0", "Provides: virtual (= 2.0)"),
        *debian("wants", "1.0", "Depends: virtual", "Pre-Depends: libc6 (>= 99)"),
        *debian("odd", "1.0", "Depends: a b c"),
    ]
    found = by_name(read(home, *entries))
    assert [ref.partition("@")[0] for ref in found["wants"].requires] == ["pkg:deb/debian/real"]
    assert found["odd"].requires == ()


def test_layers_are_read_once(home: Home, image: LayoutImage, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_inventory(image, None, cache=home.cache, reporter=SilentReporter())
    monkeypatch.setattr(scan, "_scan", None)
    assert read_inventory(image, None, cache=home.cache, reporter=SilentReporter()) == first


def test_a_layer_that_is_all_metadata_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MOST", 4000)
    many = [entry for number in range(50) for entry in distribution(f"x{number}", "1", "Summary: words")]
    with pytest.raises(IntegrityError, match="MiB of packages' metadata"):
        read(home, *many)


def test_what_is_too_large_is_no_metadata(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "LARGEST", 200)
    large = distribution("large", "1", f"Summary: {'x' * 300}")
    assert "large" not in by_name(read(home, *large))


def test_an_image_that_says_nothing_is_an_image_still(home: Home, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "other")
    layout.create()
    image = add_image(layout, [add_layer(layout, [regular("app", b"x" * 100)])], architecture="s390x")
    found = read_inventory(image, None, cache=home.cache, reporter=SilentReporter())
    assert (found.name, found.version, found.system, found.packages) == ("image", "", None, ())


@pytest.mark.parametrize(
    ("created", "told"),
    [
        ("2024-05-06T07:08:09.123456789+02:00", "2024-05-06T05:08:09Z"),
        ("", "1970-01-01T00:00:00Z"),
        ("yesterday", "1970-01-01T00:00:00Z"),
    ],
)
def test_times_are_whole_seconds_of_utc(home: Home, created: str, told: str) -> None:
    class Timed:
        descriptor = replace(described_image(home.images).descriptor, digest=Digest("sha256:1"))
        config = ImageConfig("amd64", "linux", RootFs(()), created=created)
        config_data = encode(config)
        layers = ()
        manifest = described_image(home.images).manifest

    assert read_inventory(Timed(), None, cache=home.cache, reporter=SilentReporter()).created == told


def test_copyright_files_of_another_form_say_nothing() -> None:
    assert read_synopses("This package was debianized by …\nLicense: GPL-2\n") == ()
    assert read_synopses(COPYRIGHT) == ("LGPL-2.1+", "GPL-2+ or Expat")
    assert read_synopses("Format: copyright-format/1.0\nLicense: ISC\n\nFiles: *\nLicense:\n ISC text\n") == (
        "ISC",
        "ISC text",
    )
