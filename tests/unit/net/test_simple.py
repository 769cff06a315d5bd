from __future__ import annotations

from pathlib import Path

from lightship.net.http import HttpTransport
from lightship.net.simple import Link, project_page, read_links


def test_links_are_resolved_against_the_page_or_its_base(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(
        '<a href="../f/a%2Bcpu.whl#sha256=1">a</a><a>none</a><base href="https://h/x/"><a href="b">'
    )
    links = read_links(HttpTransport(), page.as_uri())
    assert [link.filename for link in links] == ["a+cpu.whl", "b"]
    assert links[1] == Link("b", "https://h/x/b")


def test_a_projects_page_is_a_folder_on_servers_and_a_file_on_disks() -> None:
    assert project_page("https://h/simple/", "torch") == "https://h/simple/torch/"
    assert project_page("file:///m/simple", "torch") == "file:///m/simple/torch/index.html"
