"""A desk to resolve at: a project, indexes and an environment, all of one test's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import LightshipError
from lightship.events import SilentReporter
from lightship.net.pipconf import PipConfig
from lightship.platform import Platform
from lightship.wheels.resolve import ResolveRequest, resolve
from tests.support.index import make_wheel, simple_index
from tests.support.web import Web, serving

AMD64, ARM64 = Platform("amd64"), Platform("arm64")


class Remembering(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@dataclass
class Desk:
    """A project folder, an index on loopback, a folder for find-links, and an environment without Python."""

    folder: Path
    web: Web
    pip: PipConfig
    environ: dict[str, str]
    reporter: Remembering = field(default_factory=Remembering)

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @property
    def links(self) -> Path:
        return self.folder / "links"

    def offer(self, name: str, version: str, *requires: str, tag: str = "py3-none-any") -> None:
        make_wheel(self.index, name, version, tag=tag, requires=requires)

    def request(self, *lines: str, **more: Any) -> ResolveRequest:
        (self.folder / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))
        return ResolveRequest(
            folder=self.folder,
            python="3.11",
            platform=AMD64,
            requirements=(Path("requirements.txt"),),
            **more,
        )

    def lock(self, *lines: str, **more: Any) -> dict[str, dict[str, Any]]:
        return self.run(self.request(*lines, **more))

    def run(self, request: ResolveRequest) -> dict[str, dict[str, Any]]:
        text = resolve(request, pip=self.pip, environ=self.environ, reporter=self.reporter)
        return {package["name"]: package for package in tomllib.loads(text).get("packages", [])}

    def fails(self, *lines: str, **more: Any) -> LightshipError:
        with pytest.raises(LightshipError) as raised:
            self.lock(*lines, **more)
        assert raised.value.hint
        return raised.value


@contextmanager
def at_desk(folder: Path) -> Iterator[Desk]:
    (folder / "links").mkdir()
    (folder / "index").mkdir()
    with serving() as web:
        web.answers = [simple_index(folder / "index")]
        yield Desk(
            folder=folder,
            web=web,
            pip=PipConfig(index_url=f"{web.url}/simple", find_links=(str(folder / "links"),)),
            environ={
                "PATH": "/nonexistent",
                "HOME": str(folder),
                "UV_CACHE_DIR": str(folder / "cache"),
                "UV_HTTP_RETRIES": "0",
            },
        )
