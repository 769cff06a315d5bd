from __future__ import annotations

import pytest

from lightship.errors import (
    CheckError,
    IntegrityError,
    LightshipError,
    NetworkError,
    ResolutionError,
    StageError,
    UsageError,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CheckError, 1),
        (UsageError, 2),
        (ResolutionError, 3),
        (NetworkError, 4),
        (StageError, 5),
        (IntegrityError, 6),
        (LightshipError, 70),
    ],
)
def test_every_class_of_error_has_its_exit_code(kind: type[LightshipError], code: int) -> None:
    assert kind.exit_code == code
    assert issubclass(kind, LightshipError)


def test_an_error_is_data_and_reads_as_one_line() -> None:
    error = UsageError("it failed", where="pyproject.toml", hint="mend it", detail="line 1\nline 2")
    assert str(error) == "it failed (pyproject.toml)"
    assert (error.message, error.where, error.hint) == ("it failed", "pyproject.toml", "mend it")
    assert error.detail == "line 1\nline 2"
    assert str(UsageError("it failed")) == "it failed"
