from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.errors import IntegrityError
from lightship.wheels.model import LockedSdist
from lightship.wheels.sdist import LEGACY, build_requires, unpack_sdist
from tests.support.sdists import sdist_bytes


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., tuple[Path, LockedSdist]]:
    def written(data: bytes, name: str = "own-1.0.tar.gz") -> tuple[Path, LockedSdist]:
        path = tmp_path / "archive"
        path.write_bytes(data)
        return path, LockedSdist("own", "1.0", name, "", "")

    return written


Write = Callable[..., tuple[Path, LockedSdist]]


def tar_bytes(*members: tuple[str, bytes, str], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, kind, text in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.mtime = 1234567890
            if kind == tarfile.REGTYPE:
                member.size = len(text)
            else:
                member.linkname = text
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def with_pyproject(text: str) -> bytes:
    return sdist_bytes("own", "1.0", {"inner/pyproject.toml": "nonsense", "pyproject.toml": text})


def test_requirements_are_those_of_build_system(write: Write) -> None:
    text = '[build-system]\nrequires = ["setuptools >= 61", "cython; python_version > \'3\'"]\n'
    assert build_requires(*write(with_pyproject(text))) == (
        "setuptools>=61",
        'cython; python_version > "3"',
    )


@pytest.mark.parametrize("files", [{}, {"pyproject.toml": "[project]\nname = 'own'\n"}])
def test_a_project_without_build_system_is_built_as_it_used_to_be(
    write: Write, files: dict[str, str]
) -> None:
    assert build_requires(*write(sdist_bytes("own", "1.0", files))) == LEGACY


@pytest.mark.parametrize(
    "text", ["[", "[build-system]\n", "[build-system]\nrequires = 'x'\n", "build-system = 1\n",
             "[build-system]\nrequires = ['!']\n", "[build-system]\nrequires = [1]\n"]
)  # fmt: skip
def test_a_build_system_that_cannot_be_read_is_refused(write: Write, text: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        build_requires(*write(with_pyproject(text)))
    assert caught.value.where == "own-1.0.tar.gz"


@pytest.mark.parametrize(("mode", "suffix"), [("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")])
def test_files_are_unpacked_with_their_time_stamps(
    write: Write, tmp_path: Path, mode: str, suffix: str
) -> None:
    data = tar_bytes(("own-1.0/configure", tarfile.REGTYPE, "#!"), mode=mode)
    folder = tmp_path / "out"
    folder.mkdir()
    assert unpack_sdist(*write(data, f"own-1.0.{suffix}"), folder) == "own-1.0"
    assert (folder / "own-1.0/configure").read_text() == "#!"
    assert (folder / "own-1.0/configure").stat().st_mtime == 1234567890


def test_a_zip_is_unpacked_too(write: Write, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("own-1.0/a/"), "")
        archive.writestr(zipfile.ZipInfo("own-1.0/a/setup.py", (2020, 1, 2, 3, 4, 6)), "pass")
    folder = tmp_path / "out"
    folder.mkdir()
    assert unpack_sdist(*write(buffer.getvalue(), "own-1.0.zip"), folder) == "own-1.0"
    assert (folder / "own-1.0/a/setup.py").read_text() == "pass"
    assert (folder / "own-1.0/a/setup.py").stat().st_mtime == 1577934246


def zip_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("own-1.0/link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (tar_bytes(("../planted", tarfile.REGTYPE, "x")), "own-1.0.tar.gz"),
        (tar_bytes(("/planted", tarfile.REGTYPE, "x")), "own-1.0.tar.gz"),
        (
            tar_bytes(("o/l", tarfile.SYMTYPE, "../../.."), ("o/l/planted", tarfile.REGTYPE, "x")),
            "own.tar.gz",
        ),
        (tar_bytes(("o/l", tarfile.SYMTYPE, "/tmp"), ("o/l/planted", tarfile.REGTYPE, "x")), "own.tar.gz"),
        (tar_bytes(("o/device", tarfile.CHRTYPE, "")), "own.tar.gz"),
        (tar_bytes(("a/x", tarfile.REGTYPE, ""), ("b/x", tarfile.REGTYPE, "")), "own.tar.gz"),
        (tar_bytes(), "own.tar.gz"),
        (tar_bytes(("o/x", tarfile.REGTYPE, "x" * 9000))[:-200], "own.tar.gz"),
        (b"nonsense", "own.tar.gz"),
        (b"nonsense", "own.tar.xz"),
        (b"nonsense", "own.zip"),
        (zip_link(), "own.zip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",  # archives have the time of their making
)
def test_a_damaged_or_hostile_archive_is_refused(
    write: Write, tmp_path: Path, data: bytes, name: str
) -> None:
    folder = tmp_path / "deep" / "out"
    folder.mkdir(parents=True)
    with pytest.raises(IntegrityError) as caught:
        unpack_sdist(*write(data, name), folder)
    assert caught.value.hint
    assert not list(tmp_path.rglob("planted"))
