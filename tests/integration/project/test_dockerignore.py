"""What `.dockerignore` leaves out: Docker itself says.

Only of `+()` in names the old Docker of Debian 12 has another opinion than later ones, whose we share.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lightship.project.ignore import parse_ignore
from lightship.project.sources import scan
from tests.support.programs import Run

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("/usr/bin/docker", "dockerd")]
FILES = (
    "a", "ab", "axb", "temp", "tempa", "a.go", "README.md", "README-secret.md", "docs/keep.md", "docs/a.md",
    "docs/deep/a.md", "deep/temp", "deep/er/temp", "deep/er/a.go", "deep/a.txt", "b.txt", "[.txt", "!.txt",
    "-.txt", "].txt", "#c", "x/b", "x/file", "afile", "file", "ü.txt", "a+(b)$", "sp ace/a.txt", "d/a/b",
    "d/x/b", "d/x/y/b", "d/xb",
)  # fmt: skip
CASES = (
    ["*/temp*"],
    ["*/*/temp*"],
    ["temp?"],
    ["**/*.go"],
    ["*.md", "!README.md"],
    ["*.md", "!README*.md", "README-secret.md"],
    ["*.md", "README-secret.md", "!README*.md"],
    ["docs", "!docs/keep.md"],
    ["docs", "!docs/deep"],
    ["*", "!d", "d/x/*"],
    ["**", "!d/x/b"],
    ["**file"],
    ["**/file"],
    ["a**"],
    ["a**b"],
    ["d/**/b"],
    ["d/**"],
    ["[a-c].txt", "[^a-z].txt"],
    ["[!a].txt"],
    ["[[].txt"],
    [r"[\]].txt"],
    [r"[a\-z].txt"],
    [r"\!.txt"],
    ["# comment", " #c", "", "  a  "],
    ["#c"],
    ["! a", "a*"],
    ["a*", "! ab"],
    ["/a", "./docs//deep/", "x/../file"],
    ["ü*"],
    ["sp ace"],
    ["x/"],
    ["."],
    ["/"],
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_docker_leaves_out_the_same_files(docker: Run, context: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY . /context\nCMD ["x"]\n')
    differing = {}
    for number, lines in enumerate(CASES):
        (context / ".dockerignore").write_text("\n".join(lines) + "\n")
        name = f"ignore:{number}"
        docker("build", "--quiet", "--file", str(tmp_path / "Dockerfile"), "--tag", name, str(context))
        archive = tmp_path / "image.tar"
        container = docker("create", name).strip()
        docker("export", "--output", str(archive), container)
        theirs = exported(archive.read_bytes())
        (context / ".dockerignore").unlink()
        ours = {file.path for file in scan(context, (".",), parse_ignore(lines))}
        if ours != theirs:
            differing[" ".join(lines)] = (sorted(ours - theirs), sorted(theirs - ours))
    assert differing == {}


def exported(archive: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = {member.name for member in tar if member.isfile() and member.name.startswith("context/")}
    return {name.removeprefix("context/") for name in names} - {".dockerignore"}
