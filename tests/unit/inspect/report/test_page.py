from __future__ import annotations

import base64
import hashlib
import json
import re

from lightship.fs.entries import regular
from lightship.inspect.report.model import Inspection
from lightship.inspect.report.page import render_page
from tests.support.installed import dist
from tests.unit.inspect.report.conftest import Inspect

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def page_of(inspect: Inspect) -> tuple[Inspection, str]:
    found = inspect([*dist("a", {"a.py": b"1"}), regular("app/</script><script>alert(1)", b"12")])
    return found, render_page(found, inspect(dist("a", {"a.py": b"123"})))


def test_the_page_allows_its_own_script_and_style_and_nothing_else(inspect: Inspect) -> None:
    _, page = page_of(inspect)
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    policy = dict(item.strip().split(" ", 1) for item in found[1].split(";"))
    assert policy["default-src"] == "'none'"
    for kind, text in _INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"
    assert len(_INLINE.findall(page)) == 2


def test_the_page_names_no_other_place(inspect: Inspect) -> None:
    _, page = page_of(inspect)
    assert re.findall(r"(?:https?:)?//[a-z]+\.[a-z]+", page) == []


def test_names_of_files_cannot_leave_the_data(inspect: Inspect) -> None:
    found, page = page_of(inspect)
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    data = json.loads(match[1])
    assert data["image"]["digest"] == found.digest
    assert {file["path"] for file in data["image"]["files"]} == {file.path for file in found.files}
    assert [change["name"] for change in data["changes"]] == ["a", "/app/<"]


def test_the_same_image_is_the_same_page(inspect: Inspect) -> None:
    found = inspect(dist("a", {"a.py": b"1"}))
    assert render_page(found) == render_page(found)
