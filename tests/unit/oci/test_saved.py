from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.errors import IntegrityError
from lightship.fs.entries import regular
from lightship.fs.tar import END, header, padding
from lightship.oci.layout import Layout
from lightship.oci.model import MEDIA_LAYER_GZIP, MEDIA_LAYER_TAR
from lightship.oci.saved import read_saved
from lightship.oci.validate import validate


def layer(name: str) -> bytes:
    entry = regular(name, name.encode())
    return header(entry) + name.encode() + padding(entry.size) + END


ONE, TWO = layer("one"), layer("two")


def write(path: Path, layers: Sequence[bytes], *, links: bool = False) -> Path:
    """Write what `docker save` of Docker 20.10 does; `links` stand for layers that are there already."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/hello"], "Entrypoint": None},
        "rootfs": {"type": "layers", "diff_ids": [of_bytes(data) for data in layers]},
    }
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": None, "Layers": names}]
    with tarfile.open(path, "w") as archive:
        for name, data in zip(names, layers, strict=True):
            if links and data in layers[: names.index(name)]:
                _link(archive, name, f"../{layers.index(data)}/layer.tar")
            else:
                _add(archive, name, data)
        _add(archive, "config.json", json.dumps(config).encode())
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return path


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    archive.addfile(member)


def test_layers_stay_the_tars_that_they_are(tmp_path: Path) -> None:
    read: list[int] = []
    file = write(tmp_path / "image.tar", [ONE, TWO, ONE], links=True)
    image = read_saved(file, Layout(tmp_path / "layout"), read.append, compress=False)
    validate(image)
    assert [item.descriptor.media_type for item in image.layers] == [MEDIA_LAYER_TAR] * 3
    assert [item.descriptor.digest for item in image.layers] == [of_bytes(data) for data in (ONE, TWO, ONE)]
    assert image.config.config.cmd == ("/bin/hello",)
    assert sum(read) == len(ONE) + len(TWO) + len(ONE)


def test_layers_are_compressed_to_be_handed_on(tmp_path: Path) -> None:
    file = write(tmp_path / "image.tar", [ONE, TWO])
    image = read_saved(file, Layout(tmp_path / "layout"), lambda _: None, compress=True)
    validate(image)
    assert {item.descriptor.media_type for item in image.layers} == {MEDIA_LAYER_GZIP}
    assert gzip.decompress(b"".join(image.layers[0].chunks())) == ONE


def test_a_layer_that_is_compressed_already_is_kept(tmp_path: Path) -> None:
    packed = gzip.compress(ONE)
    file = write(tmp_path / "image.tar", [packed])
    image = read_saved(file, Layout(tmp_path / "layout"), lambda _: None, compress=True)
    assert [item.media_type for item in image.manifest.layers] == [MEDIA_LAYER_GZIP]
    assert image.manifest.layers[0].digest == of_bytes(packed)


@pytest.mark.parametrize("content", [b"no tar at all", b""])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(content)
    with pytest.raises(IntegrityError, match="not an archive of one image"):
        read_saved(file, Layout(tmp_path / "layout"), lambda _: None, compress=False)


def test_an_archive_that_breaks_off_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "image.tar", [ONE])
    with tarfile.open(file) as archive:
        offset = archive.getmember("0/layer.tar").offset_data
    file.write_bytes(file.read_bytes()[: offset + 100])
    with pytest.raises(IntegrityError, match="not an archive of one image"):
        read_saved(file, Layout(tmp_path / "layout"), lambda _: None, compress=False)
