"""The configuration as text, and the file that it goes to."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightship.dockerfile.migrate.model import Migration
from lightship.errors import UsageError
from lightship.fs.atomic import writing
from lightship.project.config import load_toml

if TYPE_CHECKING:
    from tomlkit.items import Item

_OWN, _SHARED = "lightship.toml", "pyproject.toml"
_WIDTH = 100


def to_toml(settings: Mapping[str, Any], origin: str, *, shared: bool) -> str:
    """Write settings as a file of their own, or as a table for `pyproject.toml`; `origin` is their source."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment(f"From {origin}, by lightship migrate."))
    table: MutableMapping[str, Any] = document
    if shared:
        table = tomlkit.table()
        tool = tomlkit.table(is_super_table=True)
        tool.add("lightship", table)
        document.add("tool", tool)
    for key, value in settings.items():
        table[key] = _item(value, key)
    return tomlkit.dumps(document)


def config_file(folder: Path, *, force: bool) -> Path:
    """Say where the configuration goes: into `pyproject.toml` where there is one, else `lightship.toml`.

    Raises:
        UsageError: if there is a configuration already and not `force`, or a file is no TOML.

    """
    own, shared = folder / _OWN, folder / _SHARED
    there = own if own.is_file() else None
    if there is None and shared.is_file() and "lightship" in load_toml(shared).get("tool", {}):
        there = shared
    if there and not force:
        hint = "look at it with --stdout, or overwrite it with --force"
        raise UsageError("the project has a configuration already", where=str(there), hint=hint)
    return there or (shared if shared.is_file() else own)


def write_all(folder: Path, migration: Migration, origin: str, *, force: bool) -> tuple[Path, ...]:
    """Write the configuration, and the requirement files that it names; nothing where one is in the way.

    Raises:
        UsageError: if a file is there already and not `force`.
        StageError: if a file cannot be written.

    """
    file = config_file(folder, force=force)
    for name, text in migration.files.items():
        path = folder / name
        if path.exists() and not force and path.read_bytes() != text.encode():
            raise UsageError(
                "there is such a file already", where=str(path), hint="move it away, or use --force"
            )
    texts = {file: _text(file, migration, origin)}
    texts |= {folder / name: text for name, text in migration.files.items()}
    for path, text in texts.items():
        with writing(path, mode=path.stat().st_mode & 0o777 if path.is_file() else 0o644) as stream:
            stream.write(text.encode())
    return tuple(texts)


def _text(file: Path, migration: Migration, origin: str) -> str:
    """Give the whole file: one that others share keeps the rest of it."""
    import tomlkit

    if file.name == _OWN:
        return to_toml(migration.settings, origin, shared=False)
    before = file.read_text("utf-8")
    document = tomlkit.parse(before)
    if "lightship" in document.get("tool", {}):
        tools: MutableMapping[str, Any] = document["tool"]
        del tools["lightship"]
        before = tomlkit.dumps(document)
    return f"{before.rstrip()}\n\n{to_toml(migration.settings, origin, shared=True)}"


def _item(value: Any, key: str) -> Item:
    import tomlkit

    if isinstance(value, Mapping):
        inner = (
            tomlkit.inline_table()
            if key in ("copy", "from")
            else tomlkit.table(is_super_table=key in _GROUPS)
        )
        for name, one in value.items():
            inner.add(name, _item(one, name))
        return inner
    if isinstance(value, list):
        return _array(value, _WIDTH - len(key) - len(" = "))
    item: Item = tomlkit.item(value)
    return item


def _array(values: list[Any], width: int) -> Item:
    """Write a list on one line, or on as few as it fits on."""
    import tomlkit

    array = tomlkit.array()
    array.extend(values)
    if len(array.as_string()) <= width:
        return array
    array.clear()
    line: list[Any] = []
    for value in values:
        if line and len(", ".join(tomlkit.item(one).as_string() for one in (*line, value))) > _WIDTH - 4:
            array.add_line(*line)
            line = []
        line.append(value)
    array.add_line(*line)
    array.add_line(indent="")
    return array


_GROUPS = ("variants", "targets", "stages")
