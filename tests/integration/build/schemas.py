"""The OCI image specification's own JSON schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from lightship.oci.layout import Layout
from lightship.oci.model import MEDIA_CONFIG, MEDIA_MANIFEST

FOLDER = Path(__file__).parents[2] / "data" / "oci-schema"
BASES = ("https://opencontainers.org/schema", "https://opencontainers.org/schema/image")


def check_layout(layout: Layout) -> None:
    """Check every document of a layout; raises `jsonschema.ValidationError`."""
    check("image-layout-schema", (layout.path / "oci-layout").read_bytes())
    check("image-index-schema", (layout.path / "index.json").read_bytes())
    for descriptor in layout.index().manifests:
        assert descriptor.media_type == MEDIA_MANIFEST
        check("image-manifest-schema", layout.read(descriptor))
        config = layout.image(descriptor).manifest.config
        assert config.media_type == MEDIA_CONFIG
        check("config-schema", layout.read(config))


def check(schema: str, document: bytes) -> None:
    Draft4Validator(_schema(schema), registry=_registry()).validate(json.loads(document))


def _registry() -> Registry[Any]:
    """Know the schemas by the addresses that come of their referring to each other by file name."""
    known: Registry[Any] = Registry()
    for path in FOLDER.glob("*.json"):
        resource = DRAFT4.create_resource(_schema(path.stem))
        known = known.with_resources((f"{base}/{path.name}", resource) for base in BASES)
    return known


def _schema(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())
