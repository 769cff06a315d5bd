from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightship.debs.release import parse_release
from lightship.debs.signature import verified_text
from lightship.debs.sources import DebianSource
from lightship.debs.store import IndexStore
from lightship.errors import IntegrityError, NetworkError, ResolutionError, StageError, UsageError
from lightship.net.redact import redact
from tests.unit.debs.forge import Keys, Repository, stanza

pytestmark = pytest.mark.requires_tool("gpg")


class Broken:
    """A transport to a server that is not there."""

    def stream(
        self, url: str, *, start: int = 0, end: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        raise NetworkError(f"connection refused from {start} to {end}", where=redact(url))


@pytest.mark.parametrize("suffix", [".xz", ".gz", ""])
@pytest.mark.parametrize("by_hash", [True, False])
def test_packages_are_verified_and_unpacked(
    repository: Repository,
    source: DebianSource,
    store: IndexStore,
    suffix: str,
    by_hash: bool,  # noqa: FBT001
) -> None:
    repository.write([stanza("demo")], suffix=suffix, by_hash=by_hash)
    path = store.packages(store.release(source), "main", "amd64")
    assert path.read_text() == stanza("demo")
    assert [each.name for each in (store.cache).iterdir() if each.name.startswith("tmp")] == []


def test_what_is_kept_serves_offline_and_without_the_mirror(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.write([stanza("demo")])
    store.packages(store.release(source), "main", "amd64")
    offline = replace(store, transport=Broken(), offline=True)
    assert offline.packages(offline.release(source), "main", "amd64").read_text() == stanza("demo")


def test_offline_without_a_kept_index_says_so(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.write([stanza("demo")])
    with pytest.raises(NetworkError, match="not in the cache"):
        replace(store, offline=True).release(source)
    release = store.release(source)
    with pytest.raises(NetworkError, match="not in the cache"):
        replace(store, offline=True).packages(release, "main", "amd64")


def test_a_newer_release_is_seen_at_once(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    for version in ("1", "2"):
        repository.write([stanza("demo", version)])
        assert f"Version: {version}" in store.packages(store.release(source), "main", "amd64").read_text()


def test_a_changed_release_is_refused(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.write([stanza("demo")])
    signed = repository.dist / "InRelease"
    signed.write_bytes(signed.read_bytes().replace(b"Codename", b"Codenamf"))
    with pytest.raises(IntegrityError, match="signature"):
        store.release(source)


def test_text_outside_of_the_signature_is_not_believed(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.write([stanza("demo")])
    signed = repository.dist / "InRelease"
    evil = f"SHA256:\n {'0' * 64} 1 evil\n".encode()
    for forged in (evil + signed.read_bytes(), signed.read_bytes() + evil):
        signed.write_bytes(forged)
        with suppress(IntegrityError):
            assert "evil" not in store.release(source).files


def test_a_key_that_is_not_in_the_keyring_is_refused(
    repository: Repository, source: DebianSource, store: IndexStore, tmp_path: Path
) -> None:
    repository.write([stanza("demo")])
    empty = tmp_path / "empty.gpg"
    empty.touch()
    with pytest.raises(IntegrityError, match="signature") as caught:
        store.release(replace(source, keyring=empty))
    assert caught.value.exit_code == 6


def test_a_weak_digest_signs_nothing(keys: Keys) -> None:
    signed = keys.sign(b"Codename: bookworm\n", "--digest-algo", "SHA1", "--allow-weak-digest-algos")
    with pytest.raises(IntegrityError):
        verified_text(signed, keyring=keys.keyring, where="here")


def test_a_text_without_signature_is_refused(keys: Keys) -> None:
    with pytest.raises(IntegrityError):
        verified_text(b"Codename: bookworm\n", keyring=keys.keyring, where="here")


def test_a_missing_keyring_names_the_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        verified_text(b"", keyring=tmp_path / "none.gpg", where="here")
    assert "debian-archive-keyring" in caught.value.hint


def test_a_missing_gpgv_names_the_package_to_install(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError) as caught:
        verified_text(b"", keyring=keys.keyring, where="here")
    assert "gpgv" in caught.value.hint


def test_an_expired_release_is_refused_but_serves_offline(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.release["Valid-Until"] = "Fri, 02 Jan 2026 00:00:00 UTC"
    repository.write([stanza("demo")])
    store.release(source)
    late = replace(store, clock=lambda: datetime(2026, 1, 3, tzinfo=UTC))
    with pytest.raises(IntegrityError, match="expired"):
        late.release(source)
    assert replace(late, offline=True).release(source).by_hash


def test_the_release_of_another_suite_is_refused(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.release["Codename"] = "buster"
    repository.write([stanza("demo")])
    with pytest.raises(IntegrityError, match="buster"):
        store.release(source)


def test_an_archive_without_the_architecture_cannot_be_resolved(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.write([stanza("demo")])
    with pytest.raises(ResolutionError, match="binary-arm64"):
        store.packages(store.release(source), "main", "arm64")


@pytest.mark.parametrize("damage", ["shorter", "longer", "changed"])
def test_packages_that_the_release_does_not_sign_are_refused(
    repository: Repository, source: DebianSource, store: IndexStore, damage: str
) -> None:
    repository.write([stanza("demo")], by_hash=False)
    packed = repository.dist / "main/binary-amd64/Packages.xz"
    data = packed.read_bytes()
    packed.write_bytes({"shorter": data[:-1], "longer": data + b"x", "changed": data[:-1] + b"x"}[damage])
    with pytest.raises(IntegrityError, match="not the one that the Release signs"):
        store.packages(store.release(source), "main", "amd64")
    assert [each.name for each in store.cache.iterdir()] == ["releases"]


def test_an_index_that_unpacks_to_something_else_is_refused(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.write([stanza("demo")])
    release = store.release(source)
    plain = release.files["main/binary-amd64/Packages"]
    for wrong in (
        replace(plain, size=1),
        replace(plain, sha256="0" * 64),
        replace(plain, size=plain.size + 1),
    ):
        forged = replace(release, files={**release.files, plain.path: wrong})
        with pytest.raises(IntegrityError):
            store.packages(forged, "main", "amd64")


@pytest.mark.parametrize("line", ["nonsense", f"{'0' * 64} many x", "../../x 1 x"])
def test_an_unreadable_release_is_refused(source: DebianSource, line: str) -> None:
    text = f"Codename: bookworm\nSHA256:\n {line}\n".encode()
    with pytest.raises(IntegrityError, match="cannot be read"):
        parse_release(text, source, where="here")


def test_an_unreachable_mirror_is_named_without_credentials(store: IndexStore) -> None:
    source = DebianSource("main", "http://me:secret@mirror.example/debian", "bookworm", ("main",))
    with pytest.raises(NetworkError) as caught:
        replace(store, transport=Broken()).release(source)
    assert "mirror.example/debian" in caught.value.where
    assert "secret" not in str(caught.value)
    assert "debian-mirror" in caught.value.hint


def test_a_mirror_that_goes_away_before_the_packages_is_named(
    repository: Repository, source: DebianSource, store: IndexStore
) -> None:
    repository.write([stanza("demo")])
    release = store.release(source)
    with pytest.raises(NetworkError, match="package index"):
        replace(store, transport=Broken()).packages(release, "main", "amd64")


def test_a_cache_that_cannot_be_written_is_a_storage_error(
    repository: Repository, source: DebianSource, store: IndexStore, tmp_path: Path
) -> None:
    repository.write([stanza("demo")])
    release = store.release(source)
    (tmp_path / "file").touch()
    with pytest.raises(StageError, match="cannot write"):
        replace(store, cache=tmp_path / "file").packages(release, "main", "amd64")
