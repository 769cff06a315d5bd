"""CUDA in an image: what its containers need to see a GPU, and libraries that are shipped for nothing.

Wheels bring CUDA's libraries themselves; the driver's, `libcuda.so.1`, is mounted from the host by NVIDIA's
container runtime, which the variables ask for (NVIDIA Container Toolkit, "Specialized Configurations").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lightship.plan.base import BaseFacts
from lightship.project.detect import SUITES
from lightship.wheels.model import LockedWheel

VARIABLES = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
_NAMED = 3
_LOCAL = re.compile(r"\+cu[0-9]")  # PyTorch's tags of CUDA builds
_MANAGEMENT = "nvidia-ml-py"  # asks the driver, and brings no library


def driver_variables(wheels: Iterable[LockedWheel]) -> dict[str, str]:
    """Give the variables that an image with these wheels needs; none where no wheel looks for a GPU."""
    return VARIABLES if any(_is_cuda(wheel) or wheel.name == _MANAGEMENT for wheel in wheels) else {}


def cuda_wheels(wheels: Iterable[LockedWheel]) -> list[LockedWheel]:
    """Give the wheels that are built for CUDA, or bring its libraries, the biggest first."""
    found = [wheel for wheel in wheels if _is_cuda(wheel)]
    return sorted(found, key=lambda wheel: (-wheel.size, wheel.name))


def cuda_notes(wheels: Iterable[LockedWheel], facts: BaseFacts, python: str) -> Iterator[str]:
    """Say where a base's own CUDA libraries are shipped beside those of the wheels, or beside none."""
    if not facts.cuda:
        return
    size = sum(file.size for file in facts.cuda)
    names = _list([f"{_name(file.path)} {_megabytes(file.size)}" for file in facts.cuda])
    suite = f"debian:{SUITES[python]}" if python in SUITES else "debian:…"
    enough = f'base = "{suite}" is enough'
    found = cuda_wheels(wheels)
    if found:
        own = _list([f"{wheel.name} {_megabytes(wheel.size)}" for wheel in found])
        yield (
            f"CUDA is shipped twice: the base has {_megabytes(size)} of its libraries ({names}), "
            f"the wheels bring their own ({own}, compressed): {enough}, "
            "for the driver's libcuda.so.1 comes from the host"
        )
    else:
        yield (
            f"the base has {_megabytes(size)} of CUDA's libraries ({names}), and no wheel is built for CUDA: "
            f"{enough} where nothing else uses them"
        )


def _is_cuda(wheel: LockedWheel) -> bool:
    named = wheel.name.startswith(("nvidia-", "cupy-cuda")) and wheel.name != _MANAGEMENT
    return named or _LOCAL.search(wheel.version) is not None


def _list(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
