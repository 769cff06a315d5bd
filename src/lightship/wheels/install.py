"""Wheels become the entries that `pip install` would have written into a virtual environment.

The rules are the binary distribution format's (packaging.python.org, PEP 427) and, for `RECORD`, PEP 376.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from lightship.errors import IntegrityError
from lightship.fs.entries import BytesContent, Content, Entry, Kind
from lightship.slim import Trimmer, keep_all
from lightship.wheels.archive import PUBLISHER, Member, WheelArchive
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedWheel

INSTALLER = b"lightship\n"
_LAUNCHER = """\
#!{interpreter}
import sys
from {module} import {name}
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit({attribute}())
"""
"""pip's; written here, so that no other release of a library changes what is in a layer."""


Refiner = Callable[[str, Content], Content]
"""Makes other content of a file, by its path, or gives back the very same."""


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    content: Content
    executable: bool
    digest: str
    """As RECORD writes it (`sha256=…`), empty where the wheel's RECORD has none."""

    def entry(self) -> Entry:
        return Entry(self.path, Kind.FILE, 0o755 if self.executable else 0o644, self.content)


def installed(
    archive: WheelArchive,
    wheel: LockedWheel,
    environment: Environment,
    trimmed_by: Trimmer = keep_all,
    refined: Refiner | None = None,
) -> Iterator[Entry]:
    """Yield the regular files of an installed wheel, each path once, `RECORD` last.

    Files that `trimmed_by` names a rule for, by their path in site-packages, are left out, of `RECORD` too,
    which also has the digests of what `refined` makes of files.

    Raises:
        IntegrityError: if the wheel breaks the format; damaged members raise as their content is read.

    """
    info = _dist_info(archive, wheel)
    record = _read_record(archive, f"{info}/RECORD")
    launchers = _launchers(archive, info, environment)
    unpacked = _unpacked(archive, wheel, info, record, environment, {file.path for file in launchers})
    installer = _generated(f"{environment.site_packages}/{info}/INSTALLER", INSTALLER)
    found = {file.path: file for file in (*unpacked, *launchers, installer)}
    below = f"{environment.site_packages}/"
    files = [
        file
        for path, file in found.items()
        if not (path.startswith(below) and trimmed_by(path[len(below) :]))
    ]
    if refined:
        files = [_refine(file, refined) for file in files]
    for file in files:
        yield file.entry()
    path = f"{environment.site_packages}/{info}/RECORD"
    yield _generated(path, _record(files, path, environment)).entry()


def _refine(file: _File, refined: Refiner) -> _File:
    content = refined(file.path, file.content)
    if content is file.content:
        return file
    state = hashlib.sha256()
    for chunk in content.chunks():
        state.update(chunk)
    return replace(file, content=content, digest=_as_recorded(state.digest()))


def _as_recorded(digest: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _dist_info(archive: WheelArchive, wheel: LockedWheel) -> str:
    suffix = ".dist-info/WHEEL"  # deeper ones belong to vendored distributions
    found = {path.split("/")[0] for path in archive.members if path.endswith(suffix) and path.count("/") == 1}
    if len(found) != 1:
        raise IntegrityError(
            f"the wheel has {len(found)} .dist-info folders, not one", where=wheel.filename, hint=PUBLISHER
        )
    info = found.pop()
    _check_version(archive.read(f"{info}/WHEEL"), wheel)
    return info


def _check_version(metadata: bytes, wheel: LockedWheel) -> None:
    from email.parser import BytesHeaderParser

    version = BytesHeaderParser().parsebytes(metadata).get("Wheel-Version", "")
    if version.split(".")[0] != "1":
        raise IntegrityError(
            f"wheel format {version or 'unknown'} is not supported", where=wheel.filename, hint=PUBLISHER
        )


def _read_record(archive: WheelArchive, path: str) -> dict[str, str]:
    text = archive.read(path).decode("utf-8", "surrogateescape")
    return {row[0]: row[1] for row in csv.reader(io.StringIO(text, newline="")) if len(row) == 3}


def _unpacked(
    archive: WheelArchive,
    wheel: LockedWheel,
    info: str,
    record: Mapping[str, str],
    environment: Environment,
    launchers: Collection[str],
) -> Iterator[_File]:
    """Yield what is in the archive; `*.data` last, since its files win over others, as with pip."""
    scheme = environment.scheme(wheel.name)
    generated = {f"{info}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER")}
    for path, member in sorted(archive.members.items(), key=lambda item: _is_data(item[0])):
        if path in generated:
            continue
        digest = record.get(path, "")
        checked = replace(member, sha256=_raw_digest(digest))
        if not _is_data(path):
            yield _File(f"{environment.site_packages}/{path}", checked, member.executable, digest)
            continue
        folder, _, rest = path.partition("/")[2].partition("/")
        if folder not in scheme or not rest:
            raise IntegrityError(f"{path} has no place", where=archive.handle.name, hint=PUBLISHER)
        target = f"{scheme[folder]}/{rest}"
        if folder != "scripts":
            yield _File(target, checked, member.executable, digest)
        elif not _is_wrapper(target, launchers):
            yield _script_file(target, checked, digest, environment)


def _is_data(path: str) -> bool:
    return path.partition("/")[0].endswith(".data")


def _is_wrapper(path: str, launchers: Collection[str]) -> bool:
    """Tell the launchers that old versions of setuptools put into wheels; pip makes its own instead."""
    names = (path, path.removesuffix(".exe"), path.removesuffix("-script.py"), path.removesuffix(".pya"))
    return any(name in launchers for name in names)


def _raw_digest(digest: str) -> bytes | None:
    algorithm, _, value = digest.partition("=")
    if algorithm != "sha256":
        return None
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return b"not base64"


def _script_file(path: str, member: Member, digest: str, environment: Environment) -> _File:
    """Point a script's `#!python` line at the environment (PEP 427, "Recommended installer features")."""
    data = b"".join(member.chunks())
    if not data.startswith(b"#!python"):
        return _File(path, member, executable=True, digest=digest)
    _, newline, rest = data.partition(b"\n")
    return _generated(path, f"#!{environment.interpreter}".encode() + newline + rest, executable=True)


def _launchers(archive: WheelArchive, info: str, environment: Environment) -> list[_File]:
    """Write the launchers of `entry_points.txt` (entry points specification, "console_scripts")."""
    path = f"{info}/entry_points.txt"
    if path not in archive.members:
        return []
    from configparser import Error

    from installer.utils import parse_entrypoints

    try:
        points = list(parse_entrypoints(archive.read(path).decode()))
    except (Error, ValueError, AssertionError, AttributeError) as error:
        raise IntegrityError(f"{path} is malformed", where=archive.handle.name, hint=PUBLISHER) from error
    for name, *_ in points:
        if "/" in name or name in (".", ".."):
            raise IntegrityError(
                f"the script {name!r} leaves its folder", where=archive.handle.name, hint=PUBLISHER
            )
    return [
        _generated(
            f"{environment.prefix}/bin/{name}", _launcher(module, attribute, environment), executable=True
        )
        for name, module, attribute, _ in points
    ]


def _launcher(module: str, attribute: str, environment: Environment) -> bytes:
    name = attribute.partition(".")[0]
    text = _LAUNCHER.format(
        interpreter=environment.interpreter, module=module, name=name, attribute=attribute
    )
    return text.encode()


def _generated(path: str, data: bytes, *, executable: bool = False) -> _File:
    return _File(path, BytesContent(data), executable, _as_recorded(hashlib.sha256(data).digest()))


def _record(files: list[_File], own: str, environment: Environment) -> bytes:
    rows = [
        (
            posixpath.relpath(file.path, environment.site_packages),
            file.digest,
            str(file.content.size) if file.digest else "",
        )
        for file in files
    ]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(sorted(rows))
    writer.writerow((posixpath.relpath(own, environment.site_packages), "", ""))
    return out.getvalue().encode("utf-8", "surrogateescape")
