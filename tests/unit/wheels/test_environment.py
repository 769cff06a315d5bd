from __future__ import annotations

import pytest

from lightship.wheels.environment import Environment

SITE = "opt/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("a/x.so", f"{SITE}/a/x.so"),
        ("a-1.0.data/purelib/a/x.so", f"{SITE}/a/x.so"),
        ("a-1.0.data/platlib/x.so", f"{SITE}/x.so"),
        ("a-1.0.data/data/lib/libx.so", "opt/venv/lib/libx.so"),
        ("a-1.0.data/scripts/tool", "opt/venv/bin/tool"),
        ("a-1.0.data/headers/x.h", "opt/venv/include/site/python3.11/a/x.h"),
        ("some.data/file", f"{SITE}/some.data/file"),
    ],
)
def test_every_file_of_a_wheel_has_its_place(path: str, place: str) -> None:
    assert Environment("opt/venv", "3.11").place(path, "a") == place
