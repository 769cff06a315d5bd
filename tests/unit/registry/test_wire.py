from __future__ import annotations

import ssl
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from urllib3 import HTTPHeaderDict

from lightship.errors import NetworkError
from lightship.oci.model import MEDIA_INDEX
from lightship.registry.address import Repository
from lightship.registry.blobs import open_blob
from lightship.registry.exchange import Request
from lightship.registry.manifests import get_manifest
from lightship.registry.wire import Call, Wire
from tests.support.registry import Registry, serving
from tests.support.registry_faults import Fault, Planned
from tests.support.web import Web, body
from tests.support.web import serving as serving_web
from tests.unit.registry.conftest import Clock, Connect

INDEX = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'


def elsewhere(name: str = "registry.example.com") -> Repository:
    return Repository(name, name, "app")


def located(url: str) -> HTTPHeaderDict:
    return HTTPHeaderDict({"Location": url})


def read(wire: Wire, registry: Registry) -> bytes:
    return get_manifest(wire, registry.repository("app"), "1").data


@pytest.fixture
def filled(registry: Registry) -> Registry:
    registry.add_manifest("app", "1", MEDIA_INDEX, INDEX)
    return registry


def test_registries_elsewhere_are_spoken_to_over_tls_only(connect: Connect) -> None:
    assert connect().origin(elsewhere()) == "https://registry.example.com"
    told = connect(plain=("registry.example.com",))
    assert told.origin(elsewhere()) == "http://registry.example.com"
    assert told.origin(elsewhere("other.example.com")) == "https://other.example.com"


def test_a_registry_on_this_machine_is_asked_once_how(filled: Registry, connect: Connect) -> None:
    wire = connect()
    assert [read(wire, filled), read(wire, filled)] == [INDEX, INDEX]
    assert [asked.path for asked in filled.asked] == ["/v2/"] + ["/v2/app/manifests/1"] * 2


def test_a_registry_on_this_machine_may_use_tls(connect: Connect, tmp_path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with serving(context) as registry:
        registry.add_manifest("app", "1", MEDIA_INDEX, INDEX)
        assert read(connect(cert=tmp_path / "cert.pem"), registry) == INDEX


@pytest.mark.parametrize(
    "fault", [Fault.DROP, Fault.ERROR, Fault.UNAVAILABLE, Fault.DROP_LATE, Fault.CUT_ANSWER]
)
def test_what_passes_is_asked_for_again(
    filled: Registry, connect: Connect, clock: Clock, fault: Fault
) -> None:
    filled.faults = Planned("GET", "manifests", [fault, fault])
    assert read(connect(), filled) == INDEX
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BUSY_UNTIL])
def test_retry_after_counts_as_seconds_and_as_a_date(
    filled: Registry, connect: Connect, clock: Clock, fault: Fault
) -> None:
    filled.faults = Planned("GET", "manifests", [fault])
    assert read(connect(), filled) == INDEX
    assert clock.slept == [2.0]


def test_patience_ends(filled: Registry, connect: Connect, clock: Clock) -> None:
    filled.faults = Planned("GET", "manifests", [Fault.BUSY] * 99)
    with pytest.raises(NetworkError, match="429 Too Many Requests") as raised:
        read(connect(attempts=3), filled)
    assert raised.value.detail == "TOOMANYREQUESTS: slow down"
    assert len(clock.slept) == 2


@pytest.mark.parametrize("status", [400, 405, 501])
def test_what_does_not_pass_is_asked_once(connect: Connect, status: int) -> None:
    with serving_web() as web:
        web.answers = [body(b"{}"), body(b"<html>", status)]
        with pytest.raises(NetworkError, match=str(status)):
            get_manifest(connect(), _repository(web), "1")
        assert len(web.asked) == 2


def test_an_endless_answer_is_cut(connect: Connect) -> None:
    with serving_web() as web:
        web.answers = [body(b"{}"), body(b" " * (4 << 20) + b" ")]
        with pytest.raises(NetworkError, match="longer than 4194304 bytes"):
            get_manifest(connect(), _repository(web), "1")


def test_ranges_are_read(registry: Registry, connect: Connect) -> None:
    from lightship.oci.model import Descriptor

    data = bytes(range(256))
    digest = registry.add_blob("app", data)
    blob = Descriptor("", digest, len(data))
    with open_blob(connect(), registry.repository("app"), blob, start=10, end=20) as chunks:
        assert b"".join(chunks) == data[10:20]


def test_a_password_is_not_sent_on_to_another_server(connect: Connect) -> None:
    with serving_web() as web:
        port = web.url.rpartition(":")[2]
        web.answers = [body(b"", 307, Location=f"http://localhost:{port}/there?signature=x"), body(b"there")]
        request = Request("GET", f"{web.url}/here", {"Authorization": "Basic secret", "Accept": "text/plain"})
        assert connect().sender.read(request).body == b"there"
        assert [asked.headers["Authorization"] for asked in web.asked] == ["Basic secret", None]
        assert web.asked[1].headers["Accept"] == "text/plain"


def test_a_redirect_on_the_same_server_keeps_the_password(connect: Connect) -> None:
    with serving_web() as web:
        web.answers = [body(b"", 302, Location="/there"), body(b"there")]
        connect().sender.read(Request("GET", f"{web.url}/here", {"Authorization": "Basic secret"}))
        assert [asked.headers["Authorization"] for asked in web.asked] == ["Basic secret"] * 2


def test_redirects_in_circles_end(connect: Connect) -> None:
    with serving_web() as web:
        web.answers = [body(b"", 302, Location="/here")]
        with pytest.raises(NetworkError, match="in circles"):
            connect().sender.read(Request("GET", f"{web.url}/here"))
        assert len(web.asked) == 5


def test_a_redirect_away_from_tls_is_refused(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = connect()
    headers = located("http://blobs.example.com/x")
    answer = SimpleNamespace(status=302, headers=headers, close=lambda: None)
    monkeypatch.setattr(wire.sender, "_send", lambda _: answer)
    with pytest.raises(NetworkError, match="sends us on without TLS"):
        wire.sender.read(Request("GET", "https://registry.example.com/v2/"))


def test_secrets_of_a_redirect_stay_out_of_errors(connect: Connect) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    with serving_web() as web:
        web.answers = [body(b"{}"), body(b"", 302, Location="/there?signature=secret"), hang_up]
        with pytest.raises(NetworkError) as raised:
            get_manifest(connect(attempts=1), _repository(web), "1")
    assert "secret" not in repr(vars(raised.value))


def test_an_upload_is_not_led_away_from_tls() -> None:
    from lightship.registry.exchange import Answer as Read
    from lightship.registry.upload import _location

    def location(given: str) -> str:
        answer = Read(202, located(given), b"", "https://registry.example.com/v2/a/")
        return _location(answer, "https://registry.example.com")

    assert location("/v2/a/1") == "https://registry.example.com/v2/a/1"
    assert location("http://registry.example.com/v2/a/1") == "https://registry.example.com/v2/a/1"
    assert location("https://uploads.example.com/1?x=y") == "https://uploads.example.com/1?x=y"
    for bad in ("http://uploads.example.com/1", "ftp://uploads.example.com/1"):
        with pytest.raises(NetworkError, match=r"without TLS|opened no upload"):
            location(bad)


def test_a_call_to_another_server_carries_no_password(registry: Registry, connect: Connect) -> None:
    from lightship.registry.credentials import Credential

    registry.auth, registry.users = "basic", {"me": "secret"}
    wire = connect(Credential("me", "secret"))
    with serving_web() as web:
        web.answers = [body(b"", 401, WWW_Authenticate='Basic realm="give it to me"')]
        call = Call(
            method="GET", repository=registry.repository("app"), path=f"{web.url}/upload", accepted=(401,)
        )
        wire.read(call)
        assert [asked.headers["Authorization"] for asked in web.asked] == [None]


def _repository(web: Web) -> Repository:
    host = web.url.removeprefix("http://")
    return Repository(host, host, "app")


def test_no_proxy_is_asked_for_this_machine(filled: Registry, connect: Connect) -> None:
    assert read(connect(proxies={"all": "http://127.0.0.1:1"}), filled) == INDEX
