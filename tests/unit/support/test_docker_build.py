"""Dockerfiles get their mounts; loopback serves what pip is configured to find, and nothing else."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from lightship.net.pipconf import PipConfig
from scripts.machine import lent, pip_text
from tests.support.docker_build import with_mounts

MOUNT = "--mount=type=secret,id=machine-pip,target=/etc/pip.conf,mode=0444"


def mounted(text: str) -> str:
    return with_mounts(text, {"machine-pip": Path("pip.conf")})


def get(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_every_run_gets_the_mounts_and_the_lines_that_it_goes_on_over_do_not() -> None:
    text = "FROM a\nRUN one \\\n# remark\n\n RUN two\nrun --mount=type=cache,target=/c x\nCOPY RUN RUN\n"
    assert mounted(text) == (
        f"FROM a\nRUN {MOUNT} one \\\n# remark\n\n RUN two\n"
        f"run {MOUNT} --mount=type=cache,target=/c x\nCOPY RUN RUN\n"
    )


def test_the_syntax_line_goes_and_other_remarks_stay() -> None:
    assert mounted("# syntax=docker/dockerfile:1\n# a remark\nFROM a\n") == "# a remark\nFROM a\n"


def test_local_folders_and_indexes_are_served_and_nothing_beside_them(tmp_path: Path) -> None:
    for name in ("wheels/torch-2+cpu.whl", "index/simple/a/index.html", "index/files/a.whl", "secret"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    config = PipConfig(
        extra_index_urls=(f"file://{tmp_path}/index/simple", "https://index.example.com/simple"),
        find_links=(f"{tmp_path}/wheels",),
    )
    with lent(config) as found:
        (links,) = found.find_links
        index, remote = found.extra_index_urls
        assert "torch-2%2Bcpu.whl" in get(links)[1]
        assert get(f"{index}a/") == (200, "index/simple/a/index.html")
        assert get(f"{index}a/../../files/a.whl") == (200, "index/files/a.whl")
        assert get(f"{index}../../secret")[0] == 404
        assert remote == "https://index.example.com/simple"


def test_a_pip_conf_has_what_is_configured() -> None:
    config = PipConfig(index_url="https://index.example.com/simple", cert=Path("/ca"))
    assert pip_text(config) == (
        "[global]\nindex-url = https://index.example.com/simple\ncert = /ca\n"
        "disable-pip-version-check = true\n"
    )
