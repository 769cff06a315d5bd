"""Configurations of two images, field by field, as their JSON documents have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from lightship.inspect.diff.model import FieldChange
from lightship.oci.model import Image

_LAYERS = "rootfs"
"""Told layer by layer elsewhere."""


def configuration_changes(before: Image, after: Image) -> tuple[FieldChange, ...]:
    """List the fields that differ, sorted; a variable of the environment is a field of its own."""
    old, new = dict(_fields(before)), dict(_fields(after))
    return tuple(
        FieldChange(field, old.get(field), new.get(field))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    )


def _fields(image: Image) -> Iterator[tuple[str, Any]]:
    config = msgspec.json.decode(image.config_data)
    yield from _flat("", {key: value for key, value in config.items() if key != _LAYERS})
    yield from _flat("manifest.annotations", image.manifest.annotations)


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Take objects apart, lists of objects (the history) too, and the environment; a command stays whole."""
    if name == "config.Env" and isinstance(value, list):
        value = dict(str(item).partition("=")[::2] for item in value)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{name}.{key}" if name else key, item)
        if not value and name.count(".") > 1:
            yield name, value  # as in ExposedPorts, where the key is all there is
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _flat(f"{name}[{number}]", item)
    elif value is not None:
        yield name, value
