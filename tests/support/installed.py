"""What installers leave in an image: distributions with their RECORD, and dpkg's database."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from lightship.fs.entries import Entry, regular

SITE = "opt/venv/lib/python3.11/site-packages"


def dist(
    name: str,
    files: Mapping[str, bytes],
    *,
    version: str = "1.0",
    requires: Iterable[str] = (),
    extras: Iterable[str] = (),
    requested: bool = False,
    site: str = SITE,
) -> list[Entry]:
    """Make an installed distribution; paths of `files` start from its folder, as in RECORD."""
    info = f"{name}-{version}.dist-info"
    fields = [f"Name: {name}", f"Version: {version}", f"Summary: What {name} does"]
    fields += [f"Requires-Dist: {text}" for text in requires] + [f"Provides-Extra: {text}" for text in extras]
    members = {**files, f"{info}/METADATA": "\n".join([*fields, "", ""]).encode()}
    members |= {f"{info}/REQUESTED": b""} if requested else {}
    record = "".join(f"{path},,\n" for path in (*members, f"{info}/RECORD"))
    members[f"{info}/RECORD"] = record.encode()
    return [regular(posixpath.normpath(f"{site}/{path}"), data) for path, data in members.items()]


def deb_stanza(name: str, *, depends: str = "", provides: str = "", status: str = "") -> str:
    fields = {
        "Package": name,
        "Status": status,
        "Architecture": "amd64",
        "Version": "1.0-1",
        "Depends": depends,
        "Provides": provides,
        "Description": f"what {name} does\n and more",
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if value) + "\n"


def deb_in_folder(name: str, files: Mapping[str, bytes], depends: str = "") -> list[Entry]:
    """Make a package as distroless images have it: a file of its own, and digests that name its files."""
    status = f"var/lib/dpkg/status.d/{name}"
    sums = "".join(f"{'0' * 32}  {path}\n" for path in files)
    return [
        *(regular(path, data) for path, data in files.items()),
        regular(status, deb_stanza(name, depends=depends).encode()),
        regular(f"{status}.md5sums", sums.encode()),
    ]
