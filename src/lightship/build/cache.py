"""What was made once and need not be made again, under the digest of what it was made from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from lightship.decoders import from_msgpack
from lightship.digest import Digest, hex_of, of_file, of_value
from lightship.fs.atomic import write_bytes

Value = TypeVar("Value")


class Memo(Struct, frozen=True):
    """Small typed values on disk, one file a key; a damaged file counts as missing."""

    folder: Path

    def get(self, key: Digest, kind: type[Value]) -> Value | None:
        try:
            return from_msgpack(self._path(key).read_bytes(), kind)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # msgspec lets the latter through
            return None

    def put(self, key: Digest, value: object) -> None:
        write_bytes(self._path(key), msgspec.msgpack.encode(value))

    def get_or_make(self, key: Digest, kind: type[Value], make: Callable[[], Value]) -> Value:
        found = self.get(key, kind)
        if found is None:
            found = make()
            self.put(key, found)
        return found

    def _path(self, key: Digest) -> Path:
        return self.folder / hex_of(key)[:2] / hex_of(key)[2:]


_WORTH_REMEMBERING = 1 << 20


class FileDigests(Struct, frozen=True):
    """Digests of big files, remembered under all that the file system says of them.

    As git's index does, a file whose inode, size, mtime and ctime are the same counts as unchanged.
    """

    memo: Memo

    def __call__(self, path: Path, status: os.stat_result) -> str:
        if status.st_size < _WORTH_REMEMBERING:
            return of_file(path)
        key = of_value(
            [
                str(path.absolute()),
                status.st_dev,
                status.st_ino,
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
            ]
        )
        return self.memo.get_or_make(key, str, lambda: of_file(path))
