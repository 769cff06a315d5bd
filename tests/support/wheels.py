"""Wheels, synthesised byte by byte: right ones, and ones that are wrong in a chosen way."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lightship.wheels.model import LockedWheel

EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Packed:
    """A member of a wheel; `mode` is the whole `st_mode` that its zip entry keeps."""

    data: bytes
    mode: int = 0o100644
    stored: bool = False


Files = Mapping[str, bytes | Packed]


def wheel_bytes(
    name: str,
    version: str,
    files: Files,
    *,
    record: str | None = None,
    entry_points: str = "",
    wheel_version: str = "1.0",
    requires: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
) -> bytes:
    """A wheel with the metadata that every wheel has, and a right RECORD unless another is given.

    `leave_out` names files of its `.dist-info` that are not to be in it.
    """
    info = f"{name}-{version}.dist-info"
    members = {path: item if isinstance(item, Packed) else Packed(item) for path, item in files.items()}
    metadata = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {text}\n" for text in requires),
        "WHEEL": f"Wheel-Version: {wheel_version}\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **({"entry_points.txt": entry_points} if entry_points else {}),
    }
    members |= {f"{info}/{key}": Packed(text.encode()) for key, text in metadata.items()}
    rows = [record_row(path, item.data) for path, item in members.items() if path[-1] != "/"] + [
        f"{info}/RECORD,,\n"
    ]
    members[f"{info}/RECORD"] = Packed(("".join(rows) if record is None else record).encode())
    for path in leave_out:
        del members[f"{info}/{path}"]
    return zip_bytes(members)


def zip_bytes(members: Mapping[str, Packed]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, item in members.items():
            place = zipfile.ZipInfo(path, EARLIEST)
            place.external_attr = item.mode << 16
            place.compress_type = zipfile.ZIP_STORED if item.stored else zipfile.ZIP_DEFLATED
            archive.writestr(place, item.data)
    return buffer.getvalue()


def record_row(path: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    quoted = '"' + path.replace('"', '""') + '"' if set(path) & set(',"') else path
    return f"{quoted},sha256={digest},{len(data)}\n"


def filename(name: str, version: str) -> str:
    return f"{name}-{version}-py3-none-any.whl"


def write_wheel(folder: Path, name: str, version: str, data: bytes) -> LockedWheel:
    """Put a wheel where a build looks for it, under its digest; gives what a lock says of it."""
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(data).hexdigest()
    (folder / sha256).write_bytes(data)
    file = filename(name, version)
    return LockedWheel(name.lower().replace("_", "-"), version, file, f"https://x/{file}", sha256, len(data))
