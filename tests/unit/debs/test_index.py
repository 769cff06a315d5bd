from __future__ import annotations

from pathlib import Path

import pytest

from lightship.debs.index import PackageIndex, map_file
from lightship.errors import IntegrityError, ResolutionError
from tests.unit.debs.forge import stanza


def index(*archives: str) -> PackageIndex:
    names = ("main", "updates", "security")
    return PackageIndex([(name, text.encode()) for name, text in zip(names, archives, strict=False)])


def test_first_middle_and_last_stanza_are_found() -> None:
    found = index(stanza("a") + stanza("b") + stanza("c").rstrip("\n"))
    assert [found.candidates(name)[0].name for name in "abc"] == ["a", "b", "c"]
    assert found.candidates("d") == []
    assert sorted(found.names()) == ["a", "b", "c"]


def test_a_name_must_match_whole() -> None:
    found = index(stanza("libfoo-dev") + stanza("alibfoo"))
    assert found.candidates("libfoo") == []


def test_the_newest_version_of_all_archives_comes_first() -> None:
    found = index(stanza("a", "1.9"), stanza("a", "1:0.1"), stanza("a", "1.10"))
    assert [(each.version, each.deb.archive) for each in found.candidates("a")] == [
        ("1:0.1", "updates"),
        ("1.10", "security"),
        ("1.9", "main"),
    ]


def test_of_equal_versions_the_first_archive_counts() -> None:
    found = index(stanza("a", "1"), stanza("a", "1"))
    assert found.candidates("a")[0].deb.archive == "main"


def test_a_package_is_locked_as_the_index_says() -> None:
    text = stanza("a", "2", Architecture="all", Filename="pool/a.deb", Size="7", SHA256="ab" * 32)
    deb = index(text).candidates("a")[0].deb
    assert (deb.architecture, deb.path, deb.size, deb.sha256) == ("all", "pool/a.deb", 7, "ab" * 32)


def test_providers_are_found_by_what_they_provide() -> None:
    found = index(
        stanza("one", Provides="virtual (= 3), other")
        + stanza("two", Provides="virtual")
        + stanza("three", Provides="virtually")
    )
    assert [(each.name, each.provided("virtual")) for each in found.providers("virtual")] == [
        ("one", ["3"]),
        ("two", [""]),
    ]


def test_only_the_newest_version_of_a_provider_counts() -> None:
    found = index(stanza("one", "1", Provides="virtual") + stanza("two"), stanza("one", "2"))
    assert found.providers("virtual") == []


@pytest.mark.parametrize("field", ["Filename", "Size", "SHA256", "Architecture"])
def test_an_incomplete_stanza_is_refused(field: str) -> None:
    lines = [line for line in stanza("a").splitlines() if not line.startswith(field)]
    with pytest.raises(IntegrityError) as caught:
        index("\n".join(lines) + "\n\n").candidates("a")
    assert caught.value.where == "a"


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(IntegrityError):
        index(stanza("a", "not a version")).candidates("a")


def test_a_relationship_that_is_none_is_refused() -> None:
    with pytest.raises(ResolutionError, match="a has a relationship"):
        index(stanza("a", Depends="b c d")).candidates("a")


def test_files_are_mapped_and_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "full").write_text(stanza("a"))
    (tmp_path / "empty").touch()
    found = PackageIndex([("main", map_file(tmp_path / name)) for name in ("empty", "full")])
    assert found.candidates("a")[0].name == "a"
