"""What an image's virtual environment holds, read from its layers by Python's own tarfile."""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from lightship.oci.layout import LayoutImage

VENV = "opt/venv/"
NOT_INSTALLED = re.compile(r"bin/python[0-9.]*|pyvenv\.cfg|.*/__pycache__/.*")


@dataclass(frozen=True, slots=True)
class File:
    mode: int
    digest: str
    content: bytes
    """Only of files that installers write."""


Tree = dict[str, File]


def environment_files(image: LayoutImage) -> Iterator[tuple[str, File]]:
    """Yield what is installed; bytecode, which is not, aside."""
    for layer in image.manifest.layers:
        with (
            gzip.open(image.layout.blob_path(layer.digest)) as plain,  # tarfile's own reads one member
            tarfile.open(fileobj=plain, mode="r|") as archive,
        ):
            for member in archive:
                path = member.name.removeprefix(VENV)
                if path == member.name or member.isdir() or NOT_INSTALLED.fullmatch(path):
                    continue
                stream = archive.extractfile(member)
                assert stream is not None, f"{path} is no regular file"
                yield path, file_of(path, member.mode, stream.read())


def file_of(path: str, mode: int, data: bytes) -> File:
    return File(mode, hashlib.sha256(data).hexdigest(), data if is_generated(path) else b"")


def is_generated(path: str) -> bool:
    """Whether an installer writes the file: a launcher with the interpreter's path, or RECORD."""
    return path.startswith("bin/") or path.endswith(".dist-info/RECORD")
