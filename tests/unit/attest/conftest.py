from __future__ import annotations

from pathlib import Path

import pytest

from lightship.attest.inventory import read_inventory
from lightship.attest.model import Inventory
from lightship.build.home import Home
from lightship.build.origins import Material, Origin
from lightship.digest import Digest
from lightship.events import SilentReporter
from lightship.oci.layout import LayoutImage
from tests.support.described import described_image

ZEROS = Digest(f"sha256:{'0' * 64}")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data", tmp_path / "cache")


@pytest.fixture
def image(home: Home) -> LayoutImage:
    return described_image(home.images, name="demo:1")


@pytest.fixture
def origin() -> Origin:
    return Origin(
        name="demo",
        version="3.2",
        variant="cpu",
        target="production",
        platform="linux/amd64",
        base="debian:bookworm",
        lock=ZEROS,
        configuration=ZEROS,
        sources={"application": ZEROS},
        shipped=(
            Material("deb", "libc6", "2.36-9+deb12u1", "c" * 64, "libc6_2.36-9+deb12u1_amd64.deb", "amd64"),
            Material("pypi", "demo-app", "1.0.0", "d" * 64, "demo_app-1.0.0-py3-none-any.whl"),
        ),
        used=(
            Material("oci", "model", ZEROS, "0" * 64),
            Material("pypi", "setuptools", "80", "e" * 64, "s.whl"),
        ),
        builder="0.1.0",
    )


@pytest.fixture
def inventory(home: Home, image: LayoutImage, origin: Origin) -> Inventory:
    return read_inventory(image, origin, cache=home.cache, reporter=SilentReporter())
