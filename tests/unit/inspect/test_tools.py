from __future__ import annotations

from collections.abc import Callable

import pytest

from lightship.fs.entries import directory, regular, symlink
from lightship.inspect.checks.tools import CARRIED, COMPILER, PACKAGE_MANAGER, SHELL, check
from lightship.inspect.contents import Contents

SITE = "usr/local/lib/python3.11/site-packages"
MakeContents = Callable[..., Contents]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("usr/bin/gcc", COMPILER),
        ("usr/bin/x86_64-linux-gnu-gcc-12", COMPILER),
        ("usr/bin/g++-12", COMPILER),
        ("usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", COMPILER),
        ("usr/local/cuda/bin/nvcc", COMPILER),
        ("usr/bin/ld.gold", COMPILER),
        ("usr/local/bin/cmake", COMPILER),
        ("usr/bin/apt-get", PACKAGE_MANAGER),
        ("usr/local/bin/pip3.11", PACKAGE_MANAGER),
        ("usr/local/bin/uv", PACKAGE_MANAGER),
        ("sbin/apk", PACKAGE_MANAGER),
        ("bin/dash", SHELL),
        ("usr/bin/bash", SHELL),
        ("bin/busybox", SHELL),
        (f"{SITE}/triton/backends/nvidia/bin/ptxas", CARRIED),
    ],
)
def test_tools_are_found_by_name(make_contents: MakeContents, path: str, rule: object) -> None:
    [finding] = check(make_contents([regular(path, b"\x7fELF", 0o755)]))
    assert (finding.rule, finding.where) == (getattr(rule, "id", None), path)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("usr/share/doc/gcc", 0o755),  # not among programs
        ("usr/bin/gcc", 0o644),  # cannot be run
        ("usr/bin/python3.11", 0o755),
        ("usr/bin/gunicorn", 0o755),
        ("usr/bin/ldconfig", 0o755),
        ("usr/bin/assh", 0o755),
        (f"{SITE}/pip_audit/sh", 0o755),
    ],
)
def test_what_only_looks_like_a_tool_is_none(make_contents: MakeContents, path: str, mode: int) -> None:
    assert not list(check(make_contents([regular(path, b"x", mode)])))


def test_links_count_where_they_lead_to_something(make_contents: MakeContents) -> None:
    entries = [regular("opt/x", b"x", 0o755), symlink("bin/sh", "/opt/x"), symlink("bin/cc", "/opt/none")]
    [finding] = check(make_contents(entries))
    assert (finding.rule, finding.where) == (SHELL.id, "bin/sh")
    assert "/opt/x" in finding.message


def test_pip_counts_as_a_package(make_contents: MakeContents) -> None:
    entries = [
        directory(f"{SITE}/pip"),
        regular(f"{SITE}/pip/__init__.py", b""),
        directory(f"{SITE}/other/pip"),
        regular(f"{SITE}/other/pip/__init__.py", b""),
    ]
    assert [(item.rule, item.where) for item in check(make_contents(entries))] == [
        (PACKAGE_MANAGER.id, f"{SITE}/pip")
    ]


def test_what_an_upper_layer_removes_is_gone(make_contents: MakeContents) -> None:
    contents = make_contents([regular("bin/sh", b"x", 0o755)], [regular("bin/.wh.sh", b"")])
    assert not list(check(contents))
