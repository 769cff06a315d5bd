from __future__ import annotations

from pathlib import Path

from lightship.build.confined import Confined
from lightship.build.sandbox import Volume

JOB = Confined(
    root=Path("/cache/root"),
    command=("uv", "build"),
    folder="/build",
    environment={"PATH": "/usr/bin", "HOME": "/build/home"},
    volumes=(Volume(Path("/scratch/build"), "/build"), Volume(Path("/uv"), "/run/uv", read_only=True)),
)


def triples(arguments: list[str]) -> list[tuple[str, str, str]]:
    return [
        (word, arguments[at + 1], arguments[at + 2])
        for at, word in enumerate(arguments)
        if word in ("--bind", "--ro-bind")
    ]


def test_a_build_has_namespaces_of_its_own_and_no_capabilities() -> None:
    arguments = JOB.arguments()
    for kind in ("user", "pid", "net", "ipc", "uts"):
        assert f"--unshare-{kind}" in arguments
    assert arguments[arguments.index("--cap-drop") + 1] == "ALL"
    assert "--die-with-parent" in arguments
    assert "--new-session" in arguments
    assert "--as-pid-1" not in arguments  # something must reap what a build leaves behind


def test_a_build_is_not_root_and_sees_the_root_read_only_with_its_own_folders() -> None:
    arguments = JOB.arguments()
    assert arguments[arguments.index("--uid") + 1] == "1000"
    assert triples(arguments) == [
        ("--ro-bind", "/cache/root", "/"),
        ("--bind", "/scratch/build", "/build"),
        ("--ro-bind", "/uv", "/run/uv"),
    ]


def test_a_build_has_only_the_variables_that_it_is_given() -> None:
    arguments = JOB.arguments()
    given = [arguments[at + 1 : at + 3] for at, word in enumerate(arguments) if word == "--setenv"]
    assert arguments.index("--clearenv") < arguments.index("--setenv")
    assert given == [["HOME", "/build/home"], ["PATH", "/usr/bin"]]
    assert arguments[-5:] == ["--chdir", "/build", "--", "uv", "build"]
