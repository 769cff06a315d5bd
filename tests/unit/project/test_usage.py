from __future__ import annotations

from pathlib import Path

from lightship.project.sources import SourceFile
from lightship.project.usage import Sign, Usage, read_usage


def usage_of(folder: Path, files: dict[str, str]) -> Usage:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_usage(folder, [SourceFile(name) for name in files])


def test_each_foreign_module_is_named_where_it_is_first_imported(tmp_path: Path) -> None:
    found = usage_of(
        tmp_path,
        {
            "app/main.py": "import numpy.linalg, app.other\nfrom torch import nn\nfrom . import x\n",
            "app/other.py": "def late():\n    import torch\n    import_module('scipy.stats')\n",
        },
    )
    assert found.imports == (
        Sign("app/main.py", 1, "numpy"),
        Sign("app/main.py", 2, "torch"),
        Sign("app/other.py", 3, "scipy"),
    )


def test_devices_and_calls_are_signs_of_cuda_and_other_words_are_not(tmp_path: Path) -> None:
    text = 'model.to("cuda:0")\nmodel.cuda()\ntorch.cuda.is_available()\nnote = "no cuda here"\nx = 3\n'
    assert [sign.line for sign in usage_of(tmp_path, {"main.py": text}).cuda] == [1, 2, 3]


def test_what_is_no_python_is_passed_over(tmp_path: Path) -> None:
    assert usage_of(tmp_path, {"main.py": "def (", "data.txt": "import torch"}) == Usage((), ())
