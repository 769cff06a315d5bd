"""A small service with two variants and what its developers need, locked and built once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.build.calling import Lightship
from tests.support.sdists import own_backend

CONFIGURATION = """\
name = "service"
python = "3.11"
variant = "plain"
command = ["uvicorn", "main:app", "--host", "127.0.0.1", "--port", "{port}"]
sources = ["main.py", "lib/"]
health = "http://127.0.0.1:{port}/"

[variants.plain]
requirements = ["requirements.txt"]
torch = "none"

[variants.more]
requirements = ["requirements.txt", "requirements-more.txt"]
torch = "none"

[targets.profiling]
packages = ["libmagic1"]
requirements = ["requirements-profiling.txt"]
env = {{ PROFILING = "1" }}
"""
FILES = {
    "main.py": "from fastapi import FastAPI\n\nimport lib\n\napp = FastAPI()\n\n\n"
    '@app.get("/")\ndef root() -> str:\n    return f"one {lib.WORD}"\n',
    "lib/__init__.py": 'WORD = "house"\n',
    "requirements.txt": "fastapi\nuvicorn\n",
    "requirements-more.txt": "packaging\n",
    "requirements-dev.txt": "-r requirements.txt\npytest\n",
    "requirements-profiling.txt": "python-magic\nunwheeled\n",
}


UNWHEELED = """
def main(folder):
    return "WORD = 'built'"
"""


@dataclass(frozen=True, slots=True)
class Service:
    """The project and the Lightship that built it; `images` are what `build --json` said."""

    folder: Path
    lightship: Lightship
    images: Mapping[tuple[str, str], Any]

    def layers(self, variant: str, target: str) -> list[str]:
        return [layer["digest"] for layer in self.images[variant, target]["layers"]]

    def inside(self, target: str, *words: str) -> str:
        """Run a command that must succeed in an image of the variant `plain`."""
        done = self.lightship.run("run", "--target", target, ".", "--", *words, cwd=self.folder)
        assert done.code == 0, done.err
        return done.out


def write_project(folder: Path, port: int) -> Path:
    for name, text in {**FILES, "lightship.toml": CONFIGURATION.format(port=port)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="session")
def lightship(new_lightship: Callable[[], Lightship], tmp_path_factory: pytest.TempPathFactory) -> Lightship:
    """Give a home of its own, and a distribution that has only source."""
    links = tmp_path_factory.mktemp("links")
    (links / "unwheeled-1.0.tar.gz").write_bytes(own_backend("unwheeled", "1.0", UNWHEELED))
    found = " ".join(filter(None, [os.environ.get("PIP_FIND_LINKS", ""), str(links)]))
    return new_lightship().using(PIP_FIND_LINKS=found)


@pytest.fixture(scope="session")
def service(lightship: Lightship, tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = write_project(tmp_path_factory.mktemp("service"), 8000)
    images = {}
    for target in ("production", "development", "profiling"):
        options = ("--variant", "plain", "--variant", "more", "--target", target)
        for image in lightship.ask("build", *options, cwd=folder):
            images[image["variant"], target] = image
    return Service(folder, lightship, images)
