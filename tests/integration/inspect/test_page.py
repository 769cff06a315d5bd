from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.integration.inspect.conftest import OpenPage

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("chromium")]
WIDTHS = (375, 768, 1280)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def cell(name: str) -> str:
    return f"#tree [role=treeitem][aria-label^='{name},']"


def rows(page: Page, place: str) -> list[str]:
    return page.locator(f"{place} tbody th").all_inner_texts()


@pytest.mark.parametrize("width", WIDTHS)
def test_it_draws_what_fits_the_width(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width)
    expect(page.get_by_role("heading", level=1)).to_have_text("service:2")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    tree = page.locator("#tree").bounding_box()
    torch = page.locator(cell("torch")).first.bounding_box()
    assert tree is not None
    assert torch is not None
    share = torch["width"] * torch["height"] / (tree["width"] * tree["height"])
    assert 0.4 < share < 0.7  # of the files' bytes torch has 0.58; frames take some room
    assert page.locator("#layer-table tbody tr").count() == 3
    assert "5 kB" in page.locator("#waste-text").inner_text()


def test_it_zooms_by_pointer_and_goes_back(open_page: OpenPage) -> None:
    page = open_page()
    page.locator(cell("torch")).first.click(position={"x": 20, "y": 8})
    crumbs = page.locator("#crumbs li")
    expect(crumbs).to_have_count(3)
    expect(page.locator(cell("torch/lib/libtorch.so")).or_(page.locator(cell("torch")))).to_have_count(1)
    expect(page.locator("#detail")).to_contain_text("sympy")
    crumbs.first.get_by_role("button").click()
    expect(crumbs).to_have_count(1)


def test_it_is_used_by_keyboard(open_page: OpenPage) -> None:
    page = open_page()
    page.locator("#crumbs").evaluate("node => { node.tabIndex = -1; node.focus(); }")
    page.keyboard.press("Tab")
    assert focused(page).startswith("Python packages")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith(("torch", "sympy"))
    outline = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
    assert "inset" in outline
    page.locator(cell("torch")).first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#crumbs li")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator("#crumbs li")).to_have_count(2)
    assert focused(page).startswith("torch")
    page.keyboard.press("Escape")
    expect(page.locator("#crumbs li")).to_have_count(1)
    visited = set()
    for key in ["End", "Home", *["ArrowRight", "ArrowDown"] * 12]:
        page.keyboard.press(key)
        visited.add(focused(page))
    assert len(visited) > 4


def test_packages_are_filtered_and_sorted(open_page: OpenPage) -> None:
    page = open_page()
    assert rows(page, "#package-table")[0].startswith("torch")
    page.fill("#query", "small1")
    expect(page.locator("#count")).to_contain_text("11 of 44")
    assert all("small1" in row for row in rows(page, "#package-table"))
    assert "dim" in str(page.locator(cell("torch")).first.get_attribute("class"))
    page.locator("#package-table").get_by_role("button", name="Package", exact=True).click()
    assert rows(page, "#package-table")[0].startswith("small1 ")
    expect(page.locator("#package-table th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    page.fill("#query", "nothing like it")
    expect(page.locator("#package-table")).to_contain_text("No package matches")
    page.fill("#query", "")
    page.get_by_role("button", name="Debian packages", exact=True).last.click()
    assert [row.split()[0] for row in rows(page, "#package-table")] == ["libc6"]


def test_a_package_of_the_table_is_shown_on_the_map(open_page: OpenPage) -> None:
    page = open_page()
    page.locator("#package-table").get_by_role("button", name="sympy", exact=True).click()
    expect(page.locator("#detail h3")).to_have_text("sympy 1.0")
    expect(page.locator("#detail")).to_contain_text("There for")
    page.locator("#detail").get_by_role("button", name="torch").first.click()
    expect(page.locator("#detail h3")).to_have_text("torch 2.0")


def test_two_images_are_compared(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator("#totals")).to_contain_text("2 layers of 3 are shared")
    assert page.locator("#changes tbody tr").all_inner_texts()[0].split() == [
        *("updated", "torch", "1.0", "470", "kB", "2.0", "670", "kB", "+200", "kB")
    ]
    page.get_by_role("button", name="By change").click()
    assert "grown" in str(page.locator(cell("torch")).first.get_attribute("class"))
    page.get_by_role("button", name="service:1").click()
    assert "shrunk" in str(page.locator(cell("torch")).first.get_attribute("class"))
    expect(page.locator("#crumbs")).to_contain_text("service:1")
    page.fill("#change-query", "zzz")
    expect(page.locator("#changes")).to_contain_text("Every package and folder is the same.")


def test_dark_and_light_follow_the_system_and_the_switch(open_page: OpenPage) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page(scheme=scheme) for scheme in ("light", "dark"))
    colours = [page.evaluate(background) for page in (light, dark)]
    assert colours[0] != colours[1]
    light.get_by_role("button", name="Theme").click()
    assert light.evaluate(background) == colours[1]
    light.get_by_role("button", name="Theme").click()
    assert light.evaluate(background) == colours[0]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_axe_finds_nothing_to_mend(open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(width=width, scheme=scheme, bypass_csp=True)  # axe is a script of its own
    axe = Axe()
    assert [item["id"] for item in axe.run(page).response["violations"]] == []
    page.fill("#query", "small1")
    page.locator(cell("sympy")).first.focus()
    if page.get_by_role("button", name="By change").is_visible():
        page.get_by_role("button", name="By change").click()
    assert [item["id"] for item in axe.run(page).response["violations"]] == []
