"""Small images, synthesised in a layout."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence

from lightship.fs.entries import Entry, directory, regular
from lightship.oci.blob import write_layer
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_MANIFEST,
    Execution,
    History,
    ImageConfig,
    Manifest,
    RootFs,
    encode,
)
from lightship.oci.record import Compression, LayerRecord

MESSAGE = b"made by Lightship\n"


def add_layer(
    layout: Layout, entries: Iterable[Entry], compression: Compression = Compression.GZIP
) -> LayerRecord:
    buffer = io.BytesIO()
    record = write_layer(entries, buffer, compression)
    layout.write(record.descriptor.media_type, buffer.getvalue())
    return record


def add_image(
    layout: Layout,
    layers: Sequence[LayerRecord],
    execution: Execution | None = None,
    name: str = "",
    architecture: str = "amd64",
) -> LayoutImage:
    layout.create()
    config = ImageConfig(
        architecture=architecture,
        os="linux",
        rootfs=RootFs(tuple(layer.diff_id for layer in layers)),
        created="1980-01-01T00:00:00Z",
        config=execution or Execution(),
        history=tuple(
            History(created="1980-01-01T00:00:00Z", created_by=f"layer {n}") for n in range(len(layers))
        ),
    )
    manifest = Manifest(
        2,
        layout.write(MEDIA_CONFIG, encode(config)),
        tuple(layer.descriptor for layer in layers),
        MEDIA_MANIFEST,
    )
    descriptor = layout.write(MEDIA_MANIFEST, encode(manifest))
    if name:
        layout.tag(name, descriptor)
    return layout.image(descriptor)


def hello_image(
    layout: Layout, *, name: str = "", compression: Compression = Compression.GZIP
) -> LayoutImage:
    """Make an image of two layers whose only program prints `MESSAGE`."""
    program = [directory("bin"), regular("bin/hello", hello_program(), 0o755)]
    data = [
        directory("data"),
        regular("data/large", b"0123456789abcdef" * (1 << 16)),
        regular("data/empty", b""),
    ]
    layers = [add_layer(layout, entries, compression) for entries in (program, data)]
    execution = Execution(
        user="1001:1001",
        exposed_ports={"8000/tcp": {}},
        env=("PATH=/bin", "GREETING=made by Lightship"),
        entrypoint=("/bin/hello",),
        working_dir="/data",
        labels={"org.opencontainers.image.title": "hello"},
    )
    return add_image(layout, layers, execution, name)


def hello_program() -> bytes:
    """Assemble a static program for linux/amd64, so that no compiler and no C library are needed.

    It is `write(1, MESSAGE, size); exit(0)` behind an ELF header and one loadable segment.
    """
    base, header_size = 0x400000, 64 + 56
    code_size = 5 + 5 + 7 + 5 + 2 + 5 + 2 + 2
    message_at = base + header_size + code_size
    code = b"".join(
        (
            b"\xb8" + struct.pack("<I", 1),  # mov eax, 1 (write)
            b"\xbf" + struct.pack("<I", 1),  # mov edi, 1 (standard output)
            b"\x48\xc7\xc6" + struct.pack("<I", message_at),  # mov rsi, message
            b"\xba" + struct.pack("<I", len(MESSAGE)),  # mov edx, size
            b"\x0f\x05",  # syscall
            b"\xb8" + struct.pack("<I", 60),  # mov eax, 60 (exit)
            b"\x31\xff",  # xor edi, edi
            b"\x0f\x05",  # syscall
        )
    )
    size = header_size + len(code) + len(MESSAGE)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    elf = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + header_size, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    return identity + elf + segment + code + MESSAGE
