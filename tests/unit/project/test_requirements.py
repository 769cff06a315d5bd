from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.project.config import Config, StageConfig, VariantConfig
from lightship.project.inputs import fingerprint, uses_pyproject
from lightship.project.requirements import included, names, normalised


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def found(path: Path) -> list[str]:
    return [file.resolve().relative_to(path.parent.resolve()).as_posix() for file in included(path)]


def test_names_are_those_of_requirements_and_of_nothing_else(tmp_path: Path) -> None:
    write(
        tmp_path,
        r="""\
# a comment
fastapi==0.115
Uvicorn[standard] >= 0.30  # trailing
psycopg2.binary; python_version > "3"
torch @ https://example.org/torch.whl
ruff\\
    ==1
-r other.txt
-c constraints.txt
--index-url https://example.org/simple
-e .
./local
https://example.org/some-1.0-py3-none-any.whl
git+https://example.org/repository
bare
""",
    )
    assert [*names(tmp_path / "r.txt")] == ["fastapi", "uvicorn", "psycopg2-binary", "torch", "bare"]


@pytest.mark.parametrize("name", ["A_b.C", "a--b-c", "a.b_c"])
def test_names_are_normalised(name: str) -> None:
    assert normalised(name) == "a-b-c"


@pytest.mark.parametrize(
    "line",
    ["-r b.txt", "-rb.txt", "-c b.txt", "--requirement b.txt", "--requirement=b.txt", "--constraint b.txt"],
)
def test_every_way_to_include_a_file(tmp_path: Path, line: str) -> None:
    write(tmp_path, a=f"{line}\n", b="x\n")
    assert found(tmp_path / "a.txt") == ["a.txt", "b.txt"]


def test_included_files_are_relative_to_the_file_that_includes_them(tmp_path: Path) -> None:
    write(tmp_path, a="-r sub/b.txt\n", sub__b="-r c.txt\n-r ../d.txt\n", sub__c="", d="")
    assert found(tmp_path / "a.txt") == ["a.txt", "sub/b.txt", "sub/c.txt", "d.txt"]


def test_circles_end(tmp_path: Path) -> None:
    write(tmp_path, a="-r sub/b.txt\n-r a.txt\n", sub__b="-r ../a.txt\n")
    assert found(tmp_path / "a.txt") == ["a.txt", "sub/b.txt"]


def test_urls_are_left_to_the_resolver(tmp_path: Path) -> None:
    write(tmp_path, a="-c https://example.org/constraints.txt\n")
    assert found(tmp_path / "a.txt") == ["a.txt"]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_bytes(b"\xef\xbb\xbffastapi\r\nuvicorn\r\n")
    assert [*names(tmp_path / "r.txt")] == ["fastapi", "uvicorn"]


@pytest.mark.parametrize("data", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes | None) -> None:
    write(tmp_path, a="-r b.txt\n")
    if data is not None:
        (tmp_path / "b.txt").write_bytes(data)
    with pytest.raises(UsageError, match="not readable") as error:
        list(included(tmp_path / "a.txt"))
    assert error.value.where == str(tmp_path / "b.txt")
    assert error.value.hint


VARIANT = VariantConfig(requirements=("a.txt",), torch="cpu")


def test_a_fingerprint_changes_with_what_decides_a_lock_and_with_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, a="-r b.txt\n", b="fastapi\n")
    config = Config(python="3.11", base="debian:bookworm")

    def of(config: Config = config, variant: VariantConfig = VARIANT) -> str:
        return fingerprint(tmp_path, config, variant)

    first = of()
    same = [
        of(Config(python="3.11", base="debian:bookworm", command=("x",), env={"A": "b"}, ports=(1,))),
        of(),
    ]
    other = [
        of(Config(python="3.12", base="debian:bookworm")),
        of(Config(python="3.11", base="debian:trixie")),
        of(Config(python="3.11", base="debian:bookworm", platforms=("linux/arm64",))),
        of(Config(python="3.11", base="debian:bookworm", runtime_packages=("libpq5",))),
        of(variant=VariantConfig(requirements=("a.txt",), torch="none")),
        of(variant=VariantConfig(requirements=("b.txt",), torch="cpu")),
    ]
    write(tmp_path, b="fastapi==1\n")
    assert set(same) == {first}
    assert len({first, of(), *other}) == 2 + len(other)


def test_a_fingerprint_changes_with_the_requirements_of_stages(tmp_path: Path) -> None:
    write(tmp_path, a="fastapi\n", b="torch\n")
    stages = {"model": StageConfig(requirements=("b.txt",))}
    config = Config(python="3.11", base="debian:bookworm")
    found = [fingerprint(tmp_path, config, VARIANT), fingerprint(tmp_path, config, VARIANT, stages)]
    write(tmp_path, b="torch==2\n")
    assert len({*found, fingerprint(tmp_path, config, VARIANT, stages)}) == 3


def test_extras_and_bare_variants_take_the_projects_dependencies(tmp_path: Path) -> None:
    assert uses_pyproject(VariantConfig(extras=("cpu",)))
    assert uses_pyproject(VariantConfig())
    assert not uses_pyproject(VARIANT)
    with pytest.raises(UsageError, match=r"there is no pyproject\.toml") as error:
        fingerprint(tmp_path, Config(), VariantConfig())
    assert error.value.hint
    (tmp_path / "pyproject.toml").write_text("")
    before = fingerprint(tmp_path, Config(), VariantConfig())
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert fingerprint(tmp_path, Config(), VariantConfig()) != before
