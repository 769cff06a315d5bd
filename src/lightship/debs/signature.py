"""Signatures of archive indexes, checked by gpgv as apt does it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from lightship.errors import IntegrityError, UsageError

# RFC 4880 section 9.4: MD5, SHA-1 and RIPEMD-160 sign nothing any more (apt refuses them too).
_WEAK_HASHES = {"1", "2", "3"}


def verified_text(signed: bytes, *, keyring: Path, where: str) -> bytes:
    """Return what an inline-signed file (`InRelease`) says, and only the part that is signed.

    One good signature by a key of the keyring is enough (apt's rule: archives sign with several keys, and an
    older keyring lacks the newer ones); one bad signature spoils it.

    Raises:
        IntegrityError: if no key of the keyring vouches for the text.
        UsageError: if gpgv or the keyring is missing.

    """
    if not keyring.is_file():
        raise UsageError(
            f"the keyring {keyring} is missing",
            where=where,
            hint="install the package `debian-archive-keyring`, or name another keyring in the apt source",
        )
    with tempfile.TemporaryDirectory() as folder:
        inrelease, text = Path(folder, "InRelease"), Path(folder, "text")
        inrelease.write_bytes(signed)
        status, log = _gpgv(inrelease, text, keyring, where)
        if not _is_good(status) or not text.is_file():
            raise IntegrityError(
                "the signature of the package index is not valid",
                where=where,
                hint="the mirror, a proxy, or the keyring is out of date; do not use the index as it is",
                detail=log,
            )
        return text.read_bytes()


def _gpgv(inrelease: Path, text: Path, keyring: Path, where: str) -> tuple[list[list[str]], str]:
    """Run gpgv; its exit status says less than its status lines (doc/DETAILS of GnuPG), which come back."""
    command = ["gpgv", "--homedir", str(text.parent), "--keyring", str(keyring), "--status-fd", "1"]
    try:
        done = subprocess.run(
            [*command, "--output", os.fspath(text), os.fspath(inrelease)], capture_output=True, check=False
        )
    except FileNotFoundError as error:
        hint = "install it: `apt-get install gpgv` (or your system's gnupg package)"
        raise UsageError("gpgv is missing; it checks Debian's signatures", where=where, hint=hint) from error
    lines = [line.split()[1:] for line in done.stdout.decode(errors="replace").splitlines()]
    return [line for line in lines if line], done.stderr.decode(errors="replace")


def _is_good(status: list[list[str]]) -> bool:
    kinds = {line[0] for line in status}
    strong = any(line[0] == "VALIDSIG" and line[8:9] and line[8] not in _WEAK_HASHES for line in status)
    return "GOODSIG" in kinds and strong and "BADSIG" not in kinds
