"""What maintainer scripts would make: merged /usr, folders, and files that are always the same."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.debs.accounts import GROUPS, USERS
from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.platform import Platform

# usrmerge (Debian's TC, #978636), and base-files' postinst for the last two.
_ALIASES = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "var/run": "run",
    "var/lock": "run/lock",
}
_ONLY_ON = {"lib64": "amd64"}  # where the dynamic loader lies there
_STICKY = 0o1777

# libc-bin's default, installed by its postinst.
_NSSWITCH = """\
passwd:         files
group:          files
shadow:         files
gshadow:        files

hosts:          files dns
networks:       files

protocols:      db files
services:       db files
ethers:         db files
rpc:            db files

netgroup:       nis
"""

# netbase's postinst; engines mount their own over it.
_HOSTS = """\
127.0.0.1\tlocalhost
::1\t\tlocalhost ip6-localhost ip6-loopback
ff02::1\t\tip6-allnodes
ff02::2\t\tip6-allrouters
"""


def merged(path: str) -> str:
    """Where a path of a package lies in a tree with merged /usr."""
    for alias, target in _ALIASES.items():
        if path == alias or path.startswith(f"{alias}/"):
            return target + path.removeprefix(alias)
    return path


def is_alias(path: str) -> bool:
    """Whether a path is a link of the skeleton, whatever a package has there."""
    return path in _ALIASES


def skeleton(platform: Platform) -> Iterator[Entry]:
    """Yield folders and links that come before any package's files, parents first."""
    for path in ("etc", "run", "tmp", "usr", "var", "opt", "srv", "mnt", "media"):
        yield directory(path, _STICKY if path == "tmp" else 0o755)
    yield directory("run/lock", _STICKY)
    yield directory("var/tmp", _STICKY)
    for alias, target in _ALIASES.items():
        if _ONLY_ON.get(alias, platform.debian) == platform.debian:
            if target.startswith("usr/"):
                yield directory(target)
            yield symlink(alias, target if "/" not in alias else f"/{target}")


def defaults(has_zones: bool, has_certificates: bool) -> Iterator[Entry]:  # noqa: FBT001 - two facts of a tree
    """Yield files that the packages' scripts would have written, for paths that no package brought."""
    yield regular("etc/group", GROUPS.encode())
    yield regular("etc/hosts", _HOSTS.encode())
    yield regular("etc/nsswitch.conf", _NSSWITCH.encode())
    yield regular("etc/passwd", USERS.encode())
    if has_zones:
        yield symlink("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
        yield regular("etc/timezone", b"Etc/UTC\n")
    if has_certificates:
        # OpenSSL's default locations; their links are in the package openssl, which is not needed otherwise.
        yield symlink("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")
        yield symlink("usr/lib/ssl/certs", "/etc/ssl/certs")
