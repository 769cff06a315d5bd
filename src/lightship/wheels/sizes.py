"""Sizes of wheels that come from a folder, which resolvers leave out of a lock."""

from __future__ import annotations

import tomllib
from typing import Any

from lightship.net.local import local_path
from lightship.wheels import toml


def with_local_sizes(pylock_text: str) -> str:
    """Fill in `size` (bytes, PEP 751) of every wheel with a `file:` URL, while the file is at hand."""
    document = tomllib.loads(pylock_text)
    for package in document["packages"]:
        if "wheels" in package:
            package["wheels"] = [_with_size(wheel) for wheel in package["wheels"]]
    return toml.document(document)


def _with_size(wheel: dict[str, Any]) -> dict[str, Any]:
    path = local_path(wheel.get("url", ""))
    if "size" in wheel or path is None or not path.is_file():
        return wheel
    return {"url": wheel["url"], "size": path.stat().st_size, **wheel}
