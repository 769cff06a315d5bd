"""A Python on a machine: what decides which wheels fit."""

from __future__ import annotations

from typing import Protocol

from lightship.platform import Platform


class Interpreter(Protocol):
    """`python_full` is its whole version, such as 3.11.2; `glibc` the C library's, as major and minor."""

    @property
    def platform(self) -> Platform: ...
    @property
    def python_full(self) -> str: ...
    @property
    def glibc(self) -> tuple[int, int]: ...


def feature_version(python_full: str) -> str:
    """Give the version that decides where packages lie, such as 3.11 of 3.11.2."""
    return ".".join(python_full.split(".")[:2])
