from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import UsageError
from lightship.reference import parse_reference
from lightship.registry.address import locate
from lightship.registry.credentials import Credential, find_credentials


def pair(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def look_up(user: Path, name: str = "registry.example.com/team/app", **environ: str) -> Credential | None:
    return find_credentials(environ, user)(locate(parse_reference(name)))


def secret(found: Credential | None) -> str:
    assert found is not None
    return f"{found.username}:{found.password}"


def helper(folder: Path, name: str, script: str) -> str:
    path = write(folder / f"docker-credential-{name}", f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(folder)


def test_nowhere_means_nobody(tmp_path: Path) -> None:
    assert look_up(tmp_path) is None


def test_docker_config_json_is_read(tmp_path: Path) -> None:
    file = write(
        tmp_path / ".docker/config.json", {"auths": {"registry.example.com": {"auth": pair("me:a:b")}}}
    )
    found = look_up(tmp_path)
    assert found == Credential("me", "a:b", origin=str(file))
    assert "a:b" not in repr(found)
    assert look_up(tmp_path, "elsewhere.example.com/app") is None


def test_the_order_is_explicit_variable_file_podman_docker(tmp_path: Path) -> None:
    def config(word: str) -> dict[str, Any]:
        return {"auths": {"registry.example.com": {"username": word, "password": "x"}}}

    write(tmp_path / ".docker/config.json", config("docker"))
    run = tmp_path / "run"
    write(run / "containers/auth.json", config("podman"))
    chosen = str(write(tmp_path / "auth.json", config("chosen")))
    environ = {
        "XDG_RUNTIME_DIR": str(run),
        "REGISTRY_AUTH_FILE": chosen,
        "DOCKER_AUTH_CONFIG": json.dumps(config("variable")),
    }
    explicit = Credential("explicit", "x")
    repository = locate(parse_reference("registry.example.com/app"))
    order = [secret(find_credentials(environ, tmp_path, explicit)(repository))]
    for name in ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", ""):
        order.append(secret(find_credentials(environ, tmp_path)(repository)))
        environ.pop(name, None)
    assert order == ["explicit:x", "variable:x", "chosen:x", "podman:x", "docker:x"]


def test_docker_config_names_another_folder(tmp_path: Path) -> None:
    write(tmp_path / "there/config.json", {"auths": {"registry.example.com": {"auth": pair("me:x")}}})
    assert secret(look_up(tmp_path, DOCKER_CONFIG=str(tmp_path / "there"))) == "me:x"


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"]
)
def test_docker_hub_has_many_names(tmp_path: Path, key: str) -> None:
    write(tmp_path / ".docker/config.json", {"auths": {key: {"auth": pair("me:x")}}})
    assert secret(look_up(tmp_path, "python:3.11-slim")) == "me:x"


def test_the_most_specific_entry_counts(tmp_path: Path) -> None:
    auths = {
        "registry.example.com": {"auth": pair("all:x")},
        "registry.example.com/team": {"auth": pair("team:x")},
        "https://other.example.com/v2/": {"auth": pair("old:x")},
    }
    write(tmp_path / ".docker/config.json", {"auths": auths})
    assert secret(look_up(tmp_path)) == "team:x"
    assert secret(look_up(tmp_path, "registry.example.com/else/app")) == "all:x"
    assert secret(look_up(tmp_path, "other.example.com/app")) == "old:x"


def test_a_refresh_token_stands_for_a_password(tmp_path: Path) -> None:
    entry = {"auth": pair("00000000:"), "identitytoken": "refresh"}
    write(tmp_path / ".docker/config.json", {"auths": {"registry.example.com": entry}})
    found = look_up(tmp_path)
    assert found is not None
    assert (found.token, found.basic) == ("refresh", "")


def test_a_helper_is_asked_for_its_registry_alone(tmp_path: Path) -> None:
    config = {
        "auths": {"registry.example.com": {}},
        "credHelpers": {"registry.example.com": "one"},
        "credsStore": "all",
    }
    write(tmp_path / ".docker/config.json", config)
    path = helper(
        tmp_path / "bin", "one", 'read host; echo "{\\"Username\\":\\"$host\\",\\"Secret\\":\\"x\\"}"'
    )
    helper(
        tmp_path / "bin", "all", 'read host; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"$host\\"}"'
    )
    path = f"{path}:/usr/bin:/bin"
    assert secret(look_up(tmp_path, PATH=path)) == "registry.example.com:x"
    found = look_up(tmp_path, "python", PATH=path)
    assert found is not None
    assert (found.token, found.origin) == ("https://index.docker.io/v1/", "docker-credential-all")


def test_a_helper_may_know_nothing(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", {"credsStore": "none"})
    path = helper(tmp_path / "bin", "none", 'echo "credentials not found in native keychain"; exit 1')
    assert look_up(tmp_path, PATH=path) is None


@pytest.mark.parametrize(
    ("script", "words"),
    [("echo secret; exit 3", "failed with exit status 3"), ("echo secret", "does not answer with JSON")],
)
def test_a_helper_that_fails_is_named_and_not_quoted(tmp_path: Path, script: str, words: str) -> None:
    write(tmp_path / ".docker/config.json", {"credsStore": "bad"})
    path = helper(tmp_path / "bin", "bad", script)
    with pytest.raises(UsageError, match=words) as raised:
        look_up(tmp_path, PATH=path)
    assert "docker-credential-bad" in raised.value.message
    assert "secret" not in repr(vars(raised.value))


def test_a_helper_that_is_not_installed_is_named(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", {"credsStore": "gone"})
    with pytest.raises(UsageError, match="docker-credential-gone is not installed"):
        look_up(tmp_path, PATH=str(tmp_path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{broken: secret", "no configuration of Docker's"),
        ({"auths": []}, "no configuration of Docker's"),
        ({"auths": {"registry.example.com": {"auth": "!secret"}}}, "not base64"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_not_quoted(tmp_path: Path, content: Any, words: str) -> None:
    file = write(tmp_path / ".docker/config.json", content)
    with pytest.raises(UsageError, match=words) as raised:
        look_up(tmp_path)
    assert raised.value.where == str(file)
    assert "secret" not in repr(vars(raised.value))


def test_a_chosen_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="REGISTRY_AUTH_FILE names no file"):
        look_up(tmp_path, REGISTRY_AUTH_FILE=str(tmp_path / "gone"))
