"""Certificates for single registries, where Docker and Podman look for them (containers-certs.d(5)).

A folder is called as a registry is, `HOST` or `HOST:PORT`. `*.crt` in it are authorities, which count beside
all others; `NAME.cert` with `NAME.key` say who we are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from lightship.errors import UsageError
from lightship.net.settings import HostCertificates

FindCertificates = Callable[[str], HostCertificates]
"""Finds what counts for a host, or host and port."""
_SYSTEM = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


def certificate_folders(user: Path) -> tuple[Path, ...]:
    """Name the folders that are looked into, the strongest first; `user` is the home directory."""
    return (user / ".config" / "containers" / "certs.d", *_SYSTEM)


def no_certificates(_host: str) -> HostCertificates:
    return HostCertificates()


def find_certificates(folders: Iterable[Path], host: str) -> HostCertificates:
    """Find what there is for a host in the first folder that has anything.

    What cannot be read counts as not there: Docker's own folder is closed on some machines.

    Raises:
        UsageError: a certificate of ours has no key beside it.

    """
    for folder in folders:
        try:
            files = sorted((folder / host).iterdir())
        except OSError:
            continue
        authorities = tuple(path for path in files if path.suffix == ".crt")
        own = tuple((path, _key(path)) for path in files if path.suffix == ".cert")
        if authorities or own:
            return HostCertificates(authorities, own)
    return HostCertificates()


def _key(certificate: Path) -> Path:
    key = certificate.with_suffix(".key")
    if not key.is_file():
        raise UsageError(
            "the certificate has no key beside it", where=str(certificate), hint=f"put {key} there"
        )
    return key
