"""Maintainer scripts: Lightship runs none, so those that matter are named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.debs.unpack import control_files

_SCRIPTS = ("preinst", "postinst")  # the others run when a package is removed
_GENERATED = re.compile(
    r"# Automatically added by (\S+?)(?:/\S*)?\n(.*?)# End automatically added section", re.DOTALL
)

# debhelper's snippets that change nothing in an image: cleaning up after older versions, starting services,
# compiling Python (which Lightship does itself), refreshing ld.so.cache (which it writes).
_HARMLESS_SNIPPETS = frozenset(
    {
        "dh_installdeb",
        "dh_installinit",
        "dh_installmenu",
        "dh_installsystemd",
        "dh_installsystemduser",
        "dh_makeshlibs",
        "dh_pypy",
        "dh_python2",
        "dh_python3",
        "dh_systemd_enable",
        "dh_systemd_start",
    }
)

# Lines that do nothing when a package is installed for the first time.
_IDLE = re.compile(
    r"""\s*(
        \#.*                                # comments
      | set\s+-[eux]+ | exit\s+[01] | : | ;; | esac | fi | true
      | (export\s+)?L(C_ALL|ANG)=\S*
      | case\s+"?\$\{?1\}?"?\s+in
      | \(?[a-z|*\s-]+\)\s*(;;)?            # the patterns of that case
      | echo\s.*unknown.*
    )?\s*;?\s*""",
    re.VERBOSE,
)

# Reviewed, package by package, in bookworm and trixie: what the script does, and why an image can do without.
_HARMLESS: Mapping[str, str] = {
    r"base-files": "folders, links and defaults: debs.skeleton makes those that a service needs",
    r"base-passwd": "users and groups: debs.skeleton writes them",
    r"bash": "a link to a manual, and /bin/sh where nothing else is it: dash always is",
    r"ca-certificates": "the bundle of certificates: debs.trust makes it",
    r"coreutils": "a link from one folder of programs to the other: merged, they are one",
    r"dash": "a diversion of /bin/sh, a link that it ships itself",
    r"debianutils": "the name `which`: debs.alternatives makes it among tools, and shells have `command -v`",
    r"fontconfig": "a cache of fonts, which programs make when they first need it",
    r"fontconfig-config": "choices for screens; fontconfig has its own defaults",
    r"git": "moves folders of a version from 2013",
    r"less": "the name `pager`: debs.alternatives makes it among tools",
    r"libc-bin": "nsswitch.conf and ld.so.cache: debs.skeleton and debs.ldcache write them",
    r"libc6": "restarts services on an upgrade",
    r"libgcrypt20": "removes stale files on an upgrade",
    r"libglib2\.0-0(t64)?": "caches of schemas and modules, which only speed up looking them up",
    r"libgssapi-krb5-2": "moves a file on an upgrade",
    r"libpython3\.\d+-minimal": "prints a remark",
    r"libreadline8(t64)?": "a diversion that protects files while /usr is merged on a running system",
    r"libselinux1": "removes stale files on an upgrade; a folder in /run for a daemon of SELinux",
    r"libsensors5": "forgets the configuration of a version from 2009",
    r"netbase": "hosts: debs.skeleton writes it",
    r"procps": "the name `w`: debs.alternatives makes it among tools; settings of the kernel are the host's",
    r"python3\.\d+(-minimal)?": "compiles the standard library: Lightship does that itself",
    r"readline-common": "key bindings for interactive programs",
    r"tzdata": "the local time zone: debs.skeleton sets UTC",
}

_REASONS = (
    (r"update-alternatives", "chooses among alternatives with links that the package does not ship"),
    (r"dpkg-divert|dpkg-statoverride", "moves files of other packages, or changes their owners and modes"),
    (r"\b(adduser|useradd|addgroup|groupadd|systemd-sysusers)\b", "creates users or groups"),
    (r"\bsetcap\b", "gives a program capabilities"),
    (r"update-mime-database|gdk-pixbuf-query-loaders|glib-compile-schemas|fc-cache|update-xmlcatalog",
     "builds a cache that its programs read"),
    (r"\b(mkdir|install)\b", "makes files or folders"),
    (r"\bln\b", "makes links"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScriptFinding:
    """A package that expects its maintainer script to have run, and what the script does."""

    package: str
    reason: str


def script_warnings(debs: Sequence[tuple[LockedDeb, Path]]) -> tuple[ScriptFinding, ...]:
    """Name the packages whose maintainer scripts matter, in name order.

    Raises:
        IntegrityError: if a package is damaged.

    """
    found = []
    for deb, path in sorted(debs):
        reason = matters(deb.name, control_files(path, package=deb.name))
        if reason is not None:
            found.append(ScriptFinding(deb.name, reason))
    return tuple(found)


def matters(package: str, control: Mapping[str, bytes]) -> str | None:
    """Say what a package's scripts do that an image would miss; None if nothing.

    Args:
        package: its name.
        control: its control files, as `control_files` reads them.

    """
    if any(re.fullmatch(name, package) for name in _HARMLESS):
        return None
    for name in _SCRIPTS:
        rest = _remainder(control.get(name, b"").decode(errors="replace"))
        if rest:
            found = next((reason for pattern, reason in _REASONS if re.search(pattern, rest)), None)
            return f"its {name} {found or 'does something that Lightship does not know'}"
    return None


def _remainder(script: str) -> str:
    """The lines of a script that may do something."""
    own = _GENERATED.sub(lambda match: "" if match[1] in _HARMLESS_SNIPPETS else match[2], script)
    return "\n".join(line for line in own.splitlines() if not _IDLE.fullmatch(line))
