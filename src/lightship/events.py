"""How the library tells its caller what it does, without printing."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Task(Protocol):
    """One piece of work under way; a context manager that ends the work's progress line."""

    def advance(self, amount: int) -> None:
        """Report `amount` more units (bytes, or items) done; may be called from any thread."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Reporter(Protocol):
    """Receives progress and remarks."""

    def task(self, label: str, total: int | None = None, *, unit: str = "B") -> Task:
        """Begin work of `total` units, or of unknown size."""

    def note(self, message: str) -> None:
        """Something the person may want to know."""

    def warn(self, message: str) -> None:
        """Something the person should look at."""


class SilentTask:
    """A `Task` that nobody watches."""

    def advance(self, amount: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class SilentReporter:
    """A `Reporter` that nobody watches."""

    def task(self, label: str, total: int | None = None, *, unit: str = "B") -> Task:  # noqa: ARG002
        return SilentTask()

    def note(self, message: str) -> None:
        pass

    def warn(self, message: str) -> None:
        pass
