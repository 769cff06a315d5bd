"""A page about two synthesised images, in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lightship.events import SilentReporter
from lightship.fs.entries import Entry, regular
from lightship.inspect.report.inspection import inspect_image
from lightship.inspect.report.model import Inspection
from lightship.inspect.report.page import render_page
from lightship.oci.layout import Layout
from lightship.oci.model import Execution
from tests.support.images import add_image, add_layer
from tests.support.installed import deb_in_folder, dist
from tests.support.tools import missing_tools

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    layout = Layout(folder / "layout")
    layout.create()
    found = _inspection(layout, folder, "service:2", "2.0", 600_000)
    against = _inspection(layout, folder, "service:1", "1.0", 400_000)
    page = folder / "page.html"
    page.write_text(render_page(found, against), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if missing := missing_tools(["chromium"]):
        pytest.skip(f"not on this machine: {missing}")
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses root, which CI is; the page is this test's own.
        made = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Browser, page_file: Path) -> Iterator[OpenPage]:
    """Open the page; afterwards it must have asked for nothing, and said nothing of errors."""
    asked: list[str] = []
    said: list[str] = []
    contexts = []

    def call(*, width: int = 1280, scheme: str = "light", bypass_csp: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            bypass_csp=bypass_csp,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(page_file.as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {page_file.as_uri()}


def _inspection(layout: Layout, folder: Path, name: str, version: str, size: int) -> Inspection:
    layers = [add_layer(layout, entries) for entries in _layers(version, size)]
    image = add_image(layout, layers, Execution(working_dir="/app"))
    return inspect_image(name, image, cache=folder / "cache", reporter=SilentReporter())


def _layers(version: str, size: int) -> list[list[Entry]]:
    large = {
        "torch/lib/libtorch.so": b"x" * size,
        "torch/nn/a.py": b"x" * 50_000,
        "torch/b.py": b"x" * 20_000,
    }
    small = [
        entry for n in range(40) for entry in dist(f"small{n}", {f"small{n}/x.py": b"x" * (900 + 100 * n)})
    ]
    return [
        [*deb_in_folder("libc6", {"usr/lib/libc.so.6": b"x" * 90_000}), regular("etc/gone", b"x" * 5_000)],
        [
            *dist("torch", large, version=version, requires=["sympy"]),
            *dist("sympy", {"sympy/core.py": b"x" * 120_000, "sympy/sets.py": b"x" * 80_000}),
            *small,
        ],
        [regular("app/main.py", b"x" * 30_000), regular("etc/.wh.gone", b"")],
    ]
