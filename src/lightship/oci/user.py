"""Whom an image runs as: the `User` of its configuration, looked up in its own passwd(5) and group(5).

The rules are those of the OCI image spec (config.md, `User`) and of the engines: a number needs no entry, and
without a group the user's own group is taken, or 0 for a user that has no entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lightship.errors import UsageError

LARGEST_ID = (1 << 32) - 2


@dataclass(frozen=True, slots=True)
class Identity:
    """Numeric ids, and the home folder where the user has one."""

    uid: int
    gid: int
    home: str = ""


def resolve_user(user: str, *, passwd: str, group: str) -> Identity:
    """Turn `name`, `uid`, `name:group`, `uid:gid` into numbers; the empty text is root.

    Args:
        user: the `User` field.
        passwd: the text of the image's `/etc/passwd` (passwd(5)).
        group: the text of the image's `/etc/group` (group(5)).

    Raises:
        UsageError: a name that the image does not know, or a number out of range.

    """
    name, _, group_name = (user or "0").partition(":")
    entry = _entry(passwd, name)
    uid = _number(entry[2] if entry else name, f"user {name!r}", "/etc/passwd")
    gid = _number(entry[3], f"user {name!r}", "/etc/passwd") if entry else 0
    if group_name:
        found = _entry(group, group_name)
        gid = _number(found[2] if found else group_name, f"group {group_name!r}", "/etc/group")
    return Identity(uid, gid, entry[5] if entry else "")


def _entry(text: str, name: str) -> list[str] | None:
    """Return the line whose name is `name`, else the one whose number it is."""
    lines = list(_lines(text))
    named = (fields for fields in lines if fields[0] == name)
    numbered = (fields for fields in lines if fields[2] == name)
    return next(named, None) or next(numbered, None)


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and not line.startswith("#"):
            yield [*fields, "", ""]


def _number(text: str, what: str, file: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_ID):
        raise UsageError(
            f"the image does not know the {what}",
            where=file,
            hint="name one that is in the image, or use a number",
        )
    return int(text)
