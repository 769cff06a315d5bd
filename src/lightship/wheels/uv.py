"""Running uv: which one, with what environment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lightship.errors import UsageError

_PASSED = {
    *("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"),
    *("XDG_DATA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC", "SSH_AUTH_SOCK"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"),  # keyring
    *("CC", "CXX", "CFLAGS", "LDFLAGS", "PKG_CONFIG_PATH"),  # building the metadata of a source distribution
}
_PREFIXES = ("UV_", "PYTHON_KEYRING_", "GIT_", "AWS_", "GOOGLE_", "AZURE_", "ARTIFACTS_")
# What would make the lock depend on the machine, or undo what Lightship tells uv.
_WITHHELD = {"UV_TORCH_BACKEND", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_WORKING_DIR", "UV_PROJECT"}


@dataclass(frozen=True, slots=True)
class Uv:
    """A uv binary and the environment it runs in; `folder` is where it reads `uv.toml` from."""

    binary: Path
    environment: Mapping[str, str]
    folder: Path

    def run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run uv to its end and keep what it says.

        Raises:
            UsageError: if uv cannot be started.

        """
        try:
            return subprocess.run(
                [self.binary, *arguments],
                env=dict(self.environment),
                cwd=self.folder,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except OSError as error:
            raise UsageError(
                f"uv cannot be started: {error.strerror}",
                where=str(self.binary),
                hint="install Lightship again: uv comes with it",
            ) from error


def find_uv() -> Path:
    """The uv that was installed with Lightship.

    Raises:
        UsageError: if it is missing.

    """
    from uv import find_uv_bin

    try:
        return Path(find_uv_bin())
    except FileNotFoundError as error:
        raise UsageError("uv is missing", hint="install Lightship again: uv comes with it") from error


def interpreter(python: str) -> list[str]:
    """Name this Python to uv, where it is of the version that is resolved for (`3.11`).

    Otherwise uv asks those on `PATH`, where a version manager's shim may take half a second to answer.
    """
    here = "{}.{}".format(*sys.version_info)
    return ["--python", sys.executable] if python == here else []


def uv_variables(environ: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """Environment for uv: what it needs of `environ`, the user's own `UV_*` settings, and `extra`.

    uv wants some interpreter even where it resolves for another Python, so this one's folder ends `PATH`.
    """
    passed = {
        name: value
        for name, value in environ.items()
        if (name in _PASSED or name.startswith(_PREFIXES)) and name not in _WITHHELD
    }
    path = [*filter(None, [environ.get("PATH", "")]), str(Path(sys.executable).parent)]
    return {**passed, **extra, "PATH": ":".join(path)}
