from __future__ import annotations

import pytest

from lightship.errors import UsageError
from lightship.net.proxies import Proxy, choose_proxy
from lightship.net.settings import HttpSettings

URL = "http://proxy.example.com:3128"


def chosen(host: str, *no_proxy: str, port: int = 443, **proxies: str) -> Proxy | None:
    return choose_proxy(HttpSettings(proxies=proxies or {"all": URL}, no_proxy=no_proxy), "https", host, port)


def test_a_scheme_of_its_own_counts_more_than_all() -> None:
    found = chosen("example.org", https="http://one.example.com", all="http://two.example.com")
    assert found == Proxy("http", "one.example.com", 80)
    assert chosen("example.org", http=URL) is None


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("*", "example.org"),
        ("example.org", "example.org"),
        ("example.org", "sub.example.org"),
        (".example.org", "sub.example.org"),
        (".example.org", "example.org"),
        ("*.example.org", "sub.example.org"),
        ("Example.ORG", "example.org"),
        ("example.org:443", "example.org"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]:443", "::1"),
    ],
)
def test_hosts_that_need_no_proxy(entry: str, host: str) -> None:
    assert chosen(host, entry) is None


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("example.org", "notexample.org"),
        ("example.org", "example.org.example.com"),
        ("example.org:8443", "example.org"),
        ("0.0.1", "127.0.0.1"),
        ("::1", "::11"),
        ("", "example.org"),
    ],
)
def test_hosts_that_need_it_all_the_same(entry: str, host: str) -> None:
    assert chosen(host, entry) == Proxy("http", "proxy.example.com", 3128)


def test_its_password_is_sent_and_not_shown() -> None:
    found = chosen("example.org", all="http://me:p%40ss@proxy.example.com")
    assert found is not None
    assert found.headers == {"Proxy-Authorization": "Basic bWU6cEBzcw=="}
    assert "bWU" not in repr(found)


@pytest.mark.parametrize("url", ["socks5://proxy.example.com", "http://", "http://a:b:c", "proxy"])
def test_what_is_no_proxy_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="proxy's URL cannot be used") as raised:
        chosen("example.org", all=url)
    assert raised.value.hint == "write it as http://host:port"
