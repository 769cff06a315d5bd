from __future__ import annotations

import pytest

from lightship.net.redact import redact, redact_text, strip_credentials, userinfo


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host:8443/simple/", "https://host:8443/simple/"),
        ("https://token@host/simple/", "https://host/simple/"),
        ("https://me:p%40ss@host/a?sig=secret#sha256=1", "https://host/a?…"),
        ("https://host/a", "https://host/a"),
        ("file:///opt/wheels/a+cpu.whl", "file:///opt/wheels/a+cpu.whl"),
        ("/opt/wheels", "/opt/wheels"),
    ],
)
def test_a_redacted_url_has_neither_user_nor_password_nor_query(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_stripping_keeps_query_and_path() -> None:
    assert strip_credentials("https://a:b@host/p/x.whl?v=1") == "https://host/p/x.whl?v=1"


def test_userinfo_is_percent_decoded() -> None:
    assert userinfo("https://me:p%40ss@host/") == ("me", "p@ss")
    assert userinfo("https://host/") is None


def test_text_of_other_programs_loses_credentials_and_tokens_but_not_its_shape() -> None:
    text = "error: https://a:secret@host/x?token=secret\n  cause: (http://h/?k=secret) why?"
    assert redact_text(text) == "error: https://host/x?…\n  cause: (http://h/?…) why?"
