"""Images for another platform than the one that builds them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightship.oci.validate import validate
from tests.integration.build.conftest import Built, copy_example

pytestmark = pytest.mark.integration
AARCH64 = 183
"""`e_machine` of AArch64 (ELF for the Arm 64-bit Architecture)."""
IMPORTS = """\
import platform, ssl, sqlite3, ctypes, sys
import pydantic_core, uvloop, httptools
print(platform.machine(), sys.prefix != sys.base_prefix)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_example(tmp_path_factory.mktemp("arm64") / "pharmabot")
    file = folder / "pyproject.toml"
    one, two = 'platforms = ["linux/amd64"]', 'platforms = ["linux/amd64", "linux/arm64"]'
    text = file.read_text()
    assert one in text
    file.write_text(text.replace(one, two))
    return folder


@pytest.fixture(scope="module")
def root(project: Path, pharmabot: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked image for linux/arm64."""
    rootfs = tmp_path_factory.mktemp("rootfs") / "root"
    options = ("--variant", "none", "--platform", "linux/arm64", "-t", "pharmabot:arm64")
    pharmabot.lightship.lock(project, "--variant", "none")
    pharmabot.lightship.build(project, *options, "--locked", "-o", f"rootfs:{rootfs}")
    return rootfs


def test_the_image_is_valid_and_says_its_platform(root: Path, pharmabot: Built) -> None:
    assert root.is_dir()
    image = pharmabot.lightship.image("pharmabot:arm64")
    validate(image)
    assert str(image.config.platform) == "linux/arm64"


def test_every_elf_file_is_for_aarch64(root: Path) -> None:
    machines = dict(elf_machines(root))
    assert len(machines) > 50
    assert {path: machine for path, machine in machines.items() if machine != AARCH64} == {}


def elf_machines(root: Path) -> Iterator[tuple[str, int]]:
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                head = stream.read(20)
            if head[:4] == b"\x7fELF":
                yield str(path.relative_to(root)), int.from_bytes(head[18:20], "little")


def test_both_platforms_share_one_lock(root: Path, project: Path, pharmabot: Built) -> None:
    assert root.is_dir()
    pharmabot.lightship.build(project, "--variant", "none", "-t", "pharmabot:amd64", "--locked")
    both = {name: pharmabot.lightship.image(f"pharmabot:{name}") for name in ("amd64", "arm64")}
    assert {str(image.config.platform) for image in both.values()} == {"linux/amd64", "linux/arm64"}
    locks = {image.config.config.labels["io.lightship.lock"] for image in both.values()}
    assert len(locks) == 1


@pytest.mark.requires_tool("/usr/bin/qemu-aarch64")
def test_its_python_starts_in_an_emulator(root: Path) -> None:
    """As far as an emulated process can without a root of its own: paths are looked up in the image first."""
    python = root / "usr" / "bin" / "python3.11"
    done = subprocess.run(
        ["/usr/bin/qemu-aarch64", "-L", root, "-0", "/opt/venv/bin/python", python, "-c", IMPORTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("aarch64 True\n", "")
