"""What wheels bring that no service reads: the rules of the level `safe`.

Paths are below site-packages. No rule reaches `*.dist-info`: metadata, licences and RECORD always stay.
`tests/integration/wheels/test_trim_rules.py` reads real wheels of every distribution that is named here: no
module that stays may import one that goes, unless the exception stands there with its reason. `testing` is
not `tests`: modules of that name are imported by others at run time, and stay.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from lightship.fs.trim import COMPILERS, TrimRule

if TYPE_CHECKING:
    from lightship.slim import Trimmer

_IMPORTS = (
    "no module that stays imports them, functions that run tests aside (checked on the wheels themselves)"
)
_COMPILER = "only a compiler reads them, and the image has none; with one, the rule is not applied"

_NVRTC = frozenset({"nvidia-cuda-nvrtc", *(f"nvidia-cuda-nvrtc-cu{major}" for major in (11, 12, 13))})

RULES = (
    TrimRule(
        name="torch-test-programs",
        owners=frozenset({"torch"}),
        paths=(
            "torch/test/**",
            "torch/bin/**",
            "torch/lib/lib*_test.so",
            "torch/lib/libaoti_custom_ops.so",
            "torch/lib/libbackend_with_compiler.so",
        ),
        keep=("torch/bin", "torch/bin/torch_shm_manager"),
        reason="PyTorch's own C++ tests, the libraries that they load, and protoc",
        proof="torch starts torch/bin/torch_shm_manager and nothing else there; no other library needs"
        " theirs, and only torch.testing._internal.torchbind_impls, for PyTorch's own tests, looks for one",
    ),
    TrimRule(
        name="headers",
        owners=frozenset({"numpy", "pyarrow", "torch"}),
        paths=(
            "torch/include/**",
            "torch/share/cmake/**",
            "torch/utils/benchmark/utils/valgrind_wrapper/*.h",
            "numpy/_core/include/**",
            "numpy/core/include/**",
            "pyarrow/include/**",
            "pyarrow/src/**",
        ),
        unless=COMPILERS | _NVRTC,
        reason="C++ headers and CMake files, for extensions and for what torch.compile writes in C++",
        proof=_COMPILER + "; nor is it beside NVRTC, a compiler too, which torch.cuda points to them",
    ),
    TrimRule(
        name="static-libraries",
        paths=("**/*.a",),
        keep=("**/libcudadevrt.a",),  # numba-cuda has the driver link it at run time
        unless=COMPILERS,
        reason="archives for linking programs",
        proof="the dynamic loader cannot load an archive; " + _COMPILER,
    ),
    TrimRule(
        name="cython-sources",
        paths=(
            "**/*.pyx",
            "**/*.pxd",
            "**/*.pxi",
            "**/*.pyx.in",
            "**/*.pxd.in",
            "**/*.pxi.in",
            "**/*.pyx.tp",
            "**/*.pxd.tp",
        ),
        spared=frozenset({"cython"}),
        unless=COMPILERS,
        reason="sources in Cython of extension modules, which are there compiled",
        proof="Python imports no such file (importlib.machinery.all_suffixes()), and " + _COMPILER,
    ),
    TrimRule(
        name="native-sources",
        owners=frozenset({"scikit-learn", "scipy"}),
        paths=(
            "sklearn/svm/src/**",
            "sklearn/utils/src/**",
            "scipy/linalg/*.h",
            "scipy/special/*.h",
            "**/meson.build",
        ),
        unless=COMPILERS,
        reason="sources in C and C++ of extension modules, which are there compiled",
        proof=_COMPILER,
    ),
    TrimRule(
        name="type-stubs",
        owners=frozenset({"numpy", "pandas", "pydantic-core", "scipy", "tokenizers", "torch"}),
        paths=("**/*.pyi",),
        reason="type stubs, which type checkers and editors read",
        proof="Python imports no such file; no package named here hands its stubs to lazy_loader, which reads"
        " them at run time (checked on the wheels themselves)",
    ),
    TrimRule(
        name="windows-launchers",
        owners=frozenset({"distlib", "pip", "setuptools"}),
        paths=("setuptools/*.exe", "distlib/*.exe", "pip/_vendor/distlib/*.exe"),
        reason="programs for Windows",
        proof="are used where os.name is nt, and cannot run on Linux",
    ),
    TrimRule(
        name="tests",
        owners=frozenset(
            {
                "joblib",
                "matplotlib",
                "mpmath",
                "networkx",
                "numpy",
                "pandas",
                "pyarrow",
                "scikit-learn",
                "scipy",
                "shapely",
                "spacy",
                "statsmodels",
                "sympy",
                "tornado",
            }
        ),
        paths=("**/tests/**", "joblib/test/**", "tornado/test/**"),
        reason="test suites and their data",
        proof=_IMPORTS,
    ),
    TrimRule(
        name="backend-tests",
        owners=frozenset({"onnx"}),
        paths=("onnx/backend/test/**",),
        reason="models and data with which backends of ONNX are tested",
        proof=_IMPORTS,
    ),
    TrimRule(
        name="onnxruntime-c-library",
        owners=frozenset({"onnxruntime"}),
        paths=("onnxruntime/capi/libonnxruntime.so*",),
        unless=COMPILERS | {"onnxruntime-genai"},
        reason="ONNX Runtime a second time, for programs in C; the extension module has all of it in itself",
        proof="no library and no module that stays names it (checked on the wheels themselves);"
        " onnxruntime-genai loads it, and beside that the rule is not applied",
    ),
    TrimRule(
        name="self-tests",
        owners=frozenset({"pycryptodome"}),
        paths=("Crypto/SelfTest/**",),
        reason="test suite and its vectors",
        proof=_IMPORTS,
    ),
)
NOT_OPENED = TrimRule(
    name="not-opened",
    paths=("**",),
    reason="what a recorded start, health check and the project's own check did not open",
    proof="the image without it passed the same start, health check and check",
)
"""Stands for what a recorded start leaves out; which files those are, the record says."""
_BY_NAME = {rule.name: rule for rule in RULES}


def rules_named(names: tuple[str, ...]) -> tuple[TrimRule, ...]:
    return tuple(_BY_NAME[name] for name in names)


def wheel_trimmer(names: tuple[str, ...], distribution: str, kept: Collection[str] | None = None) -> Trimmer:
    """Give the function that tells which paths below site-packages go, by rules and a recorded start."""
    from lightship import slim

    return slim.wheel_trimmer((rule.files for rule in rules_named(names)), distribution, kept)
