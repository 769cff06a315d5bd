"""What is asked of indexes when a lock is made again, and that it is the lock that asking for all gives."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightship.digest import of_file
from lightship.net.pipconf import PipConfig
from lightship.platform import Platform
from lightship.wheels.merge import merge_pylocks
from lightship.wheels.relock import relock
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve, resolve_each, resolve_platforms
from tests.support.desk import AMD64, ARM64, Desk, at_desk
from tests.support.index import make_wheel, simple_index
from tests.support.web import serving

LINUX = {AMD64: "cp311-cp311-manylinux_2_28_x86_64", ARM64: "cp311-cp311-manylinux_2_28_aarch64"}
LOCKED = ("web>=1", "client", "tools[fast]", "-c limits.txt")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with a lock; the index has got newer versions of all that is in it since."""
    with at_desk(tmp_path) as desk:
        (tmp_path / "limits.txt").write_text("pool<9\n")
        desk.offer("web", "1.0", "pool>=1")
        desk.offer("client", "1.0", "pool<3")
        desk.offer("tools", "1.0", "speed; extra == 'fast'", "colour; extra == 'bright'")
        for name in ("pool", "speed", "colour"):
            desk.offer(name, "1.0")
        lock(desk, *LOCKED)
        desk.offer("web", "2.0", "pool>=2")
        desk.offer("client", "2.0")
        for name in ("pool", "speed", "helper"):
            desk.offer(name, "2.0")
        desk.offer("new", "1.0")
        desk.offer("new", "2.0", "helper", "pool")
        yield desk


def lock_file(desk: Desk) -> Path:
    return desk.folder / "pylock.cpu.toml"


def lock(desk: Desk, *lines: str, **more: Any) -> None:
    request = desk.request(*lines, **more)
    text = resolve_platforms([request], pip=desk.pip, environ=desk.environ, reporter=desk.reporter)
    lock_file(desk).write_text(text)
    desk.web.asked.clear()


def again(desk: Desk, *lines: str, **more: Any) -> str | None:
    """Make the lock again, or find that this takes asking about everything."""
    request = desk.request(*lines, lock=lock_file(desk), **more)
    texts = relock([request], pip=desk.pip, environ=desk.environ, reporter=desk.reporter, digest_of=digest)
    return merge_pylocks(texts) if texts else None


def whole(desk: Desk, *lines: str, **more: Any) -> str:
    """Make the lock again by asking about everything, with a cache that knows nothing of before."""
    request = desk.request(*lines, lock=lock_file(desk), **more)
    environ = {**desk.environ, "UV_CACHE_DIR": str(desk.folder / "other-cache")}
    return merge_pylocks({AMD64: resolve(request, pip=desk.pip, environ=environ, reporter=desk.reporter)})


def pages(desk: Desk) -> set[str]:
    """Tell which projects the index was asked about."""
    return {path.split("/")[2] for path in desk.web.paths() if path.startswith("/simple/")}


def digest(path: Path, _status: object) -> str:
    return of_file(path)


def versions(text: str | None) -> dict[str, str]:
    assert text is not None
    return {package["name"]: package["version"] for package in tomllib.loads(text)["packages"]}


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        pytest.param(LOCKED, set(), id="as it was"),
        pytest.param((*LOCKED, "new"), {"helper", "new", "pool"}, id="one more"),
        pytest.param((*LOCKED, "new<2"), {"new"}, id="one more, with a bound"),
        pytest.param((*LOCKED, "new; sys_platform == 'win32'"), set(), id="one more, elsewhere"),
        pytest.param(("web", "tools[fast]"), set(), id="one less"),
        pytest.param(("web", "client", "tools"), set(), id="an extra less"),
        pytest.param(("web", "client>=1,<5", "tools[fast]"), set(), id="loosened"),
        pytest.param(("web", "client>=2", "tools[fast]"), {"client"}, id="raised"),
        pytest.param(("web==2.0", "client", "tools[fast]"), {"pool", "web"}, id="raised, with what it needs"),
        pytest.param(
            ("web", "client", "tools[fast]", "pool==2.*"), {"pool"}, id="what another needs, raised"
        ),
        pytest.param(("web", "client", "tools[fast]", "-c more.txt"), {"pool"}, id="constrained"),
    ],
)
def test_only_what_changed_is_asked_for_and_the_lock_is_the_same(
    desk: Desk, lines: tuple[str, ...], asked: set[str]
) -> None:
    (desk.folder / "more.txt").write_text("pool>=2\n")
    text = again(desk, *lines)
    assert pages(desk) == asked
    assert text == whole(desk, *lines)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((*LOCKED, "tools[bright]"), id="an extra more"),
        pytest.param((*LOCKED, "needy"), id="what is locked must move"),
        pytest.param((*LOCKED, "own @ file://{links}/own-1.0-py3-none-any.whl"), id="a file"),
        pytest.param(("--pre", *LOCKED), id="an option"),
    ],
)
def test_everything_is_asked_for_where_less_might_not_do(desk: Desk, lines: tuple[str, ...]) -> None:
    make_wheel(desk.links, "own", "1.0")
    desk.offer("needy", "1.0", "pool>=3")
    desk.offer("pool", "3.0")
    lines = tuple(line.replace("{links}", str(desk.links)) for line in lines)
    assert again(desk, *lines) is None
    request = desk.request(*lines, lock=lock_file(desk))
    texts = resolve_each([request], pip=desk.pip, environ=desk.environ, reporter=desk.reporter)
    assert merge_pylocks(texts) == whole(desk, *lines)
    assert versions(whole(desk, *lines)).keys() >= {"web", "client", "pool"}


@pytest.mark.parametrize("line", ["nonesuch", "pool>=99"])
def test_what_cannot_be_had_is_said_by_asking_for_everything(desk: Desk, line: str) -> None:
    assert again(desk, *LOCKED, line) is None
    error = desk.fails(*LOCKED, line, lock=lock_file(desk))
    assert line.partition(">")[0] in error.message


def test_an_upgrade_a_first_lock_and_an_offline_one_ask_as_ever(desk: Desk) -> None:
    assert again(desk, *LOCKED, upgrade=True) is None
    assert again(desk, *LOCKED, offline=True) is None
    lock_file(desk).write_text("packages = 1\n")
    assert again(desk, *LOCKED) is None
    lock_file(desk).unlink()
    assert again(desk, *LOCKED) is None
    assert desk.web.asked == []


def test_a_cache_that_knows_nothing_is_filled_by_asking_for_everything(desk: Desk) -> None:
    desk.environ["UV_CACHE_DIR"] = str(desk.folder / "elsewhere")
    assert again(desk, *LOCKED) is None
    request = desk.request(*LOCKED, lock=lock_file(desk))
    resolve_each([request], pip=desk.pip, environ=desk.environ, reporter=desk.reporter)
    assert pages(desk) == {"web", "client", "tools", "pool", "speed"}
    assert versions(again(desk, *LOCKED))["pool"] == "1.0"


def test_a_page_in_the_cache_that_is_older_than_the_lock_does_not_count(desk: Desk) -> None:
    """Another machine has locked a version that the cache of this one has never heard of."""
    desk.environ["UV_CACHE_DIR"] = str(desk.folder / "other-cache")
    newer = whole(desk, *LOCKED, upgrade=True)
    desk.environ["UV_CACHE_DIR"] = str(desk.folder / "cache")
    lock_file(desk).write_text(newer)
    assert again(desk, *LOCKED) is None
    texts = resolve_each(
        [desk.request(*LOCKED, lock=lock_file(desk))],
        pip=desk.pip,
        environ=desk.environ,
        reporter=desk.reporter,
    )
    assert merge_pylocks(texts) == newer


def test_a_file_that_an_index_replaced_is_not_taken_for_the_locked_one(desk: Desk) -> None:
    text = lock_file(desk).read_text()
    sha256 = tomllib.loads(text)["packages"][0]["wheels"][0]["hashes"]["sha256"]
    lock_file(desk).write_text(text.replace(sha256, "0" * 64))
    assert again(desk, *LOCKED) is None


def test_each_platform_keeps_what_it_has_locked(desk: Desk) -> None:
    for tag in LINUX.values():
        desk.offer("fast", "1.0", "gpu; platform_machine == 'aarch64'", tag=tag)
    desk.offer("gpu", "1.0")
    requests = [replace(desk.request("fast"), platform=platform, lock=lock_file(desk)) for platform in LINUX]

    def resolved() -> str:
        return resolve_platforms(requests, pip=desk.pip, environ=desk.environ, reporter=desk.reporter)

    first = resolved()
    lock_file(desk).write_text(first)
    for name in ("fast", "gpu"):
        desk.offer(name, "2.0")
    desk.web.asked.clear()
    assert resolved() == first
    assert desk.web.asked == []
    (desk.folder / "requirements.txt").write_text("fast\nnew<2\n")
    assert versions(resolved()) == {"fast": "1.0", "gpu": "1.0", "new": "1.0"}
    assert pages(desk) == {"new"}
    desk.environ["UV_CACHE_DIR"] = str(desk.folder / "elsewhere")
    assert versions(resolved()) == {"fast": "1.0", "gpu": "1.0", "new": "1.0"}


def test_warnings_are_said_once(desk: Desk) -> None:
    desk.offer("torch", "1.0")
    lock(desk, *LOCKED, "torch", torch="none")
    desk.reporter.warnings.clear()
    desk.pip = replace(desk.pip, find_links=(*desk.pip.find_links, "/nonexistent"))
    assert again(desk, *LOCKED, "torch", "new", torch="none")
    assert desk.reporter.warnings == [
        "find-links names /nonexistent, which does not exist: passed over",
        "torch is in the lock of a variant with torch = 'none': torch",
    ]


# PyTorch


def test_a_build_in_a_folder_is_not_read_again(desk: Desk) -> None:
    wheel = make_wheel(desk.links, "torch", "2.7.0+cpu", tag=LINUX[AMD64])
    lock(desk, *LOCKED, "torch", torch="cpu")
    request = desk.request(*LOCKED, "torch", "new", torch="cpu", lock=lock_file(desk))

    def read(sha256: str) -> dict[Platform, str] | None:
        return relock(
            [request],
            pip=desk.pip,
            environ=desk.environ,
            reporter=desk.reporter,
            digest_of=lambda _path, _status: sha256,
        )

    texts = read(of_file(wheel))
    assert texts is not None
    assert wheel.name in texts[AMD64]
    assert (
        read(f"sha256:{'0' * 64}") is None
    )  # what is said of the file is believed: it is not the locked one


def test_a_newer_build_in_a_folder_is_taken_as_ever(desk: Desk) -> None:
    make_wheel(desk.links, "torch", "2.7.0+cpu", tag=LINUX[AMD64])
    lock(desk, "torch", torch="cpu")
    make_wheel(desk.links, "torch", "2.8.0+cpu", tag=LINUX[AMD64])
    assert again(desk, "torch", torch="cpu") is None
    assert versions(whole(desk, "torch", torch="cpu"))["torch"] == "2.8.0+cpu"


def test_the_locked_build_on_an_index_is_kept_without_asking(desk: Desk) -> None:
    desk.offer("torch", "2.8.0+cpu", tag=LINUX[AMD64])
    lock(desk, *LOCKED, "torch", torch="cpu")
    text = again(desk, *LOCKED, "torch", "new<2", torch="cpu")
    assert pages(desk) == {"new"}
    assert text == whole(desk, *LOCKED, "torch", "new<2", torch="cpu")


def test_indexes_and_folders_that_lines_name_count(tmp_path: Path) -> None:
    with at_desk(tmp_path) as desk, serving() as other:
        other.answers = [simple_index(tmp_path / "other")]
        for name in ("kept", "more"):
            make_wheel(tmp_path / "other", name, "1.0")
        make_wheel(tmp_path / "near", "near", "1.0")
        desk.pip = PipConfig()
        options = (f"-i {desk.web.url}/simple", f"--extra-index-url {other.url}/simple", "-f near")
        lock(desk, *options, "kept")
        other.asked.clear()
        text = again(desk, *options, "kept", "more", "near")
        assert versions(text) == {"kept": "1.0", "more": "1.0", "near": "1.0"}
        assert not [path for path in other.paths() if "kept" in path]
        assert text == whole(desk, *options, "kept", "more", "near")


def test_requests_that_are_not_files_count(desk: Desk) -> None:
    (desk.folder / "pyproject.toml").write_text(
        "[project]\nname = 'app'\nversion = '1'\ndependencies = ['web', 'client']\n"
        "[project.optional-dependencies]\nmore = ['new<2']\n"
    )
    request = ResolveRequest(
        folder=desk.folder,
        python="3.11",
        platform=AMD64,
        pyproject=Path("pyproject.toml"),
        extras=("more",),
        lock=lock_file(desk),
    )
    texts = relock([request], pip=desk.pip, environ=desk.environ, reporter=desk.reporter)
    assert texts is not None
    assert versions(texts[AMD64]) == {"web": "1.0", "client": "1.0", "pool": "1.0", "new": "1.0"}
    assert pages(desk) == {"new"}
