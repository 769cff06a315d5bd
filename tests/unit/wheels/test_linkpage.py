from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from lightship.wheels.linkpage import link_page


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "a"
        self.found += [value or "" for _, value in attrs]


def test_a_folder_becomes_a_page_of_links_with_the_digests_that_are_known(tmp_path: Path) -> None:
    folder = tmp_path / "a & b"
    (folder / "inner").mkdir(parents=True)
    for name in ("torch-1+cpu-py3-none-any.whl", "plain-1-py3-none-any.whl"):
        (folder / name).touch()
    page = link_page(folder, {folder / "torch-1+cpu-py3-none-any.whl": "ab"})
    where = f"file://{tmp_path}/a%20&%20b"
    assert Links(page).found == [
        f"{where}/plain-1-py3-none-any.whl",
        f"{where}/torch-1+cpu-py3-none-any.whl#sha256=ab",
    ]
