from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from lightship.inspect.import_probe import modules_of


def install(folder: Path, name: str, modules: dict[str, str]) -> importlib.metadata.Distribution:
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\nRequires-Dist: needed\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in [*modules, f"{info.name}/METADATA"]))
    for path, text in modules.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return importlib.metadata.Distribution.at(info)


@pytest.mark.parametrize(
    ("paths", "modules"),
    [
        (["a/__init__.py", "a/b/__init__.py", "a/c.py"], ["a"]),
        (["single.py", "fast.cpython-311-x86_64-linux-gnu.so"], ["fast", "single"]),
        (["google/cloud/x/__init__.py", "google/cloud/y/z.py", "google/cloud/x/w.py"], ["google.cloud.x"]),
        (["azure/core/__init__.py", "azure/id/__init__.py"], ["azure.core", "azure.id"]),
        (["_private/__init__.py", "_c.abi3.so", "tests/__init__.py", "docs/conf.py"], []),
        (["numpy.libs/libx.so", "a.data/x.py", "../../../bin/tool.py", "share/a.txt"], []),
        (["a/__init__.cpython-311-x86_64-linux-gnu.so", "a/b.py"], ["a"]),
        (["a/data/x.txt", "setup.py"], []),
    ],
)
def test_what_a_user_imports_is_named(tmp_path: Path, paths: list[str], modules: list[str]) -> None:
    assert modules_of(install(tmp_path, "x", dict.fromkeys(paths, ""))) == modules


def probe(site: Path, *done: str) -> tuple[list[dict[str, object]], subprocess.CompletedProcess[str]]:
    script = files("lightship.inspect").joinpath("import_probe.py").read_text()
    result = subprocess.run(
        [sys.executable, "-S", "-c", script, *done],
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    return [json.loads(line) for line in result.stdout.splitlines()], result


def test_faults_are_told_and_the_rest_is_tried(tmp_path: Path) -> None:
    modules = {
        "a.py": "print('noise')",
        "b.py": "import nothing_such",
        "c.py": "raise SystemExit(3)",
        "d.py": "import atexit; atexit.register(lambda: 1 / 0)",
    }
    install(tmp_path, "x", modules)
    lines, result = probe(tmp_path)
    ends = {line["end"]: line.get("error") for line in lines if "end" in line}
    assert ends == {
        "a": None,
        "b": "ModuleNotFoundError: No module named 'nothing_such'",
        "c": "SystemExit: 3",
        "d": None,
    }
    assert lines[-1] == {"finished": True}
    [failed] = [line for line in lines if line.get("lacks")]
    assert (failed["lacks"], failed["requires"], failed["distribution"]) == ("nothing_such", ["needed"], "x")
    assert result.returncode == 0


def test_a_module_that_ends_the_process_was_announced(tmp_path: Path) -> None:
    install(tmp_path, "x", {"a.py": "", "b.py": "import os; os.abort()", "c.py": ""})
    lines, _ = probe(tmp_path)
    assert lines[-1] == {"begin": "b", "distribution": "x"}
    rest, _ = probe(tmp_path, "a", "b")
    assert [line.get("begin") for line in rest] == ["c", None, None]
