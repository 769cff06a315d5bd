"""Images for real clients: one as we write it, one whose gzip members are as odd as RFC 1952 allows."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.fs.entries import directory, regular
from lightship.fs.tar import END, header, padding
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_LAYER_GZIP
from lightship.oci.record import LayerRecord
from lightship.oci.validate import validate
from tests.support.images import add_image, hello_image, hello_program

NAME = "hello:1.0"


@pytest.fixture(params=["written", "odd members"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> LayoutImage:
    layout = Layout(tmp_path / "layout")
    layout.create()
    made = hello_image(layout, name=NAME) if request.param == "written" else odd_image(layout)
    validate(made)
    return made


def odd_image(layout: Layout) -> LayoutImage:
    """Cut the tar in the midst of a header and of a content, with empty members between and at the end."""
    written = hello_image(layout)
    program = regular("bin/hello", hello_program(), 0o755)
    tar = header(directory("bin")) + header(program) + hello_program() + padding(program.size) + END
    pieces = (tar[:100], b"", tar[100:600], b"", b"", tar[600:1100], tar[1100:], b"")
    blob = b"".join(gzip.compress(piece, mtime=0) for piece in pieces)
    layer = LayerRecord(layout.write(MEDIA_LAYER_GZIP, blob), of_bytes(tar), len(tar))
    return add_image(layout, [layer], written.config.config, NAME)
