from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pip._internal.cli import cmdoptions
from pip._internal.commands import create_command

from lightship.errors import UsageError
from lightship.net.pipconf import PipConfig, read_pip_config, uv_arguments, uv_environment

PIPS_DEFAULTS = {"timeout": 15.0, "index_url": cmdoptions.index_url().default}


@dataclass(frozen=True)
class Machine:
    """A home, a prefix and XDG folders of the test's own."""

    root: Path
    monkeypatch: pytest.MonkeyPatch

    def write(self, where: str, text: str) -> None:
        path = self.root / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def environ(self, **more: str) -> dict[str, str]:
        return {"HOME": f"{self.root}/home", "XDG_CONFIG_DIRS": f"{self.root}/xdg1:{self.root}/xdg2", **more}

    def ours(self, environ: dict[str, str]) -> PipConfig:
        return read_pip_config(environ, home=Path(environ["HOME"]), prefix=self.root / "prefix")

    def pips(self, environ: dict[str, str]) -> dict[str, object]:
        """What `pip install` itself makes of it."""
        for name in [name for name in os.environ if name.startswith(("PIP_", "XDG_CONFIG"))]:
            self.monkeypatch.delenv(name)
        for name, value in environ.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(sys, "prefix", str(self.root / "prefix"))
        options, _ = create_command("install").parse_args([])
        return vars(options)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def agree(machine: Machine, environ: dict[str, str]) -> PipConfig:
    ours = machine.ours(environ)
    pips = machine.pips(environ)
    home = environ["HOME"]
    assert (ours.index_url or PIPS_DEFAULTS["index_url"]) == pips["index_url"]
    assert list(ours.extra_index_urls) == pips["extra_index_urls"]
    assert list(ours.find_links) == [str(link).replace("~", home, 1) for link in pips["find_links"]]  # type: ignore[attr-defined]
    assert list(ours.trusted_hosts) == pips["trusted_hosts"]
    assert list(ours.constraints) == pips["constraints"]
    assert (str(ours.cert) if ours.cert else None) == pips["cert"]
    assert (str(ours.client_cert) if ours.client_cert else None) == pips["client_cert"]
    assert ours.no_index == bool(pips["no_index"])
    assert (ours.timeout or PIPS_DEFAULTS["timeout"]) == pips["timeout"]
    assert (ours.proxy or None) == pips["proxy"]
    assert ours.pre == bool(pips["pre"])
    return ours


FILES = {
    "xdg1/pip/pip.conf": "[global]\nindex-url = https://xdg1.test\ntimeout = 3\n",
    "xdg2/pip/pip.conf": "[global]\nindex-url = https://xdg2.test\n",
    "home/.pip/pip.conf": "[global]\nindex-url = https://legacy.test\n",
    "home/.config/pip/pip.conf": "[global]\nindex-url = https://user.test\n",
    "prefix/pip.conf": "[global]\nindex-url = https://site.test\n",
}


@pytest.mark.parametrize("count", range(1, len(FILES) + 1))
def test_each_file_overrides_those_before_it(machine: Machine, count: int) -> None:
    for where, text in list(FILES.items())[:count]:
        machine.write(where, text)
    config = agree(machine, machine.environ())
    assert config.index_url == list(FILES.values())[count - 1].splitlines()[1].partition(" = ")[2]
    assert config.timeout == 3.0


def test_a_file_named_by_the_environment_replaces_the_users_and_overrides_the_rest(machine: Machine) -> None:
    for where, text in FILES.items():
        machine.write(where, text)
    machine.write("home/.config/pip/pip.conf", "[global]\nextra-index-url = https://user.test\n")
    machine.write("own.conf", "[global]\nindex_url = https://own.test\n")
    config = agree(machine, machine.environ(PIP_CONFIG_FILE=f"{machine.root}/own.conf"))
    assert (config.index_url, config.extra_index_urls) == ("https://own.test", ())


def test_a_named_file_that_is_missing_changes_nothing(machine: Machine) -> None:
    machine.write("home/.config/pip/pip.conf", FILES["home/.config/pip/pip.conf"])
    assert agree(machine, machine.environ(PIP_CONFIG_FILE="/nonexistent")).index_url == "https://user.test"


def test_dev_null_turns_every_file_off_but_not_the_variables(machine: Machine) -> None:
    machine.write("prefix/pip.conf", FILES["prefix/pip.conf"])
    environ = machine.environ(PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="/wheels")
    assert agree(machine, environ) == PipConfig(find_links=("/wheels",))


def test_the_install_section_overrides_the_global_one_and_others_do_not_count(machine: Machine) -> None:
    machine.write(
        "prefix/pip.conf",
        "[install]\nfind-links = /a\n  /b ~/c\nno-index = yes\n"
        "[global]\nfind-links = /z\ntrusted-host = h1 h2:80\npre = on\n[download]\nproxy = http://no.test\n",
    )
    config = agree(machine, machine.environ())
    assert config.find_links == ("/a", "/b", f"{machine.root}/home/c")
    assert (config.no_index, config.pre, config.proxy) == (True, True, "")
    assert config.trusted_hosts == ("h1", "h2:80")


def test_variables_override_all_files_and_empty_ones_uncover_them(machine: Machine) -> None:
    machine.write("prefix/pip.conf", "[global]\nindex-url = https://site.test\nproxy = http://p:1\n")
    environ = machine.environ(
        PIP_INDEX_URL="https://env.test",
        PIP_PROXY="",
        PIP_EXTRA_INDEX_URL="https://a.test https://b.test",
        PIP_CERT="~/bundle.pem",
        PIP_CLIENT_CERT="/client.pem",
        PIP_DEFAULT_TIMEOUT="180",
        PIP_CONSTRAINT="/c.txt",
        PIP_NO_INDEX="0",
    )
    config = agree(machine, environ)
    assert (config.index_url, config.proxy, config.timeout) == ("https://env.test", "http://p:1", 180.0)
    assert config.cert == machine.root / "home" / "bundle.pem"


def test_a_user_config_folder_elsewhere_counts(machine: Machine) -> None:
    machine.write("cfg/pip/pip.conf", "[global]\nindex-url = https://cfg.test\n")
    assert (
        agree(machine, machine.environ(XDG_CONFIG_HOME=f"{machine.root}/cfg")).index_url == "https://cfg.test"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index-url = x\n", "cannot be read"),
        ("[global]\nno-index = perhaps\n", "no-index is 'perhaps'"),
        ("[global]\ntimeout = long\n", "timeout is 'long'"),
    ],
)
def test_what_cannot_be_understood_is_told(machine: Machine, text: str, message: str) -> None:
    machine.write("prefix/pip.conf", text)
    with pytest.raises(UsageError, match=message):
        machine.ours(machine.environ())


def test_uv_is_told_everything_and_sees_no_password_on_its_command_line() -> None:
    config = PipConfig(
        index_url="https://me:secret@main.test/simple",
        extra_index_urls=("https://extra.test/simple", "https://t0ken@other.test/simple"),
        find_links=("/wheels", "https://me:secret@links.test/"),
        trusted_hosts=("main.test",),
        constraints=("c.txt",),
        pre=True,
        timeout=9.5,
        proxy="http://u:secret@proxy:1",
        cert=Path("/bundle.pem"),
        client_cert=Path("/client.pem"),
    )
    arguments = uv_arguments(config)
    assert arguments == [
        *("--default-index", "pip=https://main.test/simple", "--index", "https://extra.test/simple"),
        *("--index", "pip2=https://other.test/simple", "--index-strategy", "unsafe-best-match"),
        *("--find-links", "/wheels", "--allow-insecure-host", "main.test", "--constraints", "c.txt"),
        *("--prerelease", "allow"),
    ]
    proxy = "http://u:secret@proxy:1"
    assert uv_environment(config) == {
        "SSL_CERT_FILE": "/bundle.pem",
        "SSL_CLIENT_CERT": "/client.pem",
        "UV_HTTP_TIMEOUT": "9",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy),
        "UV_FIND_LINKS": "https://me:secret@links.test/",
        "UV_INDEX_PIP_USERNAME": "me",
        "UV_INDEX_PIP_PASSWORD": "secret",
        "UV_INDEX_PIP2_USERNAME": "t0ken",
    }


def test_one_index_needs_no_strategy_and_no_index_needs_no_indexes() -> None:
    assert uv_arguments(PipConfig(index_url="https://a.test")) == ["--default-index", "https://a.test"]
    assert uv_arguments(PipConfig(index_url="https://a.test", no_index=True)) == ["--no-index"]
    assert uv_arguments(PipConfig()) == []
    assert uv_environment(PipConfig()) == {}
