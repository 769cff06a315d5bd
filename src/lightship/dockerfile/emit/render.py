"""Templates to text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def render(name: str, values: Mapping[str, Any]) -> str:
    """Fill a template of this package; what it names and nobody gave is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lightship.dockerfile.emit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no HTML: each value is quoted by a filter for its own syntax
    )
    environment.filters |= {
        "argv": exec_form,
        "quoted": quoted,
        "seconds": _seconds,
        "json": _json,
        "words": _paths,
        "shell": _shell,
    }
    return environment.get_template(name).render(values)


def exec_form(words: Iterable[str]) -> str:
    """Write a command as a JSON array, which no shell reads."""
    return json.dumps(list(words), ensure_ascii=False)


def quoted(text: str) -> str:
    """Write a value of ENV or LABEL, where `$` would be a variable (Dockerfile reference, "Parsing")."""
    return '"' + "".join(f"\\{character}" if character in '"\\$' else character for character in text) + '"'


def _paths(paths: Iterable[str]) -> str:
    """Write the arguments of COPY: as JSON where a space would end one."""
    words = list(paths)
    return exec_form(words) if any(" " in word for word in words) else " ".join(words)


def _shell(line: str) -> str:
    """Write a command as RUN has it; one that a Dockerfile would read otherwise goes to the shell as JSON."""
    plain = "\n" not in line and "<<" not in line and not line.startswith(("[", "-")) and line[-1:] != "\\"
    return line if plain else exec_form(["/bin/sh", "-c", line])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 1_000_000_000}s"
