from __future__ import annotations

from pathlib import Path

import pytest

from lightship.debs.aptlist import read_apt_sources
from lightship.debs.sources import DebianSource, find_sources
from lightship.errors import UsageError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEB822 = f"""\
# the distribution
Types: deb deb-src
# a comment between fields
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: {KEYRING}
"""


def apt(root: Path, **files: str) -> Path:
    (root / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (root / "sources.list.d" / f"{stem}.{suffix}").write_text(text)
    return root


def test_deb822_sources_are_read(tmp_path: Path) -> None:
    found = find_sources("bookworm", configured=None, apt_root=apt(tmp_path, debian_sources=DEB822))
    mirror, both = "http://mirror.example/debian", ("main", "contrib")
    assert found == (
        DebianSource("main", mirror, "bookworm", both, KEYRING),
        DebianSource("updates", mirror, "bookworm-updates", both, KEYRING),
        DebianSource("security", f"{mirror}-security", "bookworm-security", ("main",), KEYRING),
    )


def test_one_line_sources_are_read(tmp_path: Path) -> None:
    text = (
        "# deb http://old.example/debian bookworm main\n"
        "deb-src http://mirror.example/debian bookworm main\n"
        f"deb [arch=amd64 signed-by={KEYRING}] http://mirror.example/debian bookworm main contrib # ours\n"
        "deb http://mirror.example/debian-security bookworm-security main\n"
    )
    (tmp_path / "sources.list").write_text(text)
    found = find_sources("bookworm", configured=None, apt_root=tmp_path)
    assert found == (
        DebianSource("main", "http://mirror.example/debian", "bookworm", ("main", "contrib"), KEYRING),
        DebianSource("security", "http://mirror.example/debian-security", "bookworm-security", ("main",)),
    )


def test_another_release_is_found_on_the_mirrors_of_the_host(tmp_path: Path) -> None:
    found = find_sources("trixie", configured=None, apt_root=apt(tmp_path, debian_sources=DEB822))
    assert [(source.archive, source.suite) for source in found] == [
        ("main", "trixie"),
        ("updates", "trixie-updates"),
        ("security", "trixie-security"),
    ]


def test_the_rolling_suite_has_neither_updates_nor_security(tmp_path: Path) -> None:
    root = apt(tmp_path, debian_sources=DEB822)
    assert [source.archive for source in find_sources("sid", configured=None, apt_root=root)] == ["main"]
    assert [source.archive for source in find_sources("sid", configured="http://a.example/debian")] == [
        "main"
    ]


def test_other_publishers_with_the_same_suite_do_not_stand_for_debian(tmp_path: Path) -> None:
    other = "deb [signed-by=/keys/tools.gpg] http://tools.example bookworm main\n"
    root = apt(tmp_path, a_list=other, debian_sources=DEB822)
    assert (
        find_sources("bookworm", configured=None, apt_root=root)[0].mirror == "http://mirror.example/debian"
    )


def test_a_mirror_with_its_own_key_counts_if_it_is_the_only_one(tmp_path: Path) -> None:
    text = "deb [signed-by=/etc/apt/keyrings/own.gpg] https://own.example/mirror bookworm main\n"
    (main,) = find_sources("bookworm", configured=None, apt_root=apt(tmp_path, own_list=text))
    assert main.keyring == Path("/etc/apt/keyrings/own.gpg")
    with pytest.raises(UsageError):
        find_sources("trixie", configured=None, apt_root=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "deb http://mirror.example/ubuntu noble main universe\n",
        "deb cdrom:[Debian]/ bookworm main\n",
        "deb http://mirror.example/debian bookworm\n",
        "",
    ],
    ids=["another distribution", "no URL", "no components", "nothing"],
)
def test_without_a_debian_mirror_the_error_says_what_to_set(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_sources("bookworm", configured=None, apt_root=apt(tmp_path, host_list=text))
    assert "debian-mirror" in caught.value.hint


def test_the_configured_mirror_comes_before_the_host(tmp_path: Path) -> None:
    root = apt(tmp_path, debian_sources=DEB822)
    configured = "https://a.example/debian/ https://b.example/security/"
    found = find_sources("trixie", configured=configured, apt_root=root)
    assert [(source.archive, source.mirror, source.suite) for source in found] == [
        ("main", "https://a.example/debian", "trixie"),
        ("updates", "https://a.example/debian", "trixie-updates"),
        ("security", "https://b.example/security", "trixie-security"),
    ]


def test_a_mirror_that_is_no_url_is_refused_without_showing_a_password() -> None:
    with pytest.raises(UsageError) as caught:
        find_sources("trixie", configured="ftp://me:secret@a.example/debian")
    assert "secret" not in str(caught.value)


def test_a_label_shows_no_credentials() -> None:
    source = DebianSource("main", "http://me:secret@a.example/debian", "bookworm", ("main",))
    assert source.label == "http://a.example/debian"


def test_disabled_sources_and_other_files_are_left_alone(tmp_path: Path) -> None:
    root = apt(tmp_path, off_sources="Enabled: no\n" + DEB822, old_save=DEB822)
    assert [source.suite for source in read_apt_sources(root)] == ["bookworm-security"]


def test_a_key_within_a_source_is_no_path(tmp_path: Path) -> None:
    text = DEB822.replace(
        f"Signed-By: {KEYRING}", "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc", 1
    )
    assert read_apt_sources(apt(tmp_path, own_sources=text))[0].keyring is None
