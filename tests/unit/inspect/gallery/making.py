"""A clean image in one layer, and defects that are planted on top of it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from lightship.digest import of_bytes
from lightship.fs.entries import Entry, directory, regular
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_LAYER_GZIP,
    MEDIA_MANIFEST,
    Descriptor,
    Execution,
    Healthcheck,
    History,
    ImageConfig,
    Manifest,
    RootFs,
    encode,
)
from lightship.oci.record import LayerRecord
from tests.support.elves import elf
from tests.support.images import add_layer
from tests.support.tars import tar_of

Raw = tuple[tarfile.TarInfo, bytes]
Layer = Sequence[Entry] | Sequence[Raw]

LIB = "usr/lib/python3.11"
SITE = f"{LIB}/site-packages"
LOADER = "lib64/ld-linux-x86-64.so.2"
LIBC = "usr/lib/x86_64-linux-gnu/libc.so.6"
# Nothing but chance would write it; in parts, so that no scanner of this repository takes it for one.
RANDOM = "q7Rz2LmX9vTb4" + "KfW8sHd3NpY6cGj5" + "AeU1oBi0Qk"
GOOD = Execution(
    user="1001:1001",
    env=("PATH=/usr/bin", "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", f"PYTHON_SHA256={'ab12' * 16}"),
    cmd=("python3.11", "/app/main.py"),
    working_dir="/app",
    labels={"org.opencontainers.image.source": "https://example.com/team/app"},
    healthcheck=Healthcheck(("CMD", "python3.11", "-c", "pass")),
)


def program(*needed: str) -> bytes:
    return elf(needed, interpreter=f"/{LOADER}")


def installed(name: str, version: str, files: Mapping[str, bytes], *requires: str) -> list[Entry]:
    """Install a distribution, as RECORD says."""
    info = f"{name}-{version}.dist-info"
    fields = [
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {text}" for text in requires),
        "",
        "",
    ]
    everything = {**files, f"{info}/METADATA": "\n".join(fields).encode()}
    rows = [f"{path},sha256={digest(data)},{len(data)}" for path, data in everything.items()]
    record = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    entries = [
        regular(f"{SITE}/{path}", data) for path, data in (*everything.items(), (f"{info}/RECORD", record))
    ]
    return [directory(f"{SITE}/{info}"), *entries]


def bookworm(name: str, version: str, source: str, release: str = "12") -> list[Entry]:
    """Install a Debian package as distroless images have it."""
    fields = f"Package: {name}\nVersion: {version}\nSource: {source}\nArchitecture: amd64\n"
    return [
        regular("etc/os-release", f"ID=debian\nVERSION_ID={release}\n".encode()),
        regular(f"var/lib/dpkg/status.d/{name}", fields.encode()),
    ]


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def clean_layer() -> list[Entry]:
    """Give a base with a Python, two distributions and an application."""
    return [
        directory("tmp", 0o1777),
        regular("etc/passwd", b"root:x:0:0::/root:/none\napp:x:1001:1001::/app:/none\n"),
        regular("etc/pip.conf", b"[global]\nindex-url = https://example.com/simple\n"),
        regular(LOADER, elf(soname="ld-linux-x86-64.so.2"), 0o755),
        regular(LIBC, elf(soname="libc.so.6", versions={"": ["GLIBC_2.2.5", "GLIBC_2.36"]}), 0o755),
        regular("usr/bin/python3.11", program("libc.so.6"), 0o755),
        regular(f"{LIB}/os.py", b"sep = '/'\n"),
        *installed("fast", "2.0", {"fast/__init__.py": b"", "fast/_c.so": elf(["libc.so.6"])}, "small>=1"),
        *installed("small", "1.5", {"small.py": b"KEY = 'AKIAIOSFODNN7EXAMPLE'\n"}),
        regular("app/main.py", b"import fast\n"),
        regular("app/.env.example", b"API_TOKEN=your-token-goes-here\n"),
    ]


@dataclass(frozen=True)
class Shown:
    """An image: layers on top of the clean one, changes of its configuration and of its history."""

    name: str
    layers: Sequence[Layer] = ()
    execution: Mapping[str, object] = field(default_factory=dict)
    history: Sequence[History] = ()
    on_clean: bool = True


def made(layout: Layout, clean: LayerRecord, shown: Shown) -> LayoutImage:
    layers = [clean] if shown.on_clean else []
    layers += [_layer(layout, layer) for layer in shown.layers]
    steps = tuple(shown.history) or tuple(History("1980-01-01T00:00:00Z", "step") for _ in layers)
    config = ImageConfig(
        architecture="amd64",
        os="linux",
        rootfs=RootFs(tuple(layer.diff_id for layer in layers)),
        created="1980-01-01T00:00:00Z",
        config=msgspec.structs.replace(GOOD, **shown.execution),
        history=steps,
    )
    written = layout.write(MEDIA_CONFIG, encode(config))
    manifest = Manifest(2, written, tuple(layer.descriptor for layer in layers), MEDIA_MANIFEST)
    return layout.image(layout.write(MEDIA_MANIFEST, encode(manifest)))


def _layer(layout: Layout, layer: Layer) -> LayerRecord:
    entries = [item for item in layer if isinstance(item, Entry)]
    if entries:
        return add_layer(layout, entries)
    tar = tar_of(*(item for item in layer if not isinstance(item, Entry)))
    blob = gzip.compress(tar, mtime=0)
    layout.write(MEDIA_LAYER_GZIP, blob)
    return LayerRecord(Descriptor(MEDIA_LAYER_GZIP, of_bytes(blob), len(blob)), of_bytes(tar), len(tar))
