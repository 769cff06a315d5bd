"""Signatures by programs that are made for it: cosign, or sigstore's own for Python.

Lightship holds no key and speaks with no authority: it says what is to be signed, always by digest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from lightship.attest.artifacts import PROVENANCE
from lightship.attest.documents import CYCLONEDX, SPDX
from lightship.attest.statement import SLSA
from lightship.digest import Digest, hex_of
from lightship.engines.programs import Programs
from lightship.errors import SigningError, UsageError
from lightship.net.redact import redact_text

COSIGN, SIGSTORE = "cosign", "sigstore"
_TYPES = {PROVENANCE: "slsaprovenance1", CYCLONEDX: "cyclonedx", SPDX: "spdxjson"}
"""Names of predicates in `cosign attest --type` (sigstore/cosign, doc/cosign_attest.md)."""


class Document(Struct, frozen=True):
    """A predicate of one kind about an image, as JSON text; `manifest` is the image's own, to the byte."""

    kind: str
    image: Digest
    predicate: bytes
    manifest: bytes


class Signed(Struct, frozen=True):
    """What was signed; `bundles` are signatures that whoever asked must push, each with its document."""

    by: str
    bundles: tuple[tuple[Document, bytes], ...] = ()


class Signer(Protocol):
    """What signs an image that was pushed, and what is said of it."""

    def sign(self, repository: str, image: Digest, documents: Sequence[Document]) -> Signed:
        """Sign an image or an index of a repository, and statements of every document.

        Raises:
            UsageError: this program cannot sign that.
            SigningError: it failed.

        """


def find_signer(
    programs: Programs, environ: Mapping[str, str], key: str, *, plain: Collection[str] = ()
) -> Signer:
    """Find a program that signs; with cosign by a key, where one is named or in the environment.

    `key` is a file or the address of a key management service. Without it `COSIGN_KEY` is such, or
    `COSIGN_PRIVATE_KEY` holds the key itself, as cosign's documentation has it in CI. With neither the
    program asks the CI for an identity. `plain` names registries without TLS.

    Raises:
        UsageError: if there is no such program, or none that signs with keys.

    """
    key = key or environ.get("COSIGN_KEY", "")
    if not key and environ.get("COSIGN_PRIVATE_KEY"):
        key = "env://COSIGN_PRIVATE_KEY"
    if programs.has(COSIGN):
        return CosignSigner(programs, key, frozenset(plain))
    if not programs.has(SIGSTORE):
        raise UsageError(
            "nothing here can sign: there is neither cosign nor sigstore",
            hint="install cosign (https://docs.sigstore.dev), or `pip install sigstore` for CI's identities",
        )
    if key:
        raise UsageError(
            "sigstore signs with the identity of a CI, and with no key", hint="install cosign to use the key"
        )
    return SigstoreSigner(programs)


class CosignSigner(Struct, frozen=True):
    """`cosign sign` for the image, `cosign attest` for every document; cosign pushes what it has signed."""

    programs: Programs
    key: str = ""
    plain: frozenset[str] = frozenset()

    def sign(self, repository: str, image: Digest, documents: Sequence[Document]) -> Signed:
        options = ("--key", self.key) if self.key else ()
        if repository.partition("/")[0] in self.plain:
            options = (*options, "--allow-http-registry")
        # An index is signed with all its images (`--recursive`): each is pulled by its own digest.
        _run(self.programs, COSIGN, "sign", "--yes", "--recursive", *options, f"{repository}@{image}")
        with tempfile.TemporaryDirectory(prefix="lightship-") as folder:
            file = Path(folder, "predicate.json")
            for document in documents:
                file.write_bytes(document.predicate)
                said = ("--type", _TYPES[document.kind], "--predicate", str(file))
                place = f"{repository}@{document.image}"
                _run(self.programs, COSIGN, "attest", "--yes", *said, *options, place)
        return Signed(COSIGN)


class SigstoreSigner(Struct, frozen=True):
    """`sigstore attest`: signs the provenance of a file, and a manifest is a file of the image's digest."""

    programs: Programs

    def sign(self, repository: str, image: Digest, documents: Sequence[Document]) -> Signed:
        known = [document for document in documents if document.kind == PROVENANCE]
        if not known:
            raise UsageError(
                "sigstore signs provenance, and there is none of this image",
                where=f"{repository}@{image}",
                hint="add --attest provenance where the image was built, or install cosign",
            )
        with tempfile.TemporaryDirectory(prefix="lightship-") as folder:
            return Signed(SIGSTORE, tuple((each, self._bundle(each, Path(folder))) for each in known))

    def _bundle(self, document: Document, folder: Path) -> bytes:
        manifest = folder / f"{hex_of(document.image)}.json"
        predicate, bundle = folder / "predicate.json", manifest.with_suffix(".sigstore")
        manifest.write_bytes(document.manifest)
        predicate.write_bytes(document.predicate)
        said = ("--predicate", str(predicate), "--predicate-type", SLSA, "--bundle", str(bundle))
        _run(self.programs, SIGSTORE, "attest", *said, str(manifest))
        return bundle.read_bytes()


def _run(programs: Programs, *command: str) -> None:
    answer = programs.show(*command, environ={})
    if answer.code:
        raise SigningError(
            f"{command[0]} ended with status {answer.code}",
            where=" ".join(command),
            hint="the image is pushed, and not signed: see what the program says, and run this again",
            detail=redact_text(answer.err.strip()),
        )
