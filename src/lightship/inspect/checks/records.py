"""What installed distributions say of their files is so (PyPA, "Recording installed projects": RECORD)."""

from __future__ import annotations

import base64
import csv
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress

from lightship.fs.entries import Kind
from lightship.inspect.contents import Contents, Item
from lightship.inspect.findings import Finding, Rule, Severity

CHANGED = Rule(
    "LV513-changed-file",
    "every installed file is the one that was installed",
    Severity.ERROR,
    "Nobody has tested the distribution with it: it was patched, truncated, or written over by another's.",
    "install the distribution again; a patch belongs in a version of its own",
)
ABSENT = Rule(
    "LV514-absent-file",
    "every file of a distribution is there",
    Severity.WARNING,
    "A part is missing, such as the programs in `bin` where site-packages alone were copied.",
    "copy the whole environment, or trim it with a tool that keeps RECORD true",
)
TWICE = Rule(
    "LV515-installed-twice",
    "no distribution is installed twice in one folder",
    Severity.WARNING,
    "Files of two versions lie over each other, and which metadata is read is up to chance.",
    "remove the older one in the step that installs the newer, or install into an empty folder",
)
RULES = (CHANGED, ABSENT, TWICE)
_NAMED = 3
_SMALL = 1 << 20


def check(contents: Contents) -> Iterator[Finding]:
    folders = sorted(contents.distributions())
    yield from _installed_twice(folders)
    for folder in folders:
        missing, changed = _compare(contents, folder)
        name = posixpath.basename(folder).removesuffix(".dist-info")
        if missing:
            yield ABSENT.finding(name, f"{_files(missing)} that RECORD lists {_are(missing)} missing")
        if changed:
            yield CHANGED.finding(name, f"{_files(changed)} {_are(changed)} not what RECORD says")


def _compare(contents: Contents, folder: str) -> tuple[list[str], list[str]]:
    """Name the files that are not there, and those with another digest than the recorded one."""
    site = posixpath.dirname(folder)
    missing, changed = [], []
    for path, digest in _recorded(contents, folder):
        where = posixpath.normpath(f"{site}/{path}") if not path.startswith("/") else path.lstrip("/")
        item = contents.items.get(where)
        if item is None or item.kind is not Kind.FILE:
            item = contents.item(where)
        if item is None:
            # Bytecode has no digest there, and Python does without it.
            missing += [] if path.endswith(".pyc") else [path]
        elif digest and (found := _digest(contents, item)) and found != digest:
            changed.append(path)
    return missing, changed


def _recorded(contents: Contents, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and SHA-256 of each row; the digest is empty where there is none, or another algorithm's."""
    for row in _rows(contents.text(f"{folder}/RECORD")):
        if row and row[0]:
            algorithm, _, value = (row[1] if len(row) > 1 else "").partition("=")
            yield row[0], _decoded(value) if algorithm == "sha256" else b""


def _rows(text: str) -> Iterator[list[str]]:
    """Read rows up to one that is none, such as a field of 200 kB."""
    with suppress(csv.Error):
        yield from csv.reader(text.splitlines())


def _decoded(value: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return b"\0"


def _digest(contents: Contents, item: Item) -> bytes:
    if not item.digest and item.file is not None and item.size <= _SMALL:
        return contents.reader.digest(item.file)
    return item.digest


def _installed_twice(folders: Sequence[str]) -> Iterator[Finding]:
    from packaging.utils import canonicalize_name

    versions: dict[tuple[str, str], list[str]] = {}
    for folder in folders:
        name, _, version = posixpath.basename(folder).removesuffix(".dist-info").partition("-")
        versions.setdefault((posixpath.dirname(folder), canonicalize_name(name)), []).append(version)
    for (site, name), found in versions.items():
        if len(found) > 1:
            yield TWICE.finding(name, f"versions {' and '.join(found)} are in {site}")


def _files(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def _are(paths: Sequence[str]) -> str:
    return "is" if len(paths) == 1 else "are"
