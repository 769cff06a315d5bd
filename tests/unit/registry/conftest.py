from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lightship.net.settings import HttpSettings
from lightship.oci.layout import Layout, LayoutImage
from lightship.registry.certificates import FindCertificates, no_certificates
from lightship.registry.client import connected
from lightship.registry.credentials import Credential
from lightship.registry.wire import Wire
from tests.support.images import hello_image
from tests.support.registry import Registry, serving


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds


Connect = Callable[..., Wire]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as server:
        yield server


@pytest.fixture
def connect(clock: Clock) -> Iterator[Connect]:
    """Connect with a credential, or as nobody; settings are HttpSettings'."""
    with ExitStack() as stack:

        def make(
            credential: Credential | None = None,
            plain: tuple[str, ...] = (),
            certificates: FindCertificates = no_certificates,
            **settings: object,
        ) -> Wire:
            return stack.enter_context(
                connected(
                    HttpSettings(**settings),  # type: ignore[arg-type]
                    lambda _: credential,
                    plain=plain,
                    certificates=certificates,
                    sleep=clock.sleep,
                    jitter=lambda: 1.0,
                    now=clock.now,
                )
            )

        yield make


@pytest.fixture
def image(tmp_path: Path) -> LayoutImage:
    layout = Layout(tmp_path / "layout")
    layout.create()
    return hello_image(layout, name="hello:1")
