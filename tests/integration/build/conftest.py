"""The example service, built once; small services around wheels of our own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lightship.debs.model import LockedDeb
from lightship.platform import Platform
from lightship.wheels.lock import read_lock
from tests.integration.build.calling import ROOT, Lightship
from tests.support.wheels import filename, wheel_bytes

UNTRIMMED = "pharmabot:untrimmed"


@dataclass(frozen=True, slots=True)
class Built:
    """A project and the Lightship that built it; `digests` by variant."""

    folder: Path
    lightship: Lightship
    digests: dict[str, str]


@pytest.fixture(scope="session")
def pharmabot(new_lightship: Callable[[], Lightship], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Lock and build two variants of the example, from the machine's own index and mirror.

    A start is recorded of the first only: with PyTorch one takes long.
    """
    folder = copy_example(tmp_path_factory.mktemp("example") / "pharmabot")
    lightship = new_lightship()
    for variant in ("none", "cpu"):
        lightship.lock(folder, "--variant", variant)
    none = lightship.build(folder, "--variant", "none")
    cpu = lightship.build(folder, "--variant", "cpu", "--locked")
    return Built(folder, lightship, {"none": none, "cpu": cpu})


@pytest.fixture(scope="session")
def untrimmed(pharmabot: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the example's variant cpu from the same lock once more, with nothing left out of any package."""
    folder = tmp_path_factory.mktemp("untrimmed") / "pharmabot"
    shutil.copytree(pharmabot.folder, folder)
    file = folder / "pyproject.toml"
    file.write_text(file.read_text().replace("[tool.lightship]\n", '[tool.lightship]\ntrim = "none"\n', 1))
    digest = pharmabot.lightship.build(folder, "--variant", "cpu", "--locked", "--tag", UNTRIMMED)
    return Built(folder, pharmabot.lightship, {"cpu": digest})


def copy_example(folder: Path) -> Path:
    """Copy what is the project's, neither locks nor what tools leave behind; libraries keep their symbols."""
    litter = shutil.ignore_patterns(".*", "__pycache__", "pylock.*.toml", "start.*.json", "tests")
    shutil.copytree(ROOT / "examples" / "pharmabot", folder, ignore=litter)
    file = folder / "pyproject.toml"
    file.write_text(file.read_text().replace("strip = true", "strip = false", 1))
    return folder


@dataclass(frozen=True, slots=True)
class Service:
    """A project whose only requirement is `greeting`, a wheel in the folder `wheels` beside it."""

    folder: Path
    lightship: Lightship

    @property
    def wheel(self) -> Path:
        return self.folder.parent / "wheels" / filename("greeting", "1.0")

    @property
    def lock_file(self) -> Path:
        return self.folder / "pylock.none.toml"

    def debs(self) -> tuple[LockedDeb, ...]:
        return read_lock(self.lock_file).debs[Platform("amd64")]

    def write(self) -> None:
        self.folder.mkdir()
        (self.folder / "pyproject.toml").write_text(CONFIGURATION)
        (self.folder / "requirements.txt").write_text("greeting==1.0\n")
        (self.folder / "app.py").write_text("import greeting\n\ngreeting.main()\n")

    def using(self, **environ: str) -> Service:
        return replace(self, lightship=self.lightship.using(**environ))

    def offer(self, data: bytes) -> None:
        self.wheel.parent.mkdir(exist_ok=True)
        self.wheel.write_bytes(data)

    def build(self, *options: str) -> str:
        return self.lightship.build(self.folder, *options)

    def fails(self, code: int, *options: str) -> str:
        return self.lightship.fails(code, "build", *options, cwd=self.folder)


GREETING = wheel_bytes(
    "greeting",
    "1.0",
    {
        "greeting/__init__.py": b"def main() -> None:\n    print('good morning')\n",
        "greeting/data.bin": bytes(range(256)) * 4096,
    },
    entry_points="[console_scripts]\ngreet = greeting:main\n",
)
CONFIGURATION = """\
[tool.lightship]
name = "greeter"
python = "3.11"
sources = ["app.py"]
command = ["python", "app.py"]
bytecode = "none"

[tool.lightship.variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""


@pytest.fixture(scope="session")
def fetched(new_lightship: Callable[[], Lightship], tmp_path_factory: pytest.TempPathFactory) -> Lightship:
    """Have the layer of the base and what was fetched for it, and nothing of the services' own wheel."""
    place = tmp_path_factory.mktemp("fetched")
    service = Service(place / "service", new_lightship().using(**only_from(place)))
    service.write()
    (service.folder / "requirements.txt").write_text("other==1.0\n")
    (place / filename("other", "1.0")).write_bytes(wheel_bytes("other", "1.0", {"other.py": b""}))
    service.build()
    return service.lightship


def only_from(folder: Path) -> dict[str, str]:
    """Tell where distributions come from, and from nowhere else."""
    return {"PIP_FIND_LINKS": str(folder), "PIP_NO_INDEX": "1"}


@pytest.fixture
def make_service(tmp_path: Path, fetched: Lightship) -> Callable[[bytes], Service]:
    """Make a service around some bytes that call themselves a wheel; the base's layer is there already."""

    def make(wheel: bytes) -> Service:
        lightship = fetched.warm(tmp_path / "home", layers=True).using(**only_from(tmp_path / "wheels"))
        service = Service(tmp_path / "service", lightship)
        service.write()
        service.offer(wheel)
        return service

    return make


@pytest.fixture
def service(make_service: Callable[[bytes], Service]) -> Service:
    return make_service(GREETING)


@pytest.fixture
def reference(service: Service, tmp_path: Path) -> str:
    """Digest of the service's image, locked and built in another home."""
    return service.lightship.warm(tmp_path / "reference", layers=True).build(service.folder)
