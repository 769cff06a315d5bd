"""What the rest of Lightship asks of the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol


class Transport(Protocol):
    """Reads URLs (`http`, `https`, `file`)."""

    def stream(
        self, url: str, *, start: int = 0, end: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Open `url` and yield its body, from byte `start` up to but without byte `end`.

        Raises:
            NetworkError: unreachable, an error status, or a body that breaks off. The message names the URL
                without credentials, and the status.

        """
