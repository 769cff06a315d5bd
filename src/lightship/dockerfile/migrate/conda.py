"""conda's `environment.yml`, as far as it is a list of names: the packages, and pip's own part."""

from __future__ import annotations

import re
from typing import NamedTuple

_ITEM = re.compile(r"(\s*)-\s+(.*?)\s*(?:\s#.*)?")


class Environment(NamedTuple):
    """What conda installs, and what it has pip install; `python` is among the first."""

    conda: tuple[str, ...]
    pip: tuple[str, ...]


def read_environment(text: str) -> Environment:
    """Read the usual layout: one item a line, and a list below `pip:`. Anything else is passed over."""
    conda: list[str] = []
    pip: list[str] = []
    section, inner = "", -1
    for line in text.splitlines():
        if re.match(r"\w[\w-]*:", line):
            section, inner = line.partition(":")[0], -1
        item = _ITEM.fullmatch(line)
        if section != "dependencies" or item is None:
            continue
        name = item[2].strip("'\"")
        if 0 <= inner < len(item[1]):
            pip.append(name)
        elif name == "pip:":
            inner = len(item[1])
        else:
            inner = -1
            if not re.fullmatch(r"(?:python|pip)\b.*", name):
                conda.append(name)
    return Environment(tuple(conda), tuple(pip))


def python_of(text: str) -> str:
    """Give the Python that an environment asks for, as `3.11`; "" if it names none."""
    match = re.search(r"^\s*-\s*python\s*[=>~<]*\s*(3\.\d+)", text, re.MULTILINE)
    return match[1] if match else ""
