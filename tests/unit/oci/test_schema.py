"""Our documents against the JSON schemas of the OCI image specification (tests/data/oci-schema)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_INDEX,
    MEDIA_MANIFEST,
    Execution,
    Healthcheck,
    History,
    ImageConfig,
    Index,
    PlatformField,
    RootFs,
    encode,
)

SCHEMAS = Path(__file__).parents[2] / "data" / "oci-schema"


def check(document: bytes, schema: str) -> None:
    def retrieve(uri: str) -> Resource[Any]:
        # The schemas refer to each other by file name, from identifiers that name no folder of theirs.
        return DRAFT4.create_resource(json.loads((SCHEMAS / uri.rpartition("/")[2]).read_text()))

    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    contents = json.loads((SCHEMAS / f"{schema}.json").read_text())
    formats = jsonschema.Draft4Validator.FORMAT_CHECKER
    jsonschema.Draft4Validator(contents, registry=registry, format_checker=formats).validate(
        json.loads(document)
    )


def test_the_documents_of_an_image_keep_to_the_schemas(layout: Layout, image: LayoutImage) -> None:
    check(layout.read(image.descriptor), "image-manifest-schema")
    check(layout.read(image.manifest.config), "config-schema")
    check((layout.path / "index.json").read_bytes(), "image-index-schema")
    check((layout.path / "oci-layout").read_bytes(), "image-layout-schema")


def test_a_configuration_with_every_field_keeps_to_the_schema() -> None:
    execution = Execution(
        user="1001:1001",
        exposed_ports={"8000/tcp": {}},
        env=("A=1",),
        entrypoint=("python",),
        cmd=("-m", "app"),
        working_dir="/app",
        labels={"a": "b"},
        stop_signal="SIGTERM",
        healthcheck=Healthcheck(("CMD", "true"), interval=10, retries=3),
    )
    history = (History("1980-01-01T00:00:00Z", "step", "comment"), History(empty_layer=True))
    config = ImageConfig("arm64", "linux", RootFs(()), "1980-01-01T00:00:00Z", execution, history)
    check(encode(config), "config-schema")


def test_an_index_of_platforms_keeps_to_the_schema(layout: Layout, image: LayoutImage) -> None:
    described = layout.image(image.descriptor).descriptor
    named = type(described)(
        MEDIA_MANIFEST, described.digest, described.size, {"a": "b"}, PlatformField("arm64", "linux")
    )
    check(encode(Index(2, (named,), MEDIA_INDEX, {"a": "b"})), "image-index-schema")


@pytest.mark.parametrize(
    ("document", "schema"),
    [
        (b'{"schemaVersion": 1, "config": {}, "layers": []}', "image-manifest-schema"),
        (b'{"architecture": "amd64", "os": "linux"}', "config-schema"),
        (b'{"schemaVersion": 2, "manifests": [{"digest": "x"}]}', "image-index-schema"),
        (b'{"imageLayoutVersion": "2"}', "image-layout-schema"),
    ],
)
def test_the_schemas_refuse_what_is_wrong(document: bytes, schema: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(document, schema)
