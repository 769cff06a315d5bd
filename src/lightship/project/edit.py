"""Changes to a project's configuration that keep what a person wrote: comments, order, layout."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightship.errors import UsageError
from lightship.fs.atomic import writing

if TYPE_CHECKING:
    from tomlkit.items import Array


def add_build_package(folder: Path, file: Path | None, package: str) -> Path:
    """Add a Debian package to `build-packages`, and give the file that was changed.

    `file` holds the configuration; where there is none yet, `pyproject.toml` gets a table, or, without
    such a file, `lightship.toml` is made.

    Raises:
        UsageError: if the file cannot be read, or `build-packages` is no list.
        StageError: if it cannot be written.

    """
    import tomlkit
    from tomlkit.exceptions import ParseError
    from tomlkit.items import Array

    path = file or next((path for path in [folder / "pyproject.toml"] if path.is_file()), folder / _OWN)
    try:
        document = tomlkit.parse(path.read_bytes().decode()) if path.is_file() else tomlkit.document()
    except (OSError, ValueError, ParseError) as error:
        raise UsageError(
            "cannot be read", where=str(path), hint="mend the file", detail=str(error)
        ) from error
    table: MutableMapping[str, Any] = document
    for name in () if path.name == _OWN else ("tool", "lightship"):
        if name not in table:
            table[name] = tomlkit.table(is_super_table=name == "tool")
        table = table[name]
    packages = table.setdefault("build-packages", tomlkit.array())
    if not isinstance(packages, Array):
        raise UsageError("build-packages is no list", where=str(path), hint="see docs/configuration.md")
    if package not in packages:
        _append(packages, package)
    with writing(path, mode=path.stat().st_mode & 0o777 if path.is_file() else 0o644) as stream:
        stream.write(tomlkit.dumps(document).encode())
    return path


def _append(packages: Array, package: str) -> None:
    """Add an item; in an array of several lines, on a line of its own."""
    if "\n" in packages.as_string():
        packages.add_line(package)
    else:
        packages.append(package)


_OWN = "lightship.toml"
