"""Environment markers (PEP 508) in an image."""

from __future__ import annotations

import re

_PYTHON = re.compile(r"(?:^|/)python(\d+\.\d+)/(?:site|dist)-packages/")


def marker_environment(folder: str, machine: str) -> dict[str, str]:
    """Give the markers' values as far as files tell: of a `.dist-info`, on a `machine` of `uname -m`."""
    found = _PYTHON.search(folder)
    python = found.group(1) if found else "3"
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }
