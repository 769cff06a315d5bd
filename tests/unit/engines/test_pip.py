from __future__ import annotations

from pathlib import Path

from lightship.engines.pip import pip_in_builder
from lightship.net.credentials import anonymous
from lightship.net.pipconf import PipConfig

DOCKERFILE = "RUN --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf \\\n    pip download\n"


def test_without_a_configuration_there_is_no_secret() -> None:
    made = pip_in_builder(PipConfig(), {}, anonymous)
    assert made.text == ""
    assert made.lend(DOCKERFILE) == DOCKERFILE


def test_the_configuration_is_written_for_another_machine(tmp_path: Path) -> None:
    certificate = tmp_path / "company.pem"
    certificate.write_text("certificate")
    pip = PipConfig(
        index_url="https://me:pw@example.com/simple/",
        extra_index_urls=("https://example.org/a%20b/", "file:///srv/simple"),
        find_links=("/opt/wheels", "https://example.com/wheels/", "file:///opt/more"),
        trusted_hosts=("example.com", "example.org"),
        cert=certificate,
        no_index=True,
        timeout=180.0,
        proxy="http://proxy.example.com:3128",
        constraints=("constraints.txt",),
    )
    wheel = tmp_path / "blob"
    made = pip_in_builder(pip, {"torch-1-any.whl": wheel}, anonymous)
    assert made.text.splitlines() == [
        "[global]",
        "index-url = https://me:pw@example.com/simple/",
        "extra-index-url = https://example.org/a%20b/",
        "find-links = https://example.com/wheels/ /run/lightship",
        "trusted-host = example.com example.org",
        "cert = /run/lightship/certificates.pem",
        "proxy = http://proxy.example.com:3128",
        "timeout = 180.0",
        "no-index = true",
    ]
    assert made.files == {"torch-1-any.whl": wheel, "certificates.pem": certificate}
    assert made.lend(DOCKERFILE) == (
        "RUN --mount=type=bind,source=docker/lent,target=/run/lightship "
        "--mount=type=secret,id=pip,target=/root/.config/pip/pip.conf \\\n    pip download\n"
    )
    assert "pw" not in repr(made)


def test_what_netrc_says_is_written_into_urls() -> None:
    pip = PipConfig(index_url="https://example.com/simple", extra_index_urls=("https://a:b@example.org/",))
    made = pip_in_builder(pip, {}, lambda _: ("me@work", "p/w"))
    assert made.text.splitlines()[1:] == [
        "index-url = https://me%40work:p%2Fw@example.com/simple",
        "extra-index-url = https://a:b@example.org/",
    ]


def test_certificates_that_are_not_there_are_left_to_the_builder(tmp_path: Path) -> None:
    assert pip_in_builder(PipConfig(cert=tmp_path / "absent"), {}, anonymous).text == ""
