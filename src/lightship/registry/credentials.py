"""Users and passwords for registries, from where Docker and Podman keep them.

The files are Docker's `config.json` (docs.docker.com, "docker login") and Podman's `auth.json`
(containers-auth.json(5)), which have one format.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import msgspec

from lightship.decoders import from_json
from lightship.errors import UsageError
from lightship.net.credentials import basic
from lightship.registry.address import DOCKER_HUB, Repository
from lightship.registry.helpers import ask_helper

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io")
_VARIABLE = "DOCKER_AUTH_CONFIG"


@dataclass(frozen=True, slots=True)
class Credential:
    """Who asks. `token` stands for user and password where a service has given one (OAuth 2, refresh token).

    `origin` says where it was found.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    origin: str = ""

    @property
    def basic(self) -> str:
        """The `Authorization` header of RFC 7617, empty where there is no password."""
        return basic(self.username, self.password) if self.password else ""


FindCredential: TypeAlias = Callable[[Repository], Credential | None]
"""Gives the credential for a repository, or None."""


class _Entry(msgspec.Struct, frozen=True):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None


class _File(msgspec.Struct, frozen=True, rename="camel"):
    auths: dict[str, _Entry] | None = None
    creds_store: str | None = None
    cred_helpers: dict[str, str] | None = None


def find_credentials(
    environ: Mapping[str, str], user: Path, explicit: Credential | None = None
) -> FindCredential:
    """Look where a person may have put them, in this order.

    What is `explicit`; `DOCKER_AUTH_CONFIG`, which holds the text of a file; `REGISTRY_AUTH_FILE`, or else
    Podman's file, and Docker's in `DOCKER_CONFIG` or in the home directory `user`. In each, what the file has
    itself comes before what its credential helpers know. Nothing is read before it is needed.
    """

    def find(repository: Repository) -> Credential | None:
        if explicit is not None:
            return explicit
        for origin, config in _files(environ, user):
            found = _find(config, repository, origin, environ.get("PATH", ""))
            if found is not None:
                return found
        return None

    return find


def _files(environ: Mapping[str, str], user: Path) -> Iterator[tuple[str, _File]]:
    if text := environ.get(_VARIABLE):
        yield _VARIABLE, _read(text.encode(), _VARIABLE)
    chosen = environ.get("REGISTRY_AUTH_FILE")
    if chosen and not Path(chosen).is_file():
        raise UsageError("REGISTRY_AUTH_FILE names no file", where=chosen, hint="log in, or unset it")
    runtime = environ.get("XDG_RUNTIME_DIR")
    docker = Path(environ.get("DOCKER_CONFIG") or user / ".docker")
    podman = [Path(runtime, "containers", "auth.json")] if runtime else []
    for path in [Path(chosen)] if chosen else [*podman, docker / "config.json"]:
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UsageError(
                f"cannot read the registries' credentials: {error.strerror}",
                where=str(path),
                hint="make the file readable",
            ) from error
        yield str(path), _read(data, str(path))


def _read(data: bytes, origin: str) -> _File:
    try:
        return from_json(data or b"{}", _File)
    except (msgspec.DecodeError, UnicodeDecodeError):  # whose message may show what is in the file
        raise UsageError(
            "this is no configuration of Docker's", where=origin, hint="mend it, or log in anew"
        ) from None


def _find(config: _File, repository: Repository, origin: str, path: str) -> Credential | None:
    entries = {_bare(key): entry for key, entry in (config.auths or {}).items()}
    for key in _keys(repository):
        if key in entries and (found := _credential(entries[key], origin)):
            return found
    server = _HUB_KEYS[0] if repository.host == DOCKER_HUB else repository.host
    helpers = config.cred_helpers or {}
    names = [helpers[key] for key in (server, repository.host) if key in helpers]
    names += [config.creds_store] if config.creds_store else []
    for name in names:
        if pair := ask_helper(name, server, path):
            return _of_pair(*pair, f"docker-credential-{name}")
    return None


def _keys(repository: Repository) -> Iterator[str]:
    """Yield keys of `auths`, the most specific first: a repository, a namespace, the registry."""
    parts = str(repository).split("/")
    yield from ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    if repository.host == DOCKER_HUB:
        yield from map(_bare, _HUB_KEYS)


def _bare(key: str) -> str:
    """Take off what old clients wrote around the host: `https://HOST/v1/`."""
    bare = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    return bare.removesuffix("/v1").removesuffix("/v2")


def _credential(entry: _Entry, origin: str) -> Credential | None:
    username, password = entry.username or "", entry.password or ""
    if entry.auth:
        try:
            username, _, password = base64.b64decode(entry.auth).decode().rstrip("\0").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise UsageError(
                "a value of `auth` is not base64 of USER:PASSWORD", where=origin, hint="log in anew"
            ) from None
    if entry.identitytoken:
        return Credential(username, token=entry.identitytoken, origin=origin)
    return Credential(username, password, origin=origin) if password else None


def _of_pair(username: str, secret: str, origin: str) -> Credential:
    """Read a helper's answer; `<token>` in place of a user marks a refresh token."""
    if username == "<token>":
        return Credential(token=secret, origin=origin)
    return Credential(username, secret, origin=origin)
