"""Libraries of which a process loads two: OpenMP's and CUDA's runtimes, which do not share what they must."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity

OPENMP = Rule(
    "LV211-two-openmps",
    "one OpenMP runtime",
    Severity.WARNING,
    "Intel's or LLVM's runtime ends the process when it meets another (`OMP: Error #15`), or the two make"
    " twice as many threads as there are processors.",
    "take distributions that are built with one of them, or leave one distribution out",
)
CUDART = Rule(
    "LV212-two-cuda-runtimes",
    "one CUDA runtime",
    Severity.WARNING,
    "What one runtime has allocated on the GPU the other does not know, and both have to be pulled.",
    "take distributions that are built for one CUDA version",
)
RULES = (OPENMP, CUDART)

# GNU's copies get along: each wheel has its own under a name of its own, and they share nothing.
_LLVM = re.compile(r"lib(?:iomp5|omp|omp5)(?:-[0-9a-f]{8,})?\.so(?:\..*)?")
_GNU = re.compile(r"libgomp(?:-[0-9a-f]{8,})?\.so(?:\..*)?")
_CUDART = re.compile(r"libcudart(?:-[0-9a-f]{8,})?\.so\.(\d+)(?:\..*)?")


def check(contents: Contents) -> Iterator[Finding]:
    names = {path: posixpath.basename(path) for path in contents.elf_files()}
    llvm = [path for path, name in names.items() if _LLVM.fullmatch(name)]
    gnu = [path for path, name in names.items() if _GNU.fullmatch(name)]
    if llvm and len(llvm) + len(gnu) > 1:
        paths = sorted([*llvm, *gnu])
        yield OPENMP.finding(paths[0], f"{' and '.join(paths)} may be loaded together")
    majors: dict[str, list[str]] = defaultdict(list)
    for path, name in names.items():
        if found := _CUDART.fullmatch(name):
            majors[found[1]].append(path)
    if len(majors) > 1:
        first = [min(paths) for _, paths in sorted(majors.items())]
        yield CUDART.finding(
            first[0], f"there are CUDA {' and '.join(sorted(majors))}: {' and '.join(first)}"
        )
