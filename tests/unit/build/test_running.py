from __future__ import annotations

import signal

import pytest

from lightship.build.running import parse_signal
from lightship.errors import UsageError


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 15), ("SIGTERM", 15), ("term", 15), ("SIGQUIT", 3), ("2", 2), ("SIGRTMIN", int(signal.SIGRTMIN))],
)
def test_signals_are_read_as_engines_write_them(text: str, number: int) -> None:
    assert parse_signal(text) == number


def test_an_unknown_signal_is_refused() -> None:
    with pytest.raises(UsageError, match="no signal"):
        parse_signal("SIGNOPE")
