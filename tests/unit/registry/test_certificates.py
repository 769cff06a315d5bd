"""Certificates of single registries: found where Docker and Podman look, and used for those alone."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lightship.errors import NetworkError, UsageError
from lightship.net.settings import HostCertificates
from lightship.registry.certificates import certificate_folders, find_certificates
from lightship.registry.manifests import head_manifest
from tests.support.docker_registry import make_certificate
from tests.support.registry import Registry, serving
from tests.unit.registry.conftest import Connect


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a test CA, and a certificate for localhost with its key."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "tls").parent


@pytest.fixture
def guarded(authority: Path) -> Iterator[Registry]:
    """A registry that speaks with those alone whom the CA knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "cert.pem", authority / "key.pem")
    context.load_verify_locations(authority / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(context) as server:
        yield server


def put(folder: Path, host: str, *sources: tuple[Path, str]) -> Path:
    place = folder / host
    place.mkdir(parents=True)
    for source, name in sources:
        (place / name).write_bytes(source.read_bytes())
    return folder


def test_the_users_folder_counts_before_the_systems(tmp_path: Path) -> None:
    assert certificate_folders(tmp_path)[0] == tmp_path / ".config" / "containers" / "certs.d"
    assert certificate_folders(tmp_path)[-1] == Path("/etc/docker/certs.d")
    folders = [tmp_path / each for each in ("none", "empty", "first", "second")]
    for folder in folders[1:]:
        (folder / "a.example:5000").mkdir(parents=True)
    for folder in folders[2:]:
        (folder / "a.example:5000" / "ca.crt").touch()
    found = find_certificates(folders, "a.example:5000")
    assert found == HostCertificates((tmp_path / "first/a.example:5000/ca.crt",))
    assert find_certificates(folders, "a.example") == HostCertificates()


def test_a_certificate_of_ours_needs_its_key(tmp_path: Path) -> None:
    (tmp_path / "a.example").mkdir()
    (tmp_path / "a.example" / "client.cert").touch()
    with pytest.raises(UsageError, match="no key beside it") as error:
        find_certificates([tmp_path], "a.example")
    assert error.value.hint == f"put {tmp_path / 'a.example' / 'client.key'} there"
    (tmp_path / "a.example" / "client.key").touch()
    assert find_certificates([tmp_path], "a.example").own == (
        (tmp_path / "a.example" / "client.cert", tmp_path / "a.example" / "client.key"),
    )


def test_they_are_for_their_registry(
    guarded: Registry, authority: Path, connect: Connect, tmp_path: Path
) -> None:
    ours = ((authority / "cert.pem", "client.cert"), (authority / "key.pem", "client.key"))
    trusted = put(tmp_path / "certs.d", guarded.host, (authority / "ca.crt", "ca.crt"), *ours)
    repository = guarded.repository("app")
    assert head_manifest(connect(certificates=partial(find_certificates, [trusted])), repository, "1") is None
    assert len(guarded.calls("HEAD", "/app/")) == 1
    with pytest.raises(NetworkError):
        head_manifest(connect(), repository, "1")
    assert len(guarded.calls("HEAD", "/app/")) == 1


def test_without_ours_the_registry_hangs_up(
    guarded: Registry, authority: Path, connect: Connect, tmp_path: Path
) -> None:
    trusted = put(tmp_path / "certs.d", guarded.host, (authority / "ca.crt", "ca.crt"))
    wire = connect(certificates=partial(find_certificates, [trusted]))
    with pytest.raises(NetworkError):
        head_manifest(wire, guarded.repository("app"), "1")
    assert guarded.calls(words="/app/") == []


def test_what_is_no_certificate_is_named(connect: Connect, guarded: Registry, tmp_path: Path) -> None:
    folder = put(tmp_path, guarded.host)
    (folder / guarded.host / "ca.crt").write_text("no certificate")
    wire = connect(certificates=partial(find_certificates, [tmp_path]))
    with pytest.raises(UsageError, match="the certificate cannot be read") as error:
        head_manifest(wire, guarded.repository("app"), "1")
    assert error.value.where.endswith("ca.crt")
