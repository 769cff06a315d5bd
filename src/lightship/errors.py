"""Errors as data: what failed, where, and what to do next; one exit code per class."""

from __future__ import annotations

from typing import ClassVar


class LightshipError(Exception):
    """Root of every error that Lightship raises on purpose.

    Args:
        message: what failed, in one sentence.
        where: the file, URL (without credentials), package or layer that it concerns.
        hint: what the person can do next.
        detail: lines of context, such as the end of a build log.

    """

    exit_code: ClassVar[int] = 70
    title: ClassVar[str] = "bug in Lightship"

    def __init__(self, message: str, *, where: str = "", hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.message} ({self.where})" if self.where else self.message


class CheckError(LightshipError):
    """A check, budget or comparison was not met."""

    exit_code = 1
    title = "check failed"


class UsageError(LightshipError):
    """The command line, the configuration or the machine's set-up is wrong."""

    exit_code = 2
    title = "cannot proceed"


class ResolutionError(LightshipError):
    """No set of packages satisfies what was asked for."""

    exit_code = 3
    title = "cannot resolve"


class NetworkError(LightshipError):
    """A server could not be reached, or answered with an error."""

    exit_code = 4
    title = "network"


class StageError(LightshipError):
    """A build stage, or the storage it writes to, failed."""

    exit_code = 5
    title = "build failed"


class StartError(StageError):
    """A service that was started to be observed did not start, or failed its checks."""

    title = "start failed"


class SigningError(StageError):
    """A program that signs has failed."""

    title = "signing failed"


class IntegrityError(LightshipError):
    """A digest, size or signature is not what it must be."""

    exit_code = 6
    title = "integrity"


class LostBlobError(IntegrityError):
    """A layer is not, or not whole, where it was said to be."""
