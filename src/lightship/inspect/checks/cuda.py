"""CUDA's libraries: shipped twice, for nothing, or newer than the driver that the image asks for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from lightship.inspect.checks.distributions import Distribution, read_distributions
from lightship.inspect.contents import Contents, Item
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.sizes import megabytes

TWICE = Rule(
    "LV221-cuda-twice",
    "CUDA's libraries are there once",
    Severity.WARNING,
    "Wheels bring their own, and the base's gigabytes are pulled for nothing.",
    "take a base without CUDA: the driver's library comes from the host",
)
UNUSED = Rule(
    "LV222-cuda-unused",
    "CUDA's libraries are used",
    Severity.WARNING,
    "No file of the image links to them, and no distribution requires them.",
    "take a base without CUDA, or the CPU variant of what brought them",
)
DRIVER = Rule(
    "LV223-cuda-needs-newer-driver",
    "CUDA's libraries work with the driver that is asked for",
    Severity.WARNING,
    "An engine lets the image start on a host whose driver is too old, and the first call fails.",
    "set `NVIDIA_REQUIRE_CUDA` to the version that the libraries are of",
)
RULES = (TWICE, UNUSED, DRIVER)

_LIBRARIES = re.compile(
    r"lib(?:cudart|cublas|cublasLt|cudnn(?:_[a-z_]+)?|cufft|cufftw|curand|cusolver|cusolverMg|cusparse|cusparseLt"
    r"|cupti|nccl|nvrtc|nvrtc-builtins|nvJitLink|npp[a-z]*|nvjpeg|cufile)\.so(?:\..*)?"
)
_OWN = re.compile(r"nvidia-(?!ml-py)|cuda-(?:toolkit|bindings|pathfinder)")
_LOADS_BY_ITSELF = re.compile(
    r"tensorflow|jax-cuda|cupy|numba-cuda|torch|onnxruntime-gpu|tensorrt|vllm|paddlepaddle-gpu"
)
_RUNTIME = re.compile(r"nvidia-cuda-runtime(?:-cu\d+)?|cuda-toolkit")
_FILE_VERSION = re.compile(r"libcudart\.so\.(\d+)\.(\d+)")
_DECLARED = re.compile(r"\bcuda>=(\d+)\.(\d+)")
_VARIABLE = "NVIDIA_REQUIRE_CUDA"


def check(contents: Contents) -> Iterator[Finding]:
    libraries = {path: item for path, item in contents.items.items() if _is_cuda(item)}
    if not libraries:
        return
    distributions = read_distributions(contents)
    yield from _twice(libraries)
    yield from _unused(contents, libraries, distributions)
    yield from _driver(contents, libraries, distributions)


def _is_cuda(item: Item) -> bool:
    return item.elf is not None and bool(_LIBRARIES.fullmatch(item.name)) and "/stubs/" not in item.path


def _twice(libraries: Mapping[str, Item]) -> Iterator[Finding]:
    carried = {_stem(item) for item in libraries.values() if item.package_folder}
    system = [item for item in libraries.values() if not item.package_folder and _stem(item) in carried]
    if system:
        names = ", ".join(sorted({_stem(item) for item in system})[:4])
        size = megabytes(sum(item.size for item in system))
        where = posixpath.dirname(min(item.path for item in system))
        yield TWICE.finding(where, f"{size} of {names} are also in the wheels")


def _unused(
    contents: Contents, libraries: Mapping[str, Item], distributions: list[Distribution]
) -> Iterator[Finding]:
    names = {item.name for item in libraries.values()} | {
        item.elf.soname for item in libraries.values() if item.elf is not None
    }
    others = (info for path, info in contents.elf_files().items() if path not in libraries)
    is_linked = any(names.intersection(info.needed) for info in others)
    if is_linked or any(_uses(item) for item in distributions):
        return
    size = megabytes(sum(item.size for item in libraries.values()))
    yield UNUSED.finding(
        posixpath.dirname(min(libraries)), f"{size} in {len(libraries)} libraries that nothing uses"
    )


def _uses(item: Distribution) -> bool:
    """Tell whether a distribution requires CUDA's wheels, or is known to load its libraries by itself."""
    from packaging.utils import canonicalize_name

    name = canonicalize_name(item.name)
    if _OWN.match(name):
        return False
    is_cpu = "+cpu" in item.version
    needed = (text for text in item.requires if "extra" not in text.partition(";")[2])
    requires = any(_OWN.match(canonicalize_name(text.partition(";")[0].strip())) for text in needed)
    return not is_cpu and (requires or bool(_LOADS_BY_ITSELF.match(name)))


def _driver(
    contents: Contents, libraries: Mapping[str, Item], distributions: list[Distribution]
) -> Iterator[Finding]:
    """Compare major versions: within one, a newer runtime works with an older driver (CUDA compatibility)."""
    declared = [
        int(major) for major, _ in _DECLARED.findall(contents.config.config.environment.get(_VARIABLE, ""))
    ]
    shipped = [int(found[1]) for item in libraries.values() if (found := _FILE_VERSION.match(item.name))]
    shipped += [int(item.version.split(".")[0]) for item in distributions if _is_runtime(item)]
    if declared and shipped and max(shipped) > min(declared):
        yield DRIVER.finding(
            f"Env {_VARIABLE}", f"asks for CUDA {min(declared)}, and the libraries are of CUDA {max(shipped)}"
        )


def _is_runtime(item: Distribution) -> bool:
    return bool(_RUNTIME.fullmatch(item.name.lower())) and item.version.partition(".")[0].isdigit()


def _stem(item: Item) -> str:
    return item.name.partition(".so")[0]
