"""Capabilities as setcap sets them and Docker stores them, told as getcap tells them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from lightship.events import SilentReporter
from lightship.inspect.verify import verify_image
from lightship.oci.layout import Layout
from lightship.oci.saved import read_saved
from tests.support.programs import caller

pytestmark = [
    pytest.mark.integration,
    pytest.mark.requires_tool("getcap"),
    pytest.mark.requires_tool("/usr/bin/docker"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root sets capabilities"),
]
SET = {
    "ping": "cap_net_raw=ep",
    "serve": "cap_net_bind_service=eip",
    "watch": "cap_dac_read_search,cap_bpf=p cap_net_raw=ip",
    "plain": "",
}


def by_name(text: str) -> dict[str, str]:
    """Read what is told; getcap writes the second group of flags with a plus (cap_text_formats(7))."""
    groups = (re.split("[=+]", group) for group in text.split())
    return {name: flags for names, flags in groups for name in names.split(",")}


def test_verify_tells_what_getcap_tells(docker_host: str, tmp_path: Path) -> None:
    programs = tmp_path / "root" / "usr" / "bin"
    programs.mkdir(parents=True)
    for name, capabilities in SET.items():
        (programs / name).write_bytes(name.encode())
        if capabilities:
            caller("/usr/sbin/setcap")(capabilities, str(programs / name))
    said = caller("/usr/sbin/getcap")("-r", str(programs)).splitlines()
    told = {f"usr/bin/{Path(path).name}": words for path, words in (line.split(" ", 1) for line in said)}
    assert sorted(told) == ["usr/bin/ping", "usr/bin/serve", "usr/bin/watch"]

    context = tmp_path / "context"
    context.mkdir()
    tar = ["tar", "--xattrs", "--xattrs-include=security.*", "-C", str(tmp_path / "root")]
    subprocess.run([*tar, "-cf", str(context / "root.tar"), "usr"], check=True)
    (context / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n")
    docker = caller("/usr/bin/docker", "--host", docker_host)
    docker("build", "--quiet", "--tag", "capable:1", str(context))
    docker("save", "--output", str(tmp_path / "saved.tar"), "capable:1")
    docker("image", "rm", "--force", "capable:1")
    image = read_saved(tmp_path / "saved.tar", Layout(tmp_path / "layout"), lambda _: None, compress=True)
    report = verify_image(image, cache=tmp_path / "cache", sandbox=None, reporter=SilentReporter())
    found = {item.where: item.message for item in report.findings if item.rule == "LV324-file-capability"}
    assert found["usr/bin/ping"] == f"has {told['usr/bin/ping']}" == "has cap_net_raw=ep"
    said_here = {path: by_name(message.removeprefix("has ")) for path, message in found.items()}
    assert said_here == {path: by_name(words) for path, words in told.items()}
