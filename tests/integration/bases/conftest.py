"""Stand-ins for images of others' making, laid out from Debian packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from lightship.debs.base import base_entries
from lightship.debs.fetch import fetch_debs
from lightship.debs.lock import python_packages, resolve_debs
from lightship.debs.sources import find_sources
from lightship.debs.trim import RULES, base_trimmer
from lightship.errors import NetworkError, UsageError
from lightship.events import SilentReporter
from lightship.fs.entries import Entry, regular
from lightship.fs.tree import with_parents
from lightship.net.http import HttpTransport
from lightship.oci.layout import Layout
from lightship.oci.model import Execution
from lightship.platform import Platform
from tests.integration.build.calling import Lightship
from tests.support.images import add_image, add_layer

PYTHON, SUITE, AMD64 = "3.11", "bookworm", Platform("amd64")
SAFE = base_trimmer(tuple(rule.name for rule in RULES))
APPLICATION = """\
import ctypes.util, os, sys
from fastapi import FastAPI
app = FastAPI()

@app.get("/health")
def health():
    return {"base": sys.base_prefix, "kept": os.environ.get("KEPT"), "libpq": ctypes.util.find_library("pq")}
"""
CONFIGURATION = """\
name = "demo"
python = "{python}"
base = "{base}"
sources = ["app.py"]
command = ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "{port}"]
ports = [{port}]
health = "http://:{port}/health"
runtime-packages = [{packages}]

[variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""

Entries = Callable[[], Iterator[Entry]]


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Entries:
    """Give the files of a Debian with Python, as Lightship lays them out."""
    folder = tmp_path_factory.mktemp("debian")
    reporter = SilentReporter()
    try:
        with HttpTransport() as transport:
            sources = find_sources(SUITE, configured=None)
            locked = resolve_debs(
                python_packages(PYTHON),
                suite=SUITE,
                platform=AMD64,
                sources=sources,
                transport=transport,
                cache=folder / "indexes",
                clock=lambda: datetime.now(UTC),
                reporter=reporter,
            )
            debs = fetch_debs(
                locked,
                sources=sources,
                transport=transport,
                archives=folder / "archives",
                reporter=reporter,
            )
    except (UsageError, NetworkError) as error:
        pytest.skip(f"no Debian {SUITE} on this machine: {error}")
    return lambda: base_entries(list(debs.items()), platform=AMD64, trimmed_by=SAFE)


@pytest.fixture(scope="session")
def layout(debian: Entries, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Make a layout of three images: `debian`, `moved` with its Python in /usr/local, `bare` without one."""
    layout = Layout(tmp_path_factory.mktemp("bases") / "layout")
    layout.create()
    marks = add_layer(layout, with_parents([regular("etc/mark", b"the base's own\n")]))
    below = add_layer(layout, debian())
    variables = ("PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "KEPT=from the base")
    execution = Execution(
        user="root",
        env=variables,
        entrypoint=("/bin/sh", "-c"),
        cmd=("python3",),
        labels={"org.opencontainers.image.title": "base", "org.example.team": "base"},
    )
    add_image(layout, [below, marks], execution, "debian")
    system = add_layer(layout, (each for each in debian() if not _is_python(each.path)))
    moved = add_layer(layout, with_parents(_moved(each) for each in debian() if _is_python(each.path)))
    add_image(layout, [system, moved], execution, "moved")
    add_image(layout, [system], execution, "bare")
    cuda = [
        regular(f"usr/local/cuda-12.4/lib64/{name}", bytes(size))
        for name, size in (("libcublasLt.so.12.4", 3_000_000), ("libcudart.so.12.4", 1_000_000))
    ]
    add_image(layout, [below, add_layer(layout, with_parents(cuda))], execution, "cuda")
    return layout


def _is_python(path: str) -> bool:
    return path.startswith(("usr/bin/python3.11", "usr/lib/python3.11"))


def _moved(entry: Entry) -> Entry:
    path = f"usr/local/{entry.path.removeprefix('usr/')}"
    inner = entry.target.startswith(("/usr/bin/python", "/usr/lib/python"))
    return msgspec.structs.replace(
        entry, path=path, target=entry.target.replace("/usr/", "/usr/local/") if inner else entry.target
    )


@pytest.fixture(scope="session")
def lightship(new_lightship: Callable[[], Lightship]) -> Lightship:
    return new_lightship()


@pytest.fixture
def service(layout: Layout, tmp_path: Path) -> Callable[..., Path]:
    """Make a small service on an image of the layout; gives its folder."""

    def make(
        tag: str,
        *,
        port: int = 8000,
        python: str = PYTHON,
        packages: Sequence[str] = (),
        requirements: Iterable[str] = ("fastapi", "uvicorn"),
    ) -> Path:
        folder = tmp_path / "service"
        folder.mkdir()
        names = ", ".join(f'"{name}"' for name in packages)
        base = f"oci:{layout.path}:{tag}"
        (folder / "lightship.toml").write_text(
            CONFIGURATION.format(python=python, base=base, port=port, packages=names)
        )
        (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements))
        (folder / "app.py").write_text(APPLICATION)
        return folder

    return make
