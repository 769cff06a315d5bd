from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.inroot import find_in_root, find_program, read_in_root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "usr/bin").mkdir(parents=True)
    (made / "bin").symlink_to("usr/bin")
    (made / "usr/bin/tool").write_text("inside")
    (made / "usr/bin/tool").chmod(0o755)
    (made / "usr/bin/alias").symlink_to("/bin/tool")
    (made / "loop").symlink_to("loop")
    (made / "out").symlink_to("../../../../../../etc/hostname")
    return made


@pytest.mark.parametrize("path", ["/bin/tool", "usr/bin/tool", "bin/../bin/alias", "/../bin/./tool"])
def test_links_are_followed_as_if_the_root_were_the_root(root: Path, path: str) -> None:
    assert find_in_root(root, path) == root / "usr/bin/tool"
    assert read_in_root(root, path) == "inside"


@pytest.mark.parametrize("path", ["none", "loop", "out", "bin/none/x"])
def test_what_is_not_in_the_root_is_none(root: Path, path: str) -> None:
    assert find_in_root(root, path) is None
    assert read_in_root(root, path) == ""


def test_programs_are_found_as_the_kernel_does(root: Path) -> None:
    tool = root / "usr/bin/tool"
    assert find_program(root, "tool", search="/none:/bin", workdir="/") == tool
    assert find_program(root, "./tool", search="", workdir="/usr/bin") == tool
    assert find_program(root, "/bin/alias", search="", workdir="/") == tool
    assert find_program(root, "tool", search="/none", workdir="/bin") is None
    tool.chmod(0o644)
    assert find_program(root, "tool", search="/bin", workdir="/") is None
