"""A small service, built once, handed over as a layout with all that is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.build.calling import Lightship

CONFIGURATION = """\
name = "service"
python = "3.11"
command = ["uvicorn", "main:app"]
sources = ["main.py"]
bytecode = "none"
attest = ["provenance", "cyclonedx", "spdx"]
"""
FILES = {
    "main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
    "requirements.txt": "fastapi\nuvicorn[standard]\npsycopg2-binary\n",
    "lightship.toml": CONFIGURATION,
}


@dataclass(frozen=True, slots=True)
class Built:
    """The Lightship that built it, its project, the layout, and what `build --json` said."""

    lightship: Lightship
    folder: Path
    layout: Path
    said: Mapping[str, Any]


@pytest.fixture(scope="module")
def built(new_lightship: Callable[[], Lightship], tmp_path_factory: pytest.TempPathFactory) -> Built:
    lightship, root = new_lightship(), tmp_path_factory.mktemp("attest")
    folder, layout = root / "service", root / "layout"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    said = lightship.ask("build", "-o", f"oci:{layout}", cwd=folder)
    return Built(lightship, folder, layout, said)
