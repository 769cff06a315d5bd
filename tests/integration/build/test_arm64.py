"""Images for another platform than the one that builds them."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightship.digest import hex_of
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Index, decode
from lightship.oci.validate import layout_problems
from tests.integration.build.conftest import Built, copy_example
from tests.support.programs import caller

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
def both(project: Path, pharmabot: Built, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A layout with the index of both platforms."""
    folder = tmp_path_factory.mktemp("both") / "layout"
    platforms = ("--variant", "none", "--platform", "linux/amd64,linux/arm64")
    pharmabot.lightship.lock(project, "--variant", "none")
    pharmabot.lightship.build(project, *platforms, "-t", "pharmabot:both", "--locked", "-o", f"oci:{folder}")
    return Layout(folder)


@pytest.fixture(scope="module")
def images(both: Layout) -> dict[str, LayoutImage]:
    (named,) = both.names().values()
    found = decode(both.read(named), Index, where=both.path).manifests
    return {str(image.config.platform): image for image in map(both.image, found)}


@pytest.fixture(scope="module")
def root(both: Layout, project: Path, pharmabot: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked image for linux/arm64."""
    assert both.names()
    rootfs = tmp_path_factory.mktemp("rootfs") / "root"
    options = ("--variant", "none", "--platform", "linux/arm64", "-t", "pharmabot:arm64")
    pharmabot.lightship.build(project, *options, "--locked", "-o", f"rootfs:{rootfs}")
    return rootfs


def test_the_index_is_valid_and_has_both_platforms(both: Layout, images: dict[str, LayoutImage]) -> None:
    assert list(images) == ["linux/amd64", "linux/arm64"]
    assert layout_problems(both) == []


def test_what_is_the_same_on_both_platforms_is_stored_once(images: dict[str, LayoutImage]) -> None:
    amd64, arm64 = (
        {layer.digest: layer.size for layer in image.manifest.layers} for image in images.values()
    )
    assert amd64.keys() & arm64.keys(), "the application, and the distributions without machine code"


@pytest.mark.requires_tool("skopeo")
def test_skopeo_reads_and_copies_the_index(
    both: Layout, images: dict[str, LayoutImage], tmp_path: Path
) -> None:
    (named,) = both.names().values()
    skopeo, source = caller("skopeo"), f"oci:{both.path}:pharmabot:both"
    assert hashlib.sha256(skopeo("inspect", "--raw", source).encode()).hexdigest() == hex_of(named.digest)
    for platform, image in images.items():
        architecture = platform.partition("/")[2]
        shown = json.loads(skopeo("--override-arch", architecture, "inspect", source))
        assert (shown["Architecture"], len(shown["Layers"])) == (architecture, len(image.layers))
    skopeo("copy", "--all", "--quiet", source, f"oci:{tmp_path}/copy:both")
    copy = Layout(tmp_path / "copy")
    assert copy.names()["both"].digest == named.digest
    assert all(copy.has(image.descriptor.digest, image.descriptor.size) for image in images.values())


def test_verify_proves_the_image_for_another_machine_without_running_it(
    both: Layout, images: dict[str, LayoutImage], project: Path, pharmabot: Built
) -> None:
    place = f"oci:{both.path}"
    found = pharmabot.lightship.ask("verify", place, "--platform", "linux/arm64", cwd=project)
    assert found["image"] == images["linux/arm64"].descriptor.digest
    assert [item["rule"] for item in found["findings"] if item["severity"] == "error"] == []
    assert "LV505-imports-not-tried" in {item["rule"] for item in found["findings"]}
    assert found["elf_files"] > 50


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


def test_both_platforms_share_one_lock(images: dict[str, LayoutImage]) -> None:
    locks = {image.config.config.labels["io.lightship.lock"] for image in images.values()}
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
