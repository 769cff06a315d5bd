from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lightship.errors import NetworkError, UsageError
from lightship.platform import Platform
from lightship.wheels.requirements import inline_requirements
from lightship.wheels.select import target_environment, target_tags
from lightship.wheels.torch import TorchQuery, TorchSource, check_pins, is_cuda, torch_sources

AMD64 = Platform("amd64")
ENVIRONMENT = target_environment(AMD64, "3.11.2")
TAG = "cp311-cp311-manylinux_2_28_x86_64"
OFFICIAL = TorchSource(arguments=("--torch-backend", "cpu"), where="the official PyTorch index")


class Pages:
    def __init__(self, pages: dict[str, list[str]]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    @contextmanager
    def stream(self, url: str, *, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        assert (start, end) == (0, None)
        self.asked.append(url)
        if url not in self.pages:
            raise NetworkError("403", where=url)
        yield iter([f'<a href="{name}">'.encode() for name in self.pages[url]])


def sources(
    *requirements: str,
    tag: str = "cpu",
    links: list[str] | None = None,
    indexes: list[str] | None = None,
    pages: Pages | None = None,
) -> list[TorchSource]:
    lines = inline_requirements(requirements, path=Path("pyproject.toml"))
    query = TorchQuery(tag, target_tags(AMD64, "3.11", (2, 36)), ENVIRONMENT, lines)
    return list(torch_sources(query, links=links or [], indexes=indexes or [], transport=pages or Pages({})))


def folder(path: Path, *versions: str) -> str:
    for version in versions:
        (path / f"torch-{version}-{TAG}.whl").touch()
    return str(path)


def test_local_builds_come_first_newest_first_and_the_official_ones_last(tmp_path: Path) -> None:
    where = folder(tmp_path, "2.9.0+cpu", "2.10.0+cpu", "2.11.0", "2.11.0+cu126")
    (tmp_path / "README").touch()
    (tmp_path / "torch-2.12.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl").touch()
    assert sources("torch", links=[where]) == [
        TorchSource(("torch==2.10.0+cpu",), where=where),
        TorchSource(("torch==2.9.0+cpu",), where=where),
        OFFICIAL,
    ]


def test_requirements_that_count_on_the_target_choose(tmp_path: Path) -> None:
    where = folder(tmp_path, "2.9.0+cpu", "2.10.0+cpu")
    found = sources("torch<2.10", "torch<2; sys_platform == 'win32'", links=[where])
    assert [source.constraints for source in found] == [("torch==2.9.0+cpu",), ()]


def test_companions_come_with_the_torch_of_their_generation(tmp_path: Path) -> None:
    where = folder(tmp_path, "2.8.0+cpu", "2.9.0+cpu")
    for version in ("0.23.0+cpu", "0.24.0+cpu"):
        (tmp_path / f"torchvision-{version}-{TAG}.whl").touch()
    assert [source.constraints for source in sources(links=[where])[:2]] == [
        ("torch==2.9.0+cpu", "torchvision==0.24.0+cpu"),
        ("torch==2.8.0+cpu", "torchvision==0.23.0+cpu"),
    ]


def test_pages_of_links_and_indexes_are_read_in_turn_and_only_when_needed() -> None:
    wheel = f"torch-2.9.0%2Bcpu-{TAG}.whl"
    pages = Pages({"https://links/": [], "https://i/simple/torch/": [wheel]})
    lines = inline_requirements(["torch"], path=Path())
    query = TorchQuery("cpu", target_tags(AMD64, "3.11", (2, 36)), ENVIRONMENT, lines)
    found = torch_sources(
        query, links=["https://links/"], indexes=["https://i/simple", "https://never/"], transport=pages
    )
    assert next(found) == TorchSource(("torch==2.9.0+cpu",), where="https://i/simple")
    assert "https://never/torch/" not in pages.asked


def test_a_page_that_cannot_be_read_offers_nothing() -> None:
    assert sources("torch", links=["https://down/"], indexes=["https://down/simple"]) == [OFFICIAL]


@pytest.mark.parametrize("tag", ["", "none"])
def test_without_a_build_nothing_is_looked_up(tag: str) -> None:
    pages = Pages({})
    assert sources("torch", tag=tag, indexes=["https://i/"], pages=pages) == [TorchSource()]
    assert pages.asked == []


@pytest.mark.parametrize("tag", ["auto", "gpu", "cu", "CPU"])
def test_a_word_that_is_no_build_is_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="no build of PyTorch"):
        sources(tag=tag)


@pytest.mark.parametrize(
    ("name", "cuda"),
    [
        ("nvidia-cublas-cu12", True),
        ("nvidia-nccl-cu13", True),
        ("cuda-toolkit", True),
        ("triton", True),
        ("pytorch-triton", True),
        ("nvidia-ml-py", False),
        ("torch", False),
        ("cudatext", False),
    ],
)
def test_cuda_packages_are_known_by_name(name: str, cuda: bool) -> None:  # noqa: FBT001
    assert is_cuda(name) == cuda


@pytest.mark.parametrize(
    "text",
    ["nvidia-cublas-cu12==12.8", "triton", "torch==2.9.0+cu126", "NVIDIA_NCCL_cu12", "cuda-bindings==1"],
)
def test_pins_that_bring_cuda_into_a_cpu_variant_are_named(text: str) -> None:
    lines = inline_requirements(["flask", text], path=Path("pyproject.toml"))
    with pytest.raises(UsageError, match="defeats the CPU variant") as raised:
        check_pins(lines, tag="cpu", environment=ENVIRONMENT)
    assert text in raised.value.detail
    assert "remove" in raised.value.hint


@pytest.mark.parametrize("tag", ["cu126", "none", ""])
def test_other_variants_may_pin_cuda(tag: str) -> None:
    lines = inline_requirements(["nvidia-cudnn-cu12"], path=Path("pyproject.toml"))
    check_pins(lines, tag=tag, environment=ENVIRONMENT)


@pytest.mark.parametrize(
    "text", ["nvidia-ml-py", "triton; sys_platform == 'win32'", "torch==2.9.0+cpu", "torch"]
)
def test_what_brings_no_cuda_to_the_target_is_fine(text: str) -> None:
    lines = inline_requirements([text], path=Path("pyproject.toml"))
    check_pins(lines, tag="cpu", environment=ENVIRONMENT)
