from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lightship.attest.signing import CosignSigner, Document, SigstoreSigner, find_signer
from lightship.digest import of_bytes
from lightship.engines.programs import Answer
from lightship.errors import SigningError, UsageError

MANIFEST = b'{"schemaVersion":2}'
IMAGE = of_bytes(MANIFEST)
REPOSITORY = "registry.example.com/team/app"
KINDS = ("provenance", "cyclonedx", "spdx")
DOCUMENTS = [Document(kind, IMAGE, b'{"a":1}', MANIFEST) for kind in KINDS]


@dataclass
class Recording:
    """Programs that are there, or seem to be; `act` does what one of them would."""

    there: tuple[str, ...]
    code: int = 0
    act: Callable[[tuple[str, ...]], None] = lambda _: None
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def has(self, program: str) -> bool:
        return program in self.there

    def ask(self, *command: str) -> Answer:
        raise AssertionError(command)

    def show(self, *command: str, environ: Mapping[str, str]) -> Answer:
        assert not environ
        self.act(command)
        self.calls.append(command)
        return Answer(self.code, err="no key at https://me:secret@kms.example.com/k\n" if self.code else "")


def test_cosign_signs_the_digest_and_every_document() -> None:
    def predicate_is_there(command: tuple[str, ...]) -> None:
        if "--predicate" in command:
            assert json.loads(Path(command[command.index("--predicate") + 1]).read_bytes()) == {"a": 1}

    programs = Recording(("cosign", "sigstore"), act=predicate_is_there)
    signed = find_signer(programs, {}, "key.pem").sign(REPOSITORY, IMAGE, DOCUMENTS)
    assert (signed.by, signed.bundles) == ("cosign", ())
    place = f"{REPOSITORY}@{IMAGE}"
    sign, *attest = programs.calls
    assert sign == ("cosign", "sign", "--yes", "--recursive", "--key", "key.pem", place)
    assert [call[:5] for call in attest] == [
        ("cosign", "attest", "--yes", "--type", name) for name in ("slsaprovenance1", "cyclonedx", "spdxjson")
    ]
    assert {call[-3:] for call in attest} == {("--key", "key.pem", place)}


@pytest.mark.parametrize(
    ("environ", "options"),
    [
        ({}, ()),
        ({"COSIGN_KEY": "awskms:///alias/release"}, ("--key", "awskms:///alias/release")),
        ({"COSIGN_PRIVATE_KEY": "-----BEGIN"}, ("--key", "env://COSIGN_PRIVATE_KEY")),
    ],
)
def test_the_key_comes_from_the_environment_or_there_is_none(
    environ: Mapping[str, str], options: tuple[str, ...]
) -> None:
    programs = Recording(("cosign",))
    find_signer(programs, environ, "").sign(REPOSITORY, IMAGE, [])
    assert programs.calls == [("cosign", "sign", "--yes", "--recursive", *options, f"{REPOSITORY}@{IMAGE}")]
    assert "-----BEGIN" not in str(programs.calls)


def test_a_registry_without_tls_is_allowed_only_where_it_is_named() -> None:
    programs = Recording(("cosign",))
    find_signer(programs, {}, "", plain=["registry.example.com"]).sign(REPOSITORY, IMAGE, [])
    find_signer(programs, {}, "", plain=["other.example.com"]).sign(REPOSITORY, IMAGE, [])
    assert ["--allow-http-registry" in call for call in programs.calls] == [True, False]


def test_sigstore_signs_provenance_of_the_manifest() -> None:
    def write_bundle(command: tuple[str, ...]) -> None:
        assert of_bytes(Path(command[-1]).read_bytes()) == IMAGE
        Path(command[command.index("--bundle") + 1]).write_bytes(b"signed")

    programs = Recording(("sigstore",), act=write_bundle)
    signed = find_signer(programs, {}, "").sign(REPOSITORY, IMAGE, DOCUMENTS)
    assert (signed.by, signed.bundles) == ("sigstore", ((DOCUMENTS[0], b"signed"),))
    (call,) = programs.calls
    assert call[:2] == ("sigstore", "attest")
    assert call[call.index("--predicate-type") + 1] == "https://slsa.dev/provenance/v1"
    with pytest.raises(UsageError, match="there is none of this image"):
        SigstoreSigner(programs).sign(REPOSITORY, IMAGE, DOCUMENTS[1:])


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match="neither cosign nor sigstore") as missing:
        find_signer(Recording(()), {}, "")
    assert "install cosign" in missing.value.hint
    with pytest.raises(UsageError, match="with no key"):
        find_signer(Recording(("sigstore",)), {}, "key.pem")


def test_a_signer_that_fails_is_an_error_without_secrets() -> None:
    with pytest.raises(SigningError, match="cosign ended with status 1") as failed:
        CosignSigner(Recording(("cosign",), code=1)).sign(REPOSITORY, IMAGE, DOCUMENTS)
    assert failed.value.exit_code == 5
    assert "the image is pushed, and not signed" in failed.value.hint
    assert "secret" not in failed.value.detail
