from __future__ import annotations

from pathlib import Path

from lightship.net.pipconf import PipConfig
from lightship.net.settings import http_settings


def test_pip_counts_before_the_environment() -> None:
    config = PipConfig(cert=Path("/pip.pem"), proxy="http://pip:1", timeout=7.0, trusted_hosts=("h",))
    settings = http_settings(config, {"SSL_CERT_FILE": "/env.pem", "HTTPS_PROXY": "http://env:1"})
    assert settings.cert == Path("/pip.pem")
    assert settings.proxies == {"all": "http://pip:1"}
    assert (settings.timeout, settings.trusted_hosts) == (7.0, ("h",))


def test_proxies_and_certificates_come_from_the_environment_given() -> None:
    environ = {"SSL_CERT_DIR": "/certs", "https_proxy": "proxy:3128", "NO_PROXY": "a.test, .b.test,"}
    settings = http_settings(PipConfig(), environ)
    assert settings.cert == Path("/certs")
    assert settings.proxies == {"https": "http://proxy:3128"}
    assert settings.no_proxy == ("a.test", ".b.test")


def test_under_cgi_a_proxy_header_is_no_proxy() -> None:
    assert http_settings(PipConfig(), {"REQUEST_METHOD": "GET", "HTTP_PROXY": "evil"}).proxies == {}
