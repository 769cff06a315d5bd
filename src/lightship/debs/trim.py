"""What packages ship that no service reads: trimmed, as `path-exclude` of dpkg does in slim images."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trim:
    """A folder that is left out, but for the paths in it that match `keep`."""

    folder: str
    reason: str
    keep: str = ""


RULES = (
    Trim("usr/share/doc", "documentation; licences stay", r"usr/share/doc(/[^/]+(/copyright)?)?"),
    Trim("usr/share/man", "manual pages"),
    Trim("usr/share/info", "manuals"),
    Trim("usr/share/locale", "translated messages; locales are not generated"),
    Trim("usr/share/lintian", "exceptions for Debian's package checker"),
    Trim("usr/share/linda", "exceptions for an older package checker"),
    Trim("usr/share/bash-completion", "completion for interactive shells"),
    Trim("usr/share/zsh", "completion for interactive shells"),
    Trim("usr/share/fish", "completion for interactive shells"),
    Trim("usr/share/bug", "scripts for reporting bugs to Debian"),
    Trim("usr/share/apport", "scripts for reporting bugs to Ubuntu"),
    Trim("usr/share/doc-base", "registration of documentation"),
    Trim("usr/share/gdb", "helpers for a debugger that is not there"),
    Trim("usr/share/gtk-doc", "documentation"),
    Trim("usr/share/help", "documentation"),
    Trim("usr/share/menu", "entries of desktop menus"),
    Trim("usr/share/applications", "entries of desktop menus"),
    Trim("usr/share/pixmaps", "icons of desktop menus"),
    Trim("usr/share/binfmts", "registration of interpreters in a running system"),
    Trim("usr/share/debhelper", "helpers for building packages"),
    Trim("var/cache/ldconfig", "scratch space of ldconfig"),
)


def is_trimmed(path: str) -> bool:
    """Whether an entry, by its path in the merged tree, is left out."""
    for rule in RULES:
        if path == rule.folder or path.startswith(f"{rule.folder}/"):
            return not (rule.keep and re.fullmatch(rule.keep, path))
    return False
