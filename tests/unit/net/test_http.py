from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import NetworkError, UsageError
from lightship.net.http import HttpTransport
from lightship.net.settings import HttpSettings
from tests.support.web import Answer, Web, body, broken, ranged

DATA = bytes(range(256)) * 40


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def transport(clock: Clock | None = None, **settings: Any) -> HttpTransport:
    chosen = HttpSettings(**settings)
    return HttpTransport(chosen, sleep=(clock or Clock()).sleep, jitter=lambda: 1.0, now=lambda: 1000.0)


def read(http: HttpTransport, url: str, *, start: int = 0, end: int | None = None) -> bytes:
    with http, http.stream(url, start=start, end=end) as chunks:
        return b"".join(chunks)


def test_importing_the_transport_does_not_import_the_client() -> None:
    code = "import sys, lightship.net.http; assert 'http.client' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_body_arrives_whole_and_unencoded(web: Web) -> None:
    web.answers = [body(DATA)]
    assert read(transport(), f"{web.url}/a") == DATA
    assert web.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(("start", "end"), [(0, None), (10, None), (0, 7), (300, 9000), (9000, 99999)])
@pytest.mark.parametrize("answer", [ranged, body])
def test_a_range_is_the_same_whether_the_server_honours_it_or_not(
    web: Web, start: int, end: int | None, answer: Callable[[bytes], Answer]
) -> None:
    web.answers = [answer(DATA)]
    assert read(transport(), f"{web.url}/a", start=start, end=end) == DATA[start:end]


def test_another_range_than_asked_for_is_refused(web: Web) -> None:
    web.answers = [body(DATA[:5], 206, Content_Range="bytes 0-4/10240")]
    with pytest.raises(NetworkError, match="asked for bytes from 10, the server sent 'bytes 0-4/10240'"):
        read(transport(), f"{web.url}/a", start=10)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_answers_are_asked_for_again_with_growing_patience(web: Web, status: int) -> None:
    clock = Clock()
    web.answers = [body(b"", status), body(b"", status), body(DATA)]
    assert read(transport(clock), f"{web.url}/a") == DATA
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_final_answers_are_not_asked_for_again(web: Web, status: int) -> None:
    web.answers = [body(b"", status)]
    with pytest.raises(NetworkError, match=str(status)) as raised:
        read(transport(), f"{web.url}/a")
    assert len(web.asked) == 1
    assert raised.value.hint


def test_patience_ends(web: Web) -> None:
    clock = Clock()
    web.answers = [body(b"", 503)]
    with pytest.raises(NetworkError, match="503 Service Unavailable"):
        read(transport(clock, attempts=3), f"{web.url}/a")
    assert (len(web.asked), len(clock.slept)) == (3, 2)


@pytest.mark.parametrize("asked", ["7", formatdate(1007, usegmt=True)])
def test_retry_after_is_obeyed_as_seconds_and_as_a_date(web: Web, asked: str) -> None:
    clock = Clock()
    web.answers = [body(b"", 429, Retry_After=asked), body(DATA)]
    assert read(transport(clock), f"{web.url}/a") == DATA
    assert clock.slept == [7.0]


def test_a_server_that_asks_for_minutes_is_not_waited_for(web: Web) -> None:
    clock = Clock()
    web.answers = [body(b"", 429, Retry_After="600")]
    with pytest.raises(NetworkError, match="429"):
        read(transport(clock), f"{web.url}/a")
    assert clock.slept == []


def test_a_nonsense_retry_after_counts_as_none(web: Web) -> None:
    clock = Clock()
    web.answers = [body(b"", 503, Retry_After="soon"), body(DATA)]
    assert read(transport(clock), f"{web.url}/a") == DATA
    assert clock.slept == [0.5]


def test_a_refused_connection_is_tried_again_and_then_told_without_the_password() -> None:
    clock = Clock()
    with pytest.raises(NetworkError, match="cannot connect") as raised:
        read(transport(clock, attempts=2), "http://me:secret@127.0.0.1:1/x?token=secret")
    assert clock.slept == [0.5]
    assert raised.value.where == "http://127.0.0.1:1/x?…"
    assert "secret" not in repr(vars(raised.value))


def test_a_body_that_breaks_off_is_an_error(web: Web) -> None:
    web.answers = [broken(DATA, 100)]
    with pytest.raises(NetworkError, match="broke off"):
        read(transport(), f"{web.url}/a")


def test_silence_is_told_with_the_seconds_waited(web: Web) -> None:
    done = threading.Event()

    def silence(_: BaseHTTPRequestHandler) -> None:
        done.wait(5)

    web.answers = [silence]
    with pytest.raises(NetworkError, match=r"no answer within 0\.05 s"):
        read(transport(timeout=0.05, attempts=1), f"{web.url}/a")
    done.set()


def test_credentials_in_the_url_are_sent_but_not_to_another_host(web: Web) -> None:
    port = web.url.rpartition(":")[2]
    web.answers = [body(b"", 302, Location=f"http://localhost:{port}/b"), body(DATA)]
    assert read(transport(), web.url.replace("//", "//me:secret@") + "/a") == DATA
    assert web.asked[0].headers["Authorization"] == "Basic bWU6c2VjcmV0"
    assert web.asked[1].headers["Authorization"] is None


def test_credentials_are_looked_up_for_urls_without_them(web: Web) -> None:
    web.answers = [body(DATA)]
    with HttpTransport(credentials=lambda _: ("me", "secret")) as http, http.stream(f"{web.url}/a"):
        pass
    assert web.asked[0].headers["Authorization"] == "Basic bWU6c2VjcmV0"


def test_one_transport_serves_many_threads(web: Web) -> None:
    web.answers = [body(DATA)]
    http = transport()

    def fetch(number: int) -> bytes:
        with http.stream(f"{web.url}/{number}") as chunks:
            return b"".join(chunks)

    with http, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fetch, range(32))) == [DATA] * 32
    assert sorted(web.paths()) == sorted(f"/{number}" for number in range(32))


def test_a_proxy_is_used_except_for_hosts_that_need_none(web: Web) -> None:
    web.answers = [body(DATA)]
    proxied: dict[str, Any] = {"proxies": {"http": web.url}, "no_proxy": (".example.test",), "attempts": 1}
    assert read(transport(**proxied), "http://elsewhere.test/a") == DATA
    assert web.asked[0].line == "GET http://elsewhere.test/a HTTP/1.1"
    with pytest.raises(NetworkError, match="cannot connect"):
        read(transport(**proxied), "http://sub.example.test/a")


def test_a_proxy_that_wants_a_password_is_not_asked_again_and_named(web: Web) -> None:
    web.answers = [body(b"", 407)]
    with pytest.raises(NetworkError, match="Tunnel connection failed: 407") as raised:
        read(transport(proxies={"https": web.url}), "https://elsewhere.test/a")
    assert raised.value.hint == "give the proxy's user and password in HTTPS_PROXY"


def test_no_proxy_star_means_no_proxy_at_all(web: Web) -> None:
    web.answers = [body(DATA)]
    http = transport(proxies={"all": "http://127.0.0.1:1"}, no_proxy=("*",), attempts=1)
    assert read(http, f"{web.url}/a") == DATA


@pytest.mark.parametrize("kind", ["cert", "client_cert"])
def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    bad = tmp_path / "bundle.pem"
    bad.write_text("no certificate")
    with pytest.raises(UsageError) as raised:
        read(transport(None, **{kind: bad}), "https://127.0.0.1:1/")
    assert raised.value.where == str(bad)


def test_what_is_no_url_is_told_at_once() -> None:
    clock = Clock()
    with pytest.raises(NetworkError, match="no URL that can be fetched"):
        read(transport(clock), "gopher://host/x")
    assert clock.slept == []


def test_files_are_read_like_urls(tmp_path: Path) -> None:
    file = tmp_path / "a b+c"
    file.write_bytes(DATA)
    assert read(transport(), file.as_uri()) == DATA
    assert read(transport(), file.as_uri(), start=3, end=300) == DATA[3:300]


@pytest.mark.parametrize(("name", "why"), [("gone", "No such file"), (".", "directory")])
def test_a_missing_file_is_named(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(NetworkError, match=why) as raised:
        read(transport(), (tmp_path / name).as_uri())
    assert raised.value.where == str(tmp_path / name)
