"""pip's configuration as pip itself would put it together (pip documentation, "Configuration")."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lightship.errors import UsageError

_SECTIONS = ("global", "install")  # what `pip install` reads, weakest first
_FILE = "pip.conf"
_PREFIX = "PIP_"


def read_settings(
    environ: Mapping[str, str], *, home: Path, prefix: Path | None, system: Path
) -> dict[str, str]:
    """Options by name (`index-url`), from files and `PIP_*` variables, the strongest value of each.

    Raises:
        UsageError: if a file cannot be read or is no INI file.

    """
    merged: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for path in config_files(environ, home=home, prefix=prefix, system=system):
        for section, options in _read(path).items():
            merged.get(section, {}).update(options)
    layers = [*merged.values(), _variables(environ)]
    # An empty value stands for "not set here", so that it uncovers the weaker section's.
    return {name: value for layer in layers for name, value in layer.items() if value}


def config_files(
    environ: Mapping[str, str], *, home: Path, prefix: Path | None, system: Path
) -> Iterator[Path]:
    """Files that pip would read, weakest first: global, user, site, then `PIP_CONFIG_FILE`."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    shared = environ.get("XDG_CONFIG_DIRS", "").strip() or str(system / "xdg")
    yield from (Path(folder) / "pip" / _FILE for folder in shared.split(os.pathsep))
    yield system / _FILE
    if not (chosen and Path(chosen).exists()):
        personal = environ.get("XDG_CONFIG_HOME", "").strip() or str(home / ".config")
        yield home / ".pip" / _FILE
        yield Path(personal) / "pip" / _FILE
    if prefix is not None:
        yield prefix / _FILE
    if chosen:
        yield Path(chosen)


class _Parser(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr.lower().replace("_", "-").removeprefix("--")


def _read(path: Path) -> dict[str, dict[str, str]]:
    parser = _Parser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UsageError(
            "pip's configuration cannot be read", where=str(path), hint="mend the file", detail=str(error)
        ) from error
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(_PREFIX).lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith(_PREFIX)
    }
