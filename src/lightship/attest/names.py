"""Package URLs: one name for a package that every scanner knows (purl specification, PURL-TYPES)."""

from __future__ import annotations

from collections.abc import Mapping

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from lightship.attest.model import DEBIAN, PYTHON, System
from lightship.digest import Digest


def python_ref(name: str, version: str) -> str:
    return PackageURL(PYTHON, None, canonicalize_name(name), version).to_string()


def debian_ref(
    name: str, version: str, architecture: str, system: System | None, source: str, source_version: str
) -> str:
    """Name a Debian package; `upstream` is Syft's, for the source package, by which advisories name it."""
    qualifiers = {"arch": architecture, **_distribution(system)}
    if (source, source_version) != (name, version):
        qualifiers["upstream"] = source if source_version == version else f"{source}@{source_version}"
    return _url(DEBIAN, system.id if system else "debian", name, version, qualifiers)


def image_ref(name: str, digest: Digest, architecture: str) -> str:
    return _url("oci", None, name, digest, {"arch": architecture})


def _distribution(system: System | None) -> dict[str, str]:
    return {"distro": f"{system.id}-{system.version}"} if system and system.version else {}


def _url(kind: str, namespace: str | None, name: str, version: str, qualifiers: Mapping[str, str]) -> str:
    return PackageURL(kind, namespace, name, version, dict(qualifiers)).to_string()
