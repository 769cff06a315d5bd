"""Images to build on, as small as they can be: what is read of them is there, and nothing of it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lightship.fs.entries import Entry, regular, symlink
from lightship.fs.tree import with_parents
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Execution
from tests.support.elves import X86_64, elf
from tests.support.images import add_image, add_layer

LIB = "usr/lib/x86_64-linux-gnu"
LOADER = "/lib64/ld-linux-x86-64.so.2"
GLIBC = b"\0GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"
RELEASE = 'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
STATUS = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
MERGED = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}


def program(version: str, *needed: str, machine: int = X86_64) -> bytes:
    """A Python's program, which has its version in it as real ones have."""
    return elf(needed, interpreter=LOADER, machine=machine) + f"\0{version}\0".encode()


def debian_files(python: str = "3.11.2", machine: int = X86_64) -> dict[str, bytes]:
    minor = ".".join(python.split(".")[:2])
    folder = LIB if machine == X86_64 else "usr/lib/aarch64-linux-gnu"
    return {
        f"usr/bin/python{minor}": program(python, "libc.so.6", machine=machine),
        f"{folder}/libc.so.6": elf(soname="libc.so.6", machine=machine) + GLIBC,
        "usr/lib/os-release": RELEASE.encode(),
        "etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n",
        "etc/group": b"root:x:0:\n",
        "var/lib/dpkg/status": STATUS.encode(),
    }


def entries(files: Mapping[str, bytes], links: Mapping[str, str]) -> Iterable[Entry]:
    return with_parents(
        [
            *(symlink(path, target) for path, target in links.items()),
            *(regular(path, data, 0o755) for path, data in files.items()),
        ]
    )


def base_image(
    layout: Layout,
    files: Mapping[str, bytes] | None = None,
    *,
    links: Mapping[str, str] = MERGED,
    env: tuple[str, ...] = (),
    name: str = "base",
    architecture: str = "amd64",
) -> LayoutImage:
    """Add an image of two layers to a layout; without `files`, a Debian with Python 3.11."""
    layout.create()
    given = debian_files() if files is None else files
    layers = [
        add_layer(layout, entries(given, links)),
        add_layer(layout, with_parents([regular("srv/mark", b"")])),
    ]
    return add_image(layout, layers, Execution(env=env), name, architecture)
