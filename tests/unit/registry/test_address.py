from __future__ import annotations

import pytest

from lightship.errors import UsageError
from lightship.reference import parse_reference
from lightship.registry.address import is_loopback, locate, target


@pytest.mark.parametrize(
    ("text", "shown", "api"),
    [
        ("python", "docker.io/library/python", "registry-1.docker.io"),
        ("team/app:1", "docker.io/team/app", "registry-1.docker.io"),
        ("docker.io/python", "docker.io/library/python", "registry-1.docker.io"),
        ("index.docker.io/team/app", "docker.io/team/app", "registry-1.docker.io"),
        ("registry.example.com/app", "registry.example.com/app", "registry.example.com"),
        ("localhost:5000/a/b", "localhost:5000/a/b", "localhost:5000"),
    ],
)
def test_short_names_are_docker_hubs(text: str, shown: str, api: str) -> None:
    repository = locate(parse_reference(text))
    assert (str(repository), repository.api) == (shown, api)


def test_a_digest_counts_more_than_a_tag() -> None:
    digest = f"sha256:{'a' * 64}"
    assert target(parse_reference(f"python:3.11@{digest}")) == digest
    assert target(parse_reference("python")) == "latest"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.8.9.1", "[::1]:80", "a.localhost"]
)
def test_registries_on_this_machine_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["registry.example.com", "10.0.0.1:5000", "localhost.example.com", "127.0.0.1.example.com"]
)
def test_all_others_are_elsewhere(host: str) -> None:
    assert not is_loopback(host)


def test_what_is_no_host_is_an_error() -> None:
    with pytest.raises(UsageError, match="is not a host"):
        is_loopback("[::1:80")
