from __future__ import annotations

import pytest

from lightship.debs import trim as debs_trim
from lightship.fs.trim import TrimRule
from lightship.wheels.trim import RULES, wheel_trimmer

ALL = tuple(rule.name for rule in RULES)


@pytest.mark.parametrize("rule", [*RULES, *debs_trim.RULES], ids=lambda rule: rule.name)
def test_every_rule_says_why_and_what_proves_it(rule: TrimRule) -> None:
    assert rule.reason
    assert rule.proof
    assert rule.paths


def test_a_name_stands_for_one_rule() -> None:
    names = [rule.name for rule in (*RULES, *debs_trim.RULES)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("distribution", "path", "rule"),
    [
        ("torch", "torch/test/atest", "torch-test-programs"),
        ("torch", "torch/bin/protoc", "torch-test-programs"),
        ("torch", "torch/bin/torch_shm_manager", ""),
        ("torch", "torch/lib/libtorchbind_test.so", "torch-test-programs"),
        ("torch", "torch/lib/libtorch_cpu.so", ""),
        ("torch", "torch/include/ATen/ATen.h", "headers"),
        ("torch", "torch/testing/__init__.py", ""),
        ("torch", "torch/_C/__init__.pyi", "type-stubs"),
        ("scikit-image", "skimage/__init__.pyi", ""),
        ("anything", "torch/test/atest", ""),
        ("anything", "anything/tests/test_it.py", ""),
        ("numpy", "numpy/_core/tests/test_it.py", "tests"),
        ("numpy", "numpy/testing/_private/utils.py", ""),
        ("numpy", "numpy/_core/lib/libnpymath.a", "static-libraries"),
        ("numba", "nvidia/lib/libcudadevrt.a", ""),
        ("uvloop", "uvloop/loop.pyx", "cython-sources"),
        ("cython", "Cython/Includes/libc/math.pxd", ""),
        ("joblib", "joblib/test/test_memory.py", "tests"),
        ("scikit-learn", "sklearn/datasets/data/iris.csv", ""),
        ("setuptools", "setuptools/cli-64.exe", "windows-launchers"),
    ],
)
def test_rules_take_what_they_should(distribution: str, path: str, rule: str) -> None:
    assert wheel_trimmer(ALL, distribution)(path) == rule


@pytest.mark.parametrize("below", ["RECORD", "METADATA", "licenses/tests/LICENSE", "licenses/x.pyx"])
def test_metadata_always_stays(below: str) -> None:
    trimmed_by = wheel_trimmer(ALL, "numpy")
    assert trimmed_by(f"numpy-2.0.dist-info/{below}") == ""
    assert trimmed_by(f"numpy/_vendor/x-1.0.dist-info/{below}") == ""


def test_only_the_rules_that_are_named_apply() -> None:
    assert wheel_trimmer(("headers",), "torch")("torch/test/atest") == ""
    assert wheel_trimmer((), "torch")("torch/include/ATen/ATen.h") == ""
