"""Debian packages, libraries and a signed repository, made up for tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import struct
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from lightship.debs.model import LockedDeb

COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
    "": lambda data: data,
}


def item(
    path: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar."""
    info = tarfile.TarInfo(path)
    info.type, info.linkname, info.mode, info.size = kind, target, mode, len(data)
    return info, data


def folder(path: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    return item(path, kind=tarfile.DIRTYPE, mode=mode)


def link(path: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return item(path, kind=tarfile.SYMTYPE, target=target, mode=0o777)


def make_tar(items: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, data in items:
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def make_ar(members: Iterable[tuple[str, bytes]]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in members:
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode())
        parts.append(data + b"\n" * (len(data) % 2))
    return b"".join(parts)


def make_deb(
    items: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    *,
    control: Mapping[str, str | bytes] | None = None,
    compression: str = ".xz",
    fields: str = "Package: demo\nVersion: 1\nArchitecture: all\n",
) -> bytes:
    """A whole `.deb`; `md5sums` is made for the files in it."""
    items = list(items)
    sums = "".join(
        f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {info.name.removeprefix('./')}\n"
        for info, data in items
        if info.isreg()
    )
    files = {"control": fields, "md5sums": sums} | dict(control or {})
    encoded = {
        name: text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        for name, text in files.items()
    }
    compress = COMPRESSIONS[compression]
    return make_ar(
        [
            ("debian-binary", b"2.0\n"),
            (f"control.tar{compression}", compress(make_tar(item(f"./{n}", d) for n, d in encoded.items()))),
            (f"data.tar{compression}", compress(make_tar(items))),
        ]
    )


def write_deb(
    root: Path,
    name: str,
    items: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    *,
    version: str = "1",
    fields: str = "",
    control: Mapping[str, str | bytes] | None = None,
) -> tuple[LockedDeb, Path]:
    """A `.deb` on the disk, and its lock."""
    stanza = f"Package: {name}\nVersion: {version}\nArchitecture: all\n{fields}"
    data = make_deb(items, fields=stanza, control=control)
    path = root / f"{name}.deb"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return LockedDeb(name, version, "all", f"pool/{name}.deb", len(data), digest), path


def make_library(soname: str | None, machine: int = 62, kind: int = 3) -> bytes:
    """An ELF file with only a dynamic section; machine 62 is x86-64, 183 AArch64; kind 3 is ET_DYN."""
    strings = b"\0" + (soname or "").encode() + b"\0"
    header, program = 64, 56
    dynamic_at = header + 2 * program
    dynamic_size = 16 * 4
    strings_at = dynamic_at + dynamic_size
    tags = [(5, strings_at), (10, len(strings)), *([(14, 1)] if soname else []), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags).ljust(dynamic_size, b"\0")
    size = strings_at + len(strings)
    elf = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01", kind, machine, 1, 0, header, 0, 0, header, program, 2, 64, 0, 0,
    )  # fmt: skip
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, size, size, 4096)
    dyn = struct.pack("<IIQQQQQQ", 2, 4, dynamic_at, dynamic_at, dynamic_at, dynamic_size, dynamic_size, 8)
    return elf + load + dyn + dynamic + strings


def stanza(name: str, version: str = "1", **fields: str) -> str:
    """A stanza of a Packages file; `Pre_Depends` stands for `Pre-Depends`."""
    given = {
        "Architecture": "amd64",
        "Filename": f"pool/{name}_{version}.deb",
        "Size": "1",
        "SHA256": "0" * 64,
    }
    given |= {key.replace("_", "-"): value for key, value in fields.items()}
    lines = [f"Package: {name}", f"Version: {version}", *(f"{key}: {value}" for key, value in given.items())]
    return "\n".join(lines) + "\n\n"


@dataclass
class Keys:
    """A throwaway signing key."""

    home: Path

    @property
    def keyring(self) -> Path:
        return self.home / "keyring.gpg"

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = [
            "/usr/bin/env",
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            *arguments,
        ]
        return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout

    def generate(self) -> None:
        self.gpg("--quick-gen-key", "Test Archive <archive@example.org>", "ed25519", "sign", "never")
        self.keyring.write_bytes(self.gpg("--export"))

    def stop_agent(self) -> None:
        command = ["/usr/bin/env", "gpgconf", "--homedir", str(self.home), "--kill", "all"]
        subprocess.run(command, check=True, capture_output=True)

    def sign(self, text: bytes, *options: str) -> bytes:
        return self.gpg(*options, "--clearsign", stdin=text)


@dataclass
class Repository:
    """A Debian archive in a folder."""

    root: Path
    keys: Keys
    suite: str = "bookworm"
    release: dict[str, str] = field(default_factory=dict)

    @property
    def dist(self) -> Path:
        return self.root / "dists" / self.suite

    def write(
        self,
        stanzas: Sequence[str],
        *,
        suffix: str = ".xz",
        by_hash: bool = True,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        """Write Packages for amd64, Contents by architecture, and the signed InRelease."""
        plain = "".join(stanzas).encode()
        files = {"main/binary-amd64/Packages": plain}
        packed = COMPRESSIONS[suffix](plain)
        files[f"main/binary-amd64/Packages{suffix}"] = packed
        for architecture, text in (contents or {}).items():
            files[f"main/Contents-{architecture}"] = text.encode()
            gzipped = gzip.compress(text.encode(), mtime=0)
            files[f"main/Contents-{architecture}.gz"] = gzipped
            sha256 = hashlib.sha256(gzipped).hexdigest()
            name = f"by-hash/SHA256/{sha256}" if by_hash else f"Contents-{architecture}.gz"
            self.put(f"dists/{self.suite}/main/{name}", gzipped)
        fields = {"Codename": self.suite, "Acquire-By-Hash": "yes" if by_hash else "no"} | self.release
        lines = [f"{key}: {value}" for key, value in fields.items()] + ["SHA256:"]
        for path, data in files.items():
            lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}")
        digest = hashlib.sha256(packed).hexdigest()
        place = (
            f"main/binary-amd64/by-hash/SHA256/{digest}" if by_hash else f"main/binary-amd64/Packages{suffix}"
        )
        self.put(f"dists/{self.suite}/{place}", packed)
        self.put(f"dists/{self.suite}/InRelease", self.keys.sign("\n".join(lines).encode() + b"\n"))

    def put(self, path: str, data: bytes) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def add_deb(self, name: str, data: bytes, version: str = "1", **fields: str) -> str:
        """Put a package into the pool; the stanza that describes it comes back."""
        path = f"pool/{name}_{version}.deb"
        self.put(path, data)
        digest = hashlib.sha256(data).hexdigest()
        return stanza(name, version, **({"Size": str(len(data)), "SHA256": digest} | fields))
