from __future__ import annotations

import string
import time

import pytest

from lightship.inspect import secrets
from lightship.inspect.secrets import LARGEST, Kind, entropy, in_file, in_text
from tests.unit.inspect.gallery.making import RANDOM

HEX = "0a1b2c3d4e5f6789"
TOKENS = [
    "AKIA" + "Q3ERTYLKWZMNBV4C",
    *(f"gh{kind}_{RANDOM[:38]}" for kind in "pousr"),
    "github_pat_" + RANDOM[:22] + "_" + RANDOM,
    "glpat-" + RANDOM[:20],
    "AIza" + RANDOM[:35],
    "sk-ant-" + RANDOM,
    "hf_" + RANDOM[:34],
    "pypi-AgE" + RANDOM * 2,
    "npm_" + RANDOM[:36],
    "dckr_pat_" + RANDOM[:27],
    "sk_live_" + RANDOM[:24],
    f"SG.{RANDOM[:22]}.{RANDOM[:37]}{RANDOM[:6]}",
    f"AccountKey={(RANDOM * 3)[:86]}==",
    "dop_v1_" + HEX * 4,
    "hvs." + RANDOM[:30],
    "dapi" + HEX * 2,
    "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2,
]


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:8])
def test_tokens_are_known_by_their_form(token: str) -> None:
    [seen] = in_file("app/a.py", f"\nKEY = {token!r}\n".encode())
    assert (seen.kind, seen.line) == (Kind.TOKEN, 2)
    assert token not in seen.what
    assert in_text(f"X={token}")[0].kind is Kind.TOKEN


@pytest.mark.parametrize(
    "text",
    [
        "hf_" + "x" * 34,
        "AKIAIOSFODNN7EXAMPLE",
        "token = ghp_short",
        "mask-AKIAQ3ERTYLKWZMNBV4CX",
        "postgresql://user:password@localhost/db",
        "https://${USER}:${PASSWORD}@example.com/simple",
        "git+ssh://git@example.com/team/app",
        "password = changeme-please-1",
        "-----BEGIN RSA PRIVATE " + "KEY-----\n...\n",
        f"sha256:{HEX * 4}",
    ],
)
def test_what_only_looks_like_a_secret_is_none(text: str) -> None:
    assert in_file("app/settings.cfg", text.encode()) == ()
    assert in_text(text) == ()


def test_binary_files_hold_nothing() -> None:
    assert in_file("app/a.bin", b"\0" + TOKENS[0].encode()) == ()


def test_random_values_count_in_files_of_settings_alone() -> None:
    data = f"api_key: {RANDOM}\n".encode()
    assert [seen.kind for seen in in_file("srv/app.yaml", data)] == [Kind.CHANCE]
    for path in ("srv/app.py", "etc/app.yaml", "usr/lib/python3.11/site-packages/x/app.yaml"):
        assert in_file(path, data) == ()


def test_entropy_is_in_bits_of_a_character() -> None:
    assert entropy(b"aaaa") == 0
    assert entropy(b"abcd") == 2
    assert entropy(string.printable[:64].encode()) == 6


@pytest.mark.parametrize(
    "piece",
    ["a", "a:", "://", "a://", "a://b:", "password", ",password", "sk-", "a: ", " ", "-----BEGIN A ", "Ab1"],
)
def test_hostile_files_take_no_longer_than_others(piece: str) -> None:
    start = "x://y -----BEGIN RSA PRIVATE " + "KEY-----\nA: b\n"
    data = (start + piece * (LARGEST // len(piece))).encode()[:LARGEST]
    began = time.process_time()
    for path in ("srv/a.ini", "srv/.pgpass", "srv/.npmrc"):
        in_file(path, data)
    assert time.process_time() - began < 2


def test_folders_are_the_systems_by_their_whole_names() -> None:
    data = f"api_key: {RANDOM}\n".encode()
    assert in_file("library/app.yaml", data) != ()
    assert in_file("lib/app.yaml", data) == ()


def test_an_encrypted_key_is_a_key() -> None:
    key = f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,00\n\n{RANDOM * 4}\n"
    [seen] = in_file("root/key.pem", key.encode())
    assert (seen.kind, seen.what, seen.line) == (Kind.KEY, "a private key (RSA)", 1)


@pytest.mark.parametrize("form", secrets._FORMS, ids=lambda form: form.mark.decode())
def test_marks_lead_to_what_the_pattern_finds(form: secrets._Form) -> None:
    mark = form.mark.decode()
    known = (token for token in TOKENS if form.pattern.fullmatch(token.encode()))
    token = next(known, f"{mark}{'2A' * 40}")
    text = f"{mark}{token} {token}{token} x{token} {mark}{mark} '{token}'\n{token}".encode()
    places = dict(secrets._marked(text))[form]
    found = [match.span() for match in form.matches(text, places)]
    assert found == [match.span() for match in form.pattern.finditer(text)]
