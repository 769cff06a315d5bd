from __future__ import annotations

import pytest

from lightship.errors import LightshipError, NetworkError
from lightship.events import SilentReporter
from lightship.oci.layout import LayoutImage
from lightship.registry.credentials import Credential
from lightship.registry.manifests import get_manifest
from lightship.registry.push import push_image
from lightship.registry.wire import Wire
from tests.support.places import Places
from tests.support.registry import Registry
from tests.support.registry_faults import Fault, Planned
from tests.unit.registry.conftest import Clock, Connect

ME = Credential("me", "hunter2", origin="the test")
OTHER = Credential("other", "hunter3", origin="the test")
WRONG = Credential("me", "wrong-password", origin="the test")


@pytest.fixture(params=["basic", "token"])
def guarded(request: pytest.FixtureRequest, registry: Registry) -> Registry:
    registry.auth = request.param
    registry.users = {"me": "hunter2", "other": "hunter3"}
    registry.writers = {"me"}
    return registry


def push(wire: Wire, registry: Registry, image: LayoutImage, places: Places | None = None) -> None:
    push_image(
        wire,
        image.layout,
        image.descriptor,
        registry.repository("team/app"),
        "1",
        places=places or Places(),
        reporter=SilentReporter(),
    )
    assert registry.content("team/app").tags == {"1": image.descriptor.digest}


def fails(wire: Wire, registry: Registry, image: LayoutImage) -> NetworkError:
    with pytest.raises(NetworkError) as raised:
        push(wire, registry, image)
    for secret in ("hunter2", "hunter3", "wrong-password", "token-"):
        assert secret not in repr(vars(raised.value))
    return raised.value


def test_the_right_password_opens(guarded: Registry, connect: Connect, image: LayoutImage) -> None:
    push(connect(ME), guarded, image)


def test_a_wrong_password_names_itself(guarded: Registry, connect: Connect, image: LayoutImage) -> None:
    error = fails(connect(WRONG), guarded, image)
    assert error.message == "the registry does not accept the password of user 'me'"
    assert error.where == guarded.host
    assert error.hint == f"log in anew (`docker login {guarded.host}`); the password is from the test"
    assert error.exit_code == 4


def test_nobody_is_told_to_log_in(guarded: Registry, connect: Connect, image: LayoutImage) -> None:
    error = fails(connect(), guarded, image)
    assert "lets nobody push to this repository without a password" in error.message
    assert f"docker login {guarded.host}" in error.hint


def test_no_right_to_push_names_itself(guarded: Registry, connect: Connect, image: LayoutImage) -> None:
    error = fails(connect(OTHER), guarded, image)
    assert error.message == "user 'other' may not push to this repository"
    assert error.where == f"{guarded.host}/team/app"


def test_what_is_public_needs_no_password(guarded: Registry, connect: Connect, image: LayoutImage) -> None:
    push(connect(ME), guarded, image)
    guarded.public = True
    document = get_manifest(connect(), guarded.repository("team/app"), "1")
    assert document.descriptor.digest == image.descriptor.digest


def test_one_token_serves_a_whole_push(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    push(connect(ME), registry, image)
    (asked,) = registry.calls("GET", "/token")
    assert asked.path == "/token?service=tests&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"
    refused = [one for one in registry.calls(words="/team/app/") if "Authorization" not in one.headers]
    assert len(refused) == 1


def test_a_mount_asks_for_both_repositories(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    layer = image.manifest.layers[0]
    registry.add_blob("team/base", image.layout.read(layer))
    push(connect(ME), registry, image, Places({layer.digest: ["team/base"]}))
    assert any("team%2Fbase%3Apull" in asked.path for asked in registry.calls("GET", "/token"))
    assert [asked.size for asked in registry.calls("POST", "mount=")] == [0]


def test_where_the_other_repository_may_not_be_read_the_blob_is_sent(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    layer = image.manifest.layers[0]
    registry.hidden = {"team/secret"}
    push(connect(ME), registry, image, Places({layer.digest: ["team/secret"]}))
    assert any("team%2Fsecret" in asked.path for asked in registry.calls("GET", "/token"))


def test_a_token_that_the_registry_forgot_is_renewed(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    registry.faults = Planned("PUT", "manifests", [Fault.TOKENS])
    push(connect(ME), registry, image)
    assert len(registry.calls("GET", "/token")) == 2


def test_a_token_that_has_expired_is_not_sent_again(
    registry: Registry, connect: Connect, clock: Clock, image: LayoutImage
) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    wire = connect(ME)
    push(wire, registry, image)
    clock.seconds += 296
    registry.asked.clear()
    get_manifest(wire, registry.repository("team/app"), "1")
    push(wire, registry, image)
    assert len(registry.calls("GET", "/token")) == 2  # one for each right
    sent = {asked.headers["Authorization"] for asked in registry.calls(words="/team/app/")}
    assert len(sent) == 2


def test_a_refresh_token_is_exchanged(registry: Registry, connect: Connect, image: LayoutImage) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    push(connect(Credential(token="refresh-me", origin="the test")), registry, image)
    (asked,) = registry.calls("POST", "/token")
    assert "Authorization" not in asked.headers
    error = fails(connect(Credential(token="refresh-gone", origin="the test")), registry, image)
    assert "the password of the token's user" in error.message


def test_a_passing_problem_of_the_token_service_passes(
    registry: Registry, connect: Connect, image: LayoutImage
) -> None:
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    registry.faults = Planned("GET", "/token", [Fault.ERROR, Fault.DROP, Fault.CUT_ANSWER])
    push(connect(ME), registry, image)


@pytest.mark.parametrize("realm", ["http://tokens.example.com/token", "//tokens.example.com", ""])
def test_a_password_never_goes_to_a_token_service_without_tls(
    connect: Connect, registry: Registry, realm: str
) -> None:
    from lightship.registry.auth import Authorizer, pulling
    from lightship.registry.challenge import Challenge

    wire = connect(ME)
    authorizer: Authorizer = wire._authorizer
    repository = registry.repository("app")
    challenge = Challenge("bearer", {"realm": realm})
    with pytest.raises(NetworkError, match="a token from a service without TLS"):
        authorizer.answer(challenge, repository, pulling(repository), used="", secure=True)


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b'{"token": "with\\nnewline"}'])
def test_a_token_service_that_sends_none_is_named(
    registry: Registry, connect: Connect, image: LayoutImage, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    registry.auth = "token"
    monkeypatch.setattr(
        "tests.support.registry._Handler._token", lambda handler: handler._answer(200, answer)
    )
    with pytest.raises(LightshipError, match="token service sent no token"):
        push(connect(ME), registry, image)
