"""A small image that says what is in it: distributions, Debian packages, an operating system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.fs.paths import parents
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Execution
from tests.support.images import add_image, add_layer

SITE = "opt/venv/lib/python3.11/site-packages"
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: libdemo

Files: *
Copyright: 2001 Somebody
License: LGPL-2.1+

Files: debian/*
Copyright: 2020 Somebody
License: GPL-2+ or Expat

License: GPL-2+
 On Debian systems, see /usr/share/common-licenses/GPL-2.
"""
RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'


def distribution(
    name: str, version: str, *fields: str, folder: str = SITE, record: bytes = b"x,,\n"
) -> Iterator[Entry]:
    info = f"{folder}/{name}-{version}.dist-info"
    text = "\n".join([f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}", *fields, "", "Words."])
    yield regular(f"{info}/METADATA", text.encode())
    yield regular(f"{info}/RECORD", record)


def debian(name: str, version: str, *fields: str, text: str = "") -> Iterator[Entry]:
    stanza = "\n".join([f"Package: {name}", f"Version: {version}", "Architecture: amd64", *fields, ""])
    yield regular(f"var/lib/dpkg/status.d/{name}", stanza.encode())
    yield regular(f"var/lib/dpkg/status.d/{name}.md5sums", b"0 usr/share/x\n")
    if text:
        yield regular(f"usr/share/doc/{name}/copyright", text.encode())


def described_image(
    layout: Layout, *, name: str = "", architecture: str = "amd64", upper: Sequence[Entry] = ()
) -> LayoutImage:
    """Make an image of two layers, and of another that hides or changes them where there is an `upper`."""
    layout.create()
    base = [
        regular("usr/lib/os-release", RELEASE.encode()),
        symlink("etc/os-release", "../usr/lib/os-release"),
        *debian("libc6", "2.36-9+deb12u1", "Source: glibc", "Depends: libgcc-s1, libcrypt1 (>= 1:4.4)"),
        *debian("libgcc-s1", "12.2", "Depends: libc6 (>= 2.34)", "Source: gcc-12 (12.2.0-14)"),
        *debian("libdemo", "1.0", "Depends: missing | libc6, libc6:any", text=COPYRIGHT),
    ]
    wheels = [
        *distribution(
            "Demo_App", "1.0", "License-Expression: MIT OR Apache-2.0", "Requires-Dist: helper[fast]"
        ),
        *distribution(
            "helper",
            "2.0",
            "Classifier: License :: OSI Approved :: MIT License",
            'Requires-Dist: speedup; extra == "fast"',
            'Requires-Dist: gone; python_version < "3"',
        ),
        *distribution("speedup", "0.1", "License: Our own terms", "Requires-Dist: helper"),
    ]
    layers = [add_layer(layout, _with_folders(entries)) for entries in (base, wheels, upper) if entries]
    labels = {"org.opencontainers.image.title": "demo", "org.opencontainers.image.version": "3.2"}
    return add_image(layout, layers, Execution(labels=labels), name, architecture)


def _with_folders(entries: Sequence[Entry]) -> Iterator[Entry]:
    seen: set[str] = set()
    for entry in entries:
        for parent in parents(entry.path):
            if parent not in seen:
                yield directory(parent)
                seen.add(parent)
        yield entry
