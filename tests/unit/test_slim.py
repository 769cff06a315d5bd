"""What pip installed, slimmed by the program that emitted Dockerfiles run."""

from __future__ import annotations

import csv
import json
import platform
import subprocess
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from lightship import slim
from lightship.fs.entries import BytesContent
from lightship.slim import Plan, slim_site
from lightship.wheels.strip import strip_library
from tests.support.elves import debug_library

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "lib" / PYTHON / "site-packages"
    folder.mkdir(parents=True)
    return folder


def install(site: Path, name: str, files: dict[str, bytes]) -> Path:
    """Put files where pip would, and give the path of RECORD."""
    info = f"{name}-1.0.dist-info"
    rows = []
    for path, data in {**files, f"{info}/METADATA": b"Name: it\n"}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
        rows.append((path, recorded(data), str(len(data))))
    record = site / info / "RECORD"
    with record.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([*rows, (f"{info}/RECORD", "", "")])
    return record


def recorded(data: bytes) -> str:
    return f"sha256={urlsafe_b64encode(sha256(data).digest()).rstrip(b'=').decode()}"


def plan(
    *names: str, strip: bool = False, kept: dict[str, list[str]] | None = None, **rule: list[str]
) -> Plan:
    rules = [{"name": "rule", **rule}] if rule else []
    return Plan(distributions=list(names), rules=rules, kept=kept or {}, strip=strip)


def rows(record: Path) -> list[list[str]]:
    with record.open(newline="") as file:
        return list(csv.reader(file))


def left(site: Path) -> set[str]:
    files = {path.relative_to(site).as_posix() for path in site.rglob("*")}
    return {path for path in files if ".dist-info" not in path}


def test_files_go_and_their_rows_and_empty_folders(site: Path) -> None:
    record = install(
        site, "Some_Name", {"a/__init__.py": b"1", "a/tests/x/t.py": b"2", "../../../bin/a": b"3"}
    )
    slim_site(site, plan("some-name", paths=["**/tests/**"]))
    assert left(site) == {"a", "a/__init__.py"}
    assert [row[0] for row in rows(record)][:2] == ["a/__init__.py", "../../../bin/a"]


def test_exceptions_stay_and_so_does_metadata(site: Path) -> None:
    install(site, "a", {"a/b.py": b"", "a/c.py": b""})
    slim_site(site, plan("a", paths=["a/**"], keep=["a/c.py"]))
    assert left(site) == {"a", "a/c.py"}
    assert (site / "a-1.0.dist-info/METADATA").is_file()


def test_rules_concern_those_that_they_name(site: Path) -> None:
    for name in ("a", "b", "c"):
        install(site, name, {f"{name}.py": b""})
    slim_site(site, plan("a", "b", paths=["*.py"], owners=["a", "c"]))
    assert left(site) == {"b.py", "c.py"}


def test_of_what_was_recorded_only_that_stays(site: Path) -> None:
    install(site, "a", {"a/b.py": b"", "a/c.py": b""})
    install(site, "d", {"d.py": b""})
    slim_site(site, plan("a", "d", kept={"a": ["a/c.py"]}))
    assert left(site) == {"a", "a/c.py", "d.py"}


def test_what_another_distribution_brings_too_stays(site: Path) -> None:
    first = install(site, "a", {"shared/__init__.py": b"", "shared/a.py": b""})
    second = install(site, "b", {"shared/__init__.py": b"", "shared/b.py": b""})
    slim_site(site, plan("a", "b", kept={"a": ["shared/a.py"], "b": ["shared/__init__.py"]}))
    assert left(site) == {"shared", "shared/__init__.py", "shared/a.py"}
    assert "shared/__init__.py" not in [row[0] for row in rows(first)]
    assert "shared/__init__.py" in [row[0] for row in rows(second)]


def test_libraries_become_what_layers_have_of_them(site: Path, tmp_path: Path) -> None:
    data = debug_library()
    record = install(site, "a", {"a.so": data, "b.so": b"not a library"})
    slim_site(site, plan("a", strip=True))
    ours = b"".join(strip_library("a.so", BytesContent(data), tmp_path).chunks())
    assert (site / "a.so").read_bytes() == ours
    assert len(ours) < len(data)
    assert rows(record)[0] == ["a.so", recorded(ours), str(len(ours))]
    assert rows(record)[1] == ["b.so", recorded(b"not a library"), "13"]


def test_a_second_time_changes_nothing(site: Path) -> None:
    record = install(site, "a", {"a.so": debug_library(), "tests/t.py": b""})
    given = plan("a", strip=True, paths=["tests/**"])
    slim_site(site, given)
    before = {path: path.stat().st_mtime_ns for path in (record, site / "a.so")}
    slim_site(site, given)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_no_path_of_a_record_leads_out(site: Path, tmp_path: Path) -> None:
    (site / "a").mkdir()
    install(site, "a", {"a/../../../../outside": b"", "a/b.py": b""})
    slim_site(site, plan("a", paths=["a/**"]))
    assert (tmp_path / "outside").exists()
    assert left(site) == set()


@pytest.mark.parametrize("machine", [platform.machine(), "other"])
def test_it_runs_without_lightship_for_the_machine_that_it_is_on(machine: str, site: Path) -> None:
    install(site, "a", {"a/x.py": b"", "b.py": b""})
    file = site.parent / "plan.json"
    file.write_text(json.dumps({"//": "made", machine: plan("a", paths=["a/**"])}))
    program = Path(slim.__file__)
    subprocess.run([sys.executable, "-I", "-S", program, file, site.parents[2]], check=True)
    assert left(site) == ({"b.py"} if machine == platform.machine() else {"a", "a/x.py", "b.py"})
