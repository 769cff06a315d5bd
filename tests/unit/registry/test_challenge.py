from __future__ import annotations

from lightship.registry.challenge import Challenge, choose, parse_challenges


def test_a_bearer_challenge_is_read_with_its_parameters() -> None:
    header = (
        'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push"'
    )
    assert parse_challenges([header]) == [
        Challenge(
            "bearer",
            {
                "realm": "https://auth.example.com/token",
                "service": "registry",
                "scope": "repository:a/b:pull,push",
            },
        )
    ]


def test_several_challenges_in_one_header_are_told_apart() -> None:
    header = r'Basic realm="a \"quoted\" one", Bearer realm="https://x.test/", error=insufficient_scope'
    assert parse_challenges([header]) == [
        Challenge("basic", {"realm": 'a "quoted" one'}),
        Challenge("bearer", {"realm": "https://x.test/", "error": "insufficient_scope"}),
    ]


def test_tokens_are_preferred_to_passwords() -> None:
    found = parse_challenges(['Basic realm="x"', 'BEARER realm="https://x.test/"'])
    chosen = choose(found)
    assert chosen is not None
    assert chosen.scheme == "bearer"


def test_what_nobody_knows_is_passed_over() -> None:
    assert choose(parse_challenges(["Negotiate", 'Bearer service="no realm"', ""])) is None
    assert parse_challenges([]) == []
