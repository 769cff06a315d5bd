"""Where Debian packages come from: the configured mirror, else the host's apt sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lightship.debs.aptlist import AptSource, read_apt_sources
from lightship.errors import UsageError
from lightship.net.redact import redact

ARCHIVE_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SUFFIXES = {"main": "", "updates": "-updates", "security": "-security"}
_ROLLING = ("sid", "unstable")  # these have neither updates nor security
_SCHEMES = ("http", "https", "file")


@dataclass(frozen=True, slots=True)
class DebianSource:
    """One signed archive.

    `archive` is `main`, `updates` or `security`; `mirror` is a base URL without trailing slash, under which
    `dists/<suite>` and the `path` of every `LockedDeb` lie. Without `keyring`, Debian's own one counts.
    """

    archive: str
    mirror: str
    suite: str
    components: tuple[str, ...]
    keyring: Path | None = None

    @property
    def label(self) -> str:
        """The mirror as it may be shown: without credentials."""
        return redact(self.mirror)


def find_sources(
    suite: str, *, configured: str | None, apt_root: Path = Path("/etc/apt")
) -> tuple[DebianSource, ...]:
    """Find the archives of a suite, `main` first.

    Args:
        suite: a code name, such as `bookworm`.
        configured: base URL of a Debian mirror, and after a space, optionally, that of its security archive.
        apt_root: the host's apt configuration, read where nothing is configured. A host of another Debian
            release serves too: its mirrors carry every suite.

    Raises:
        UsageError: if neither names a Debian mirror.

    """
    if configured and configured.strip():
        return _from_configuration(suite, configured.split())
    host = [source for source in read_apt_sources(apt_root) if _is_usable(source)]
    found = _matching(suite, host) or _derived(suite, host)
    if not found:
        raise UsageError(
            f"no mirror for Debian {suite} is known",
            where=str(apt_root),
            hint="set `debian-mirror` in the configuration to the base URL of a Debian mirror",
        )
    return found


def _from_configuration(suite: str, urls: list[str]) -> tuple[DebianSource, ...]:
    for url in urls:
        if urlsplit(url).scheme not in _SCHEMES:
            raise UsageError(
                f"`debian-mirror` is not a URL that Lightship can read: {redact(url)!r}",
                hint=f"give a base URL ({', '.join(_SCHEMES)}), and optionally the security archive's",
            )
    mirrors = {"main": urls[0], "updates": urls[0]} | ({"security": urls[1]} if len(urls) > 1 else {})
    return tuple(
        DebianSource(archive, mirrors[archive].rstrip("/"), suite + suffix, ("main",))
        for archive, suffix in _SUFFIXES.items()
        if archive in mirrors and (archive == "main" or suite not in _ROLLING)
    )


def _is_usable(source: AptSource) -> bool:
    return urlsplit(source.uri).scheme in _SCHEMES and "main" in source.components


def _matching(suite: str, host: list[AptSource]) -> tuple[DebianSource, ...]:
    """Sources that name the suite; Debian's own first, as other publishers use the same suite names."""
    ranked = sorted(host, key=lambda source: not _is_debian(source))
    found = []
    for archive, suffix in _SUFFIXES.items():
        named = [source for source in ranked if source.suite == suite + suffix]
        found += [_source(archive, named[0], suite + suffix)] if named else []
    return tuple(found) if found and found[0].archive == "main" else ()


def _derived(suite: str, host: list[AptSource]) -> tuple[DebianSource, ...]:
    """The same mirrors' archives of another suite."""
    debian = [source for source in host if _is_debian(source)]
    bases = [source for source in debian if "-" not in source.suite]
    found = []
    for archive, suffix in _SUFFIXES.items():
        named = [source for source in debian if bases and source.suite == bases[0].suite + suffix]
        if named and (archive == "main" or suite not in _ROLLING):
            found.append(_source(archive, named[0], suite + suffix))
    return tuple(found)


def _is_debian(source: AptSource) -> bool:
    """Whether a source is Debian's own: by its keyring, else by the path every mirror uses."""
    if source.keyring is not None:
        return source.keyring.name.startswith("debian-archive")
    return any(part in ("debian", "debian-security") for part in urlsplit(source.uri).path.split("/"))


def _source(archive: str, apt: AptSource, suite: str) -> DebianSource:
    return DebianSource(archive, apt.uri, suite, apt.components, apt.keyring)
