from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.net.credentials import read_credentials
from lightship.net.pipconf import PipConfig


def test_urls_of_the_same_host_and_port_get_what_pip_configures_for_it(tmp_path: Path) -> None:
    config = PipConfig(index_url="https://me:p%40ss@index.test:8443/simple")
    find = read_credentials(config, environ={}, home=tmp_path)
    assert find("https://index.test:8443/files/a.whl") == ("me", "p@ss")
    assert find("https://index.test/files/a.whl") is None
    assert find("http://index.test:8443/files/a.whl") is None


def test_netrc_serves_the_other_hosts(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine files.test login you password word\n")
    (tmp_path / ".netrc").chmod(0o600)
    find = read_credentials(PipConfig(), environ={}, home=tmp_path)
    assert find("https://files.test/a") == ("you", "word")
    assert find("https://other.test/a") is None


def test_a_netrc_elsewhere_is_named_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("machine files.test login you password word\n")
    find = read_credentials(PipConfig(), environ={"NETRC": str(tmp_path / "n")}, home=Path("/nonexistent"))
    assert find("https://files.test/a") == ("you", "word")


def test_a_damaged_netrc_is_named(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("machine\nfoo bar\n")
    with pytest.raises(UsageError) as raised:
        read_credentials(PipConfig(), environ={"NETRC": str(tmp_path / "n")}, home=tmp_path)
    assert raised.value.where == str(tmp_path / "n")
