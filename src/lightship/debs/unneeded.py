"""Dependencies that only a maintainer script, or an operator at a shell, would use.

Lightship runs no maintainer script: what those scripts do is done by its own fix-ups, or named as a warning.
So what they call need not be in the image. Only an edge is cut, never a package: whatever else needs it, or a
user who asks for it, still gets it. No library and nothing that a program calls at run time may stand here.
"""

from __future__ import annotations

from dataclasses import dataclass

from lightship.debs.relations import Alternatives


@dataclass(frozen=True, slots=True)
class Unneeded:
    """`package` is not needed by `dependants` (by anyone, if empty), except by those in `unless`."""

    package: str
    reason: str
    dependants: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()


_DPKG_TOOLS = frozenset(
    {"apt", "apt-utils", "debhelper", "devscripts", "dpkg-cross", "dpkg-dev", "libdpkg-perl"}
)

UNNEEDED = (
    Unneeded("debconf", "asks the installing person questions"),
    Unneeded("debconf-2.0", "the virtual name of debconf"),
    Unneeded("ucf", "merges changed configuration files on upgrade; an image is never upgraded in place"),
    Unneeded("adduser", "makes system users from postinst"),
    Unneeded("init-system-helpers", "registers services with an init system that an image has not"),
    Unneeded("lsb-base", "functions for init scripts"),
    Unneeded("runit-helper", "registers services with runit"),
    Unneeded("update-inetd", "edits inetd.conf from postinst"),
    Unneeded("install-info", "indexes info pages, which are trimmed"),
    Unneeded("emacsen-common", "compiles Lisp for editors"),
    Unneeded("dpkg", "helpers for maintainer scripts, and file triggers", unless=_DPKG_TOOLS),
    Unneeded("awk", "is called by base-files' postinst", frozenset({"base-files"})),
    Unneeded(
        "openssl", "hashes the certificates; debs.trust makes the bundle", frozenset({"ca-certificates"})
    ),
)


def is_unneeded(package: str, group: Alternatives) -> bool:
    """Whether a package can do without one of its dependencies in an image."""
    return any(
        rule.package == relation.name
        and (not rule.dependants or package in rule.dependants)
        and package not in rule.unless
        for relation in group
        for rule in UNNEEDED
    )
