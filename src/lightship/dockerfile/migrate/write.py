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
    """Write settings as a file of their own, or as a table of `pyproject.toml`; `origin` is the Dockerfile."""
    import tomlkit

    table = tomlkit.document()
    table.add(tomlkit.comment(f"From {origin}, by lightship migrate."))
    for key, value in settings.items():
        table.add(key, _item(value, key))
    if not shared:
        return tomlkit.dumps(table)
    outer = tomlkit.document()
    tool = tomlkit.table(is_super_table=True)
    inner = tomlkit.table()
    inner.update(table)
    tool.add("lightship", inner)
    outer.add("tool", tool)
    return f"# From {origin}, by lightship migrate.\n{tomlkit.dumps(outer)}"


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
        tools: MutableMapping[str, Any] = document["tool"]  # type: ignore[assignment]
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
        array = tomlkit.array()
        array.extend(value)
        return array.multiline(len(array.as_string()) + len(key) > _WIDTH)
    return tomlkit.item(value)


_GROUPS = ("variants", "targets", "stages")
