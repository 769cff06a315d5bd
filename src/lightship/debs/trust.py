"""The bundle of trusted certificates, as update-ca-certificates(8) makes it on a fresh system."""

from __future__ import annotations

from collections.abc import Mapping

BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_FOLDER = "usr/share/ca-certificates/"


def is_certificate(path: str) -> bool:
    return path.startswith(_FOLDER) and path.endswith(".crt")


def bundle(certificates: Mapping[str, bytes]) -> bytes:
    """Join certificates (PEM, by path) in the order of their paths, each ended by a line feed."""
    return b"".join(
        data if data.endswith(b"\n") else data + b"\n" for _, data in sorted(certificates.items())
    )
