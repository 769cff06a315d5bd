from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.home import Home, find_home
from lightship.build.prune import cache_info, prune
from lightship.errors import StageError, UsageError
from lightship.oci.validate import layout_problems
from tests.support.images import hello_image


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "data", tmp_path / "cache")
    made.images.create()
    return made


def test_images_stay_and_everything_else_goes(home: Home) -> None:
    hello_image(home.images, name="hello:1")
    stray = home.images.blobs / ("0" * 64)
    stray.write_bytes(b"x" * 100)
    leftovers = [home.images.blobs / ".tmp-1", home.images.path / ".tmp-2"]
    for leftover in leftovers:
        leftover.write_bytes(b"y")
    archive = home.archives / "sha256" / "abc"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"z" * 1000)
    assert prune(home) == 1102
    assert not [path for path in (stray, archive, *leftovers) if path.exists()]
    assert layout_problems(home.images) == []
    assert sorted(home.images.names()) == ["hello:1"]


def test_folders_that_nobody_may_write_to_go_too(home: Home) -> None:
    folder = home.cache / "roots" / "closed"
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"12345")
    (folder / "link").symlink_to("/nowhere")
    folder.chmod(0o500)
    prune(home)
    assert list(home.cache.iterdir()) == []


def test_nothing_goes_while_a_build_is_at_work(home: Home) -> None:
    (home.cache / "layers").mkdir(parents=True)
    with home.claimed(), home.claimed(), pytest.raises(UsageError, match="uses the cache"):
        prune(home)
    assert (home.cache / "layers").is_dir()
    prune(home)
    assert not (home.cache / "layers").exists()


def test_hard_links_count_once(home: Home) -> None:
    (home.cache / "roots").mkdir(parents=True)
    (home.cache / "roots" / "one").write_bytes(b"x" * 70)
    (home.cache / "roots" / "two").hardlink_to(home.cache / "roots" / "one")
    roots = cache_info(home)[0]
    assert (roots.what, roots.files, roots.size) == ("roots", 1, 70)


def test_an_empty_home_is_no_error(tmp_path: Path) -> None:
    assert prune(Home(tmp_path / "data", tmp_path / "cache")) == 0


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    home = find_home({"LIGHTSHIP_HOME": str(tmp_path / "file")}, tmp_path)
    with pytest.raises(StageError), home.claimed():
        pass


@pytest.mark.parametrize(
    ("environ", "data", "cache"),
    [
        ({"LIGHTSHIP_HOME": "/h"}, "/h/data", "/h/cache"),
        ({"XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c"}, "/d/lightship", "/c/lightship"),
        ({}, "/u/.local/share/lightship", "/u/.cache/lightship"),
    ],
)
def test_the_home_follows_the_environment(environ: dict[str, str], data: str, cache: str) -> None:
    assert find_home(environ, Path("/u")) == Home(Path(data), Path(cache))
