"""Resolution with the real uv, against indexes on loopback and folders."""

from __future__ import annotations

import socket
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.errors import ResolutionError, UsageError
from lightship.net.pipconf import PipConfig
from lightship.wheels.resolve import ResolveRequest, resolve, resolve_platforms
from tests.support.desk import AMD64, ARM64, Desk, at_desk
from tests.support.index import make_wheel, simple_index
from tests.support.web import serving

LINUX = {AMD64: "cp311-cp311-manylinux_2_28_x86_64", ARM64: "cp311-cp311-manylinux_2_28_aarch64"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with at_desk(tmp_path) as desk:
        yield desk


def test_wheels_are_those_of_the_target_whatever_runs_here(desk: Desk) -> None:
    for tag in (*LINUX.values(), "cp313-cp313-manylinux_2_28_x86_64", "cp311-cp311-win_amd64"):
        desk.offer("fast", "1.0", "slow; python_version < '3.12'", "never; sys_platform == 'win32'", tag=tag)
    desk.offer("slow", "2.0")
    packages = desk.lock("fast")
    assert sorted(packages) == ["fast", "slow"]
    assert [wheel["url"] for wheel in packages["fast"]["wheels"]] == [
        f"{desk.web.url}/files/fast-1.0-{LINUX[AMD64]}.whl"
    ]
    assert len(packages["fast"]["wheels"][0]["hashes"]["sha256"]) == 64


def test_the_newest_version_of_all_indexes_counts_as_with_pip(desk: Desk, tmp_path: Path) -> None:
    desk.offer("both", "1.0")
    make_wheel(tmp_path / "other", "both", "2.0")
    with serving() as other:
        other.answers = [simple_index(tmp_path / "other")]
        desk.pip = replace(
            desk.pip, index_url=f"{other.url}/simple", extra_index_urls=(f"{desk.web.url}/simple",)
        )
        assert desk.lock("both")["both"]["version"] == "2.0"


def test_inline_requirements_constraints_extras_and_groups_count(desk: Desk) -> None:
    for name in ("one", "two", "three", "four"):
        desk.offer(name, "1.0")
        desk.offer(name, "2.0")
    (desk.folder / "c.txt").write_text("one<2\n")
    (desk.folder / "pyproject.toml").write_text(
        "[project]\nname = 'app'\nversion = '1'\ndependencies = ['two']\n"
        "[project.optional-dependencies]\ncpu = ['three<2']\n[dependency-groups]\nrun = ['four<2']\n"
    )
    request = ResolveRequest(
        folder=desk.folder,
        python="3.11",
        platform=AMD64,
        inline=("one",),
        constraints=(Path("c.txt"),),
        pyproject=Path("pyproject.toml"),
        extras=("cpu",),
        groups=("run",),
    )
    versions = {name: package["version"] for name, package in desk.run(request).items()}
    assert versions == {"one": "1.0", "two": "2.0", "three": "1.0", "four": "1.0"}


def test_versions_of_an_existing_lock_are_kept_until_an_upgrade(desk: Desk) -> None:
    desk.offer("kept", "1.0")
    lock = desk.folder / "pylock.cpu.toml"
    lock.write_text(resolve(desk.request("kept"), pip=desk.pip, environ=desk.environ, reporter=desk.reporter))
    desk.offer("kept", "1.1")
    assert desk.lock("kept", lock=lock, upgrade=True)["kept"]["version"] == "1.1"
    assert desk.lock("kept", lock=lock)["kept"]["version"] == "1.0"


def test_a_second_resolution_is_the_same_to_the_byte(desk: Desk) -> None:
    desk.offer("app", "1.0", "dep")
    desk.offer("dep", "1.0")
    request = desk.request("app")
    first, second = (
        resolve(request, pip=desk.pip, environ=desk.environ, reporter=desk.reporter) for _ in range(2)
    )
    assert first == second
    assert str(desk.folder) not in first


def test_platforms_share_versions_and_are_merged(desk: Desk) -> None:
    for tag in LINUX.values():
        desk.offer("fast", "1.0", "gpu; platform_machine == 'x86_64'", tag=tag)
    desk.offer("fast", "2.0", tag=LINUX[ARM64])
    desk.offer("gpu", "1.0")
    request = desk.request("fast")
    requests = [request, replace(request, platform=ARM64)]
    text = resolve_platforms(requests, pip=desk.pip, environ=desk.environ, reporter=desk.reporter)
    packages = {package["name"]: package for package in tomllib.loads(text)["packages"]}
    assert packages["fast"]["version"] == "1.0"
    assert len(packages["fast"]["wheels"]) == 2
    assert packages["gpu"]["marker"] == 'platform_machine == "x86_64"'


def test_credentials_reach_the_index_and_nothing_else(desk: Desk) -> None:
    desk.offer("private", "1.0")
    desk.web.answers = [simple_index(desk.index, password="secret")]
    desk.pip = PipConfig(index_url=f"{desk.web.url.replace('//', '//me:secret@')}/simple")
    text = resolve(desk.request("private"), pip=desk.pip, environ=desk.environ, reporter=desk.reporter)
    assert "secret" not in text
    assert desk.web.url in text


def test_wrong_credentials_are_told_without_them(desk: Desk) -> None:
    desk.offer("private", "1.0")
    desk.web.answers = [simple_index(desk.index, password="other")]
    desk.pip = PipConfig(index_url=f"{desk.web.url.replace('//', '//me:secret@')}/simple")
    error = desk.fails("private")
    assert error.exit_code == 3
    assert "secret" not in repr(vars(error))
    assert "netrc" in error.hint
    assert error.where == f"{desk.web.url}/simple"


def test_requirements_that_exclude_each_other_are_named_with_file_and_line(desk: Desk) -> None:
    desk.offer("client", "2.31", "pool<3")
    desk.offer("pool", "2.0")
    desk.offer("pool", "3.0")
    error = desk.fails("# frozen", "client==2.31", "pool>=3")
    assert isinstance(error, ResolutionError)
    assert error.message == 'no versions satisfy "client==2.31" and "pool>=3" for linux/amd64 and Python 3.11'
    assert error.where == f"{desk.folder}/requirements.txt:2, {desk.folder}/requirements.txt:3"
    assert f"searched: {desk.web.url}/simple, {desk.links}" in error.detail
    assert "pool<3" in error.detail


def test_a_package_that_no_index_has_is_named(desk: Desk) -> None:
    error = desk.fails("nonesuch")
    assert (error.exit_code, error.message) == (3, "no index has nonesuch")
    assert "spelling" in error.hint


def test_a_version_that_no_index_has_is_named(desk: Desk) -> None:
    desk.offer("here", "1.0")
    error = desk.fails("here==9")
    assert error.message.startswith("no index has here==9")


def test_an_index_that_cannot_be_reached_is_exit_code_3_and_named(desk: Desk) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    desk.pip = PipConfig(index_url=f"{url.replace('//', '//me:secret@')}/simple")
    error = desk.fails("anything>1")
    assert (error.exit_code, error.where) == (3, f"{url}/simple/anything/")
    assert '"anything>1"' in error.message
    assert "secret" not in repr(vars(error))


def test_offline_says_what_the_cache_lacks(desk: Desk) -> None:
    error = desk.fails("nonesuch", offline=True)
    assert (error.exit_code, desk.web.asked) == (3, [])
    assert "without --offline" in error.hint


def test_a_source_distribution_whose_build_fails_is_a_resolution_error(desk: Desk) -> None:
    source = desk.folder / "src"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (source / "backend.py").write_text("raise SystemExit('libpq-fe.h is missing')\n")
    error = desk.fails("./src")
    assert (error.exit_code, type(error)) == (3, ResolutionError)
    assert "libpq-fe.h is missing" in error.detail


def test_a_line_that_is_no_requirement_is_a_usage_error(desk: Desk) -> None:
    error = desk.fails("this is none")
    assert isinstance(error, UsageError)


def test_a_missing_folder_of_wheels_is_passed_over_as_pip_does(desk: Desk) -> None:
    desk.offer("here", "1.0")
    desk.pip = replace(desk.pip, find_links=("/nonexistent/wheels",))
    assert "here" in desk.lock("here")
    assert desk.reporter.warnings == [
        "find-links names /nonexistent/wheels, which does not exist: passed over"
    ]


def test_what_is_set_for_uv_itself_counts_before_pip(desk: Desk) -> None:
    desk.offer("here", "1.0")
    desk.environ |= {"UV_DEFAULT_INDEX": f"{desk.web.url}/simple"}
    desk.pip = PipConfig(index_url="http://127.0.0.1:1/simple")
    assert "here" in desk.lock("here")


def test_a_local_wheel_is_locked_by_url(desk: Desk) -> None:
    wheel = make_wheel(desk.links, "own", "1.0")
    assert desk.lock("own")["own"]["wheels"][0]["url"] == wheel.as_uri()
    assert desk.lock(f"./links/{wheel.name}")["own"]["archive"]["url"] == wheel.as_uri()


# PyTorch


def offer_torch(desk: Desk) -> None:
    """What a public index has: newer versions, that need CUDA."""
    desk.offer("torch", "2.9.0", "nvidia-cublas", tag=LINUX[AMD64])
    desk.offer("nvidia-cublas", "1.0")
    desk.offer("transformer", "1.0", "torch>=1.11")


def test_the_cpu_build_in_find_links_counts_before_a_newer_cuda_one(desk: Desk) -> None:
    offer_torch(desk)
    make_wheel(desk.links, "torch", "2.7.0+cpu", tag=LINUX[AMD64])
    make_wheel(desk.links, "torch", "2.8.0+cpu", tag=LINUX[ARM64])
    packages = desk.lock("transformer", torch="cpu")
    assert packages["torch"]["version"] == "2.7.0+cpu"
    assert "nvidia-cublas" not in packages


def test_an_older_cpu_build_is_tried_where_the_newest_does_not_fit(desk: Desk) -> None:
    offer_torch(desk)
    desk.offer("old-model", "1.0", "torch<2.7")
    for version in ("2.6.0+cpu", "2.7.0+cpu"):
        make_wheel(desk.links, "torch", version, tag=LINUX[AMD64])
    assert desk.lock("old-model", torch="cpu")["torch"]["version"] == "2.6.0+cpu"


def test_the_cpu_build_on_a_configured_index_is_found(desk: Desk) -> None:
    offer_torch(desk)
    desk.offer("torch", "2.8.0+cpu", tag=LINUX[AMD64])
    desk.offer("torchvision", "0.23.0+cpu", "torch==2.8.0", tag=LINUX[AMD64])
    desk.offer("torchvision", "0.24.0", "torch==2.9.0", tag=LINUX[AMD64])
    packages = desk.lock("transformer", "torchvision", torch="cpu")
    assert packages["torch"]["version"] == "2.8.0+cpu"
    assert packages["torchvision"]["version"] == "0.23.0+cpu"


def test_a_pinned_torch_chooses_among_the_cpu_builds(desk: Desk) -> None:
    for version in ("2.6.0+cpu", "2.7.0+cpu"):
        make_wheel(desk.links, "torch", version, tag=LINUX[AMD64])
    assert desk.lock("torch==2.6.0", torch="cpu")["torch"]["version"] == "2.6.0+cpu"


def test_a_cuda_tag_finds_its_own_build(desk: Desk) -> None:
    offer_torch(desk)
    for label in ("cpu", "cu126"):
        make_wheel(desk.links, "torch", f"2.7.0+{label}", tag=LINUX[AMD64])
    assert desk.lock("transformer", torch="cu126")["torch"]["version"] == "2.7.0+cu126"


def test_torch_in_a_variant_without_it_is_told_with_who_brings_it(desk: Desk) -> None:
    offer_torch(desk)
    desk.offer("service", "1.0", "transformer")
    assert "torch" in desk.lock("service", torch="none")
    assert desk.reporter.warnings == [
        "torch is in the lock of a variant with torch = 'none': service → transformer → torch"
    ]


def test_cuda_that_another_package_brings_into_a_cpu_variant_is_told(desk: Desk) -> None:
    make_wheel(desk.links, "torch", "2.7.0+cpu", tag=LINUX[AMD64])
    desk.offer("boost", "1.0", "nvidia-nccl-cu12")
    desk.offer("nvidia-nccl-cu12", "2.0")
    desk.lock("boost", torch="cpu")
    assert desk.reporter.warnings == [
        "nvidia-nccl-cu12 is in the lock of a variant with torch = 'cpu': boost → nvidia-nccl-cu12"
    ]


def test_frozen_cuda_pins_are_refused_before_anything_is_asked(desk: Desk) -> None:
    error = desk.fails("torch==2.9.0", "nvidia-cublas-cu12==12.8.4.1", "triton==3.4.0", torch="cpu")
    assert isinstance(error, UsageError)
    assert error.where == f"{desk.folder}/requirements.txt:2"
    assert f"{desk.folder}/requirements.txt:3: triton==3.4.0" in error.detail
    assert desk.web.asked == []


@pytest.fixture
def spying_uv(tmp_path: Path) -> Path:
    program = tmp_path / "uv"
    program.write_text(
        f"#!{sys.executable}\nimport os, pathlib, sys\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text('\\n'.join([*sys.argv, *os.environ]))\n"
        'print(\'lock-version = "1.0"\\ncreated-by = "uv"\\npackages = []\')\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("tag", ["cpu", "cu126"])
def test_without_a_build_of_ones_own_the_official_index_is_asked_for(
    desk: Desk, spying_uv: Path, tag: str
) -> None:
    desk.environ |= {"UV_TORCH_BACKEND": "auto", "PYTHONPATH": "/x", "PIP_INDEX_URL": "x", "UV_NO_CACHE": "1"}
    resolve(
        desk.request("torch", torch=tag),
        pip=desk.pip,
        environ=desk.environ,
        uv=spying_uv,
        reporter=desk.reporter,
    )
    seen = (desk.folder / "seen").read_text().splitlines()
    assert seen[seen.index("--torch-backend") + 1] == tag
    assert not {"UV_TORCH_BACKEND", "PYTHONPATH", "PIP_INDEX_URL"} & set(seen)
    assert "UV_NO_CACHE" in seen


def test_a_word_that_is_no_build_of_torch_is_refused(desk: Desk) -> None:
    assert "'auto' is no build of PyTorch" in desk.fails("torch", torch="auto").message


def test_a_missing_uv_is_told(desk: Desk) -> None:
    with pytest.raises(UsageError, match="uv cannot be started"):
        resolve(desk.request("x"), pip=desk.pip, environ={}, uv=Path("/nonexistent"), reporter=desk.reporter)
