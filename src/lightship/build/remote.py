"""Registries, as this machine is set up to speak with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from lightship.build.absent import elsewhere_of
from lightship.build.cache import Memo
from lightship.build.machine import Machine
from lightship.digest import Digest, of_value
from lightship.errors import UsageError
from lightship.net.settings import http_settings
from lightship.oci.index import Stored, all_blobs
from lightship.oci.layout import Layout
from lightship.oci.model import Descriptor
from lightship.platform import Platform
from lightship.reference import Reference, parse_reference
from lightship.registry.address import Repository, locate, target
from lightship.registry.certificates import certificate_folders, find_certificates
from lightship.registry.client import connected
from lightship.registry.credentials import Credential, find_credentials
from lightship.registry.manifests import get_manifest
from lightship.registry.pull import SOURCE, Pulled, pull_image, pull_index
from lightship.registry.push import Pushed, push_image, push_referrer
from lightship.registry.remote import RemoteImage, open_remote
from lightship.registry.resolve import keep
from lightship.registry.wire import Wire

_PLAIN = "LIGHTSHIP_PLAIN_HTTP"
_MOST_PLACES = 4


@contextmanager
def connect_registries(machine: Machine, explicit: Credential | None = None) -> Iterator[Wire]:
    """Give a client that knows the machine's certificates, proxies and credentials.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` count more than what pip is told of its indexes' certificates. Hosts in
    `LIGHTSHIP_PLAIN_HTTP`, separated by commas, are spoken to without TLS. Certificates of single registries
    lie where Docker and Podman have them.
    """
    settings = http_settings(machine.pip, machine.environ)
    named = machine.environ.get("SSL_CERT_FILE") or machine.environ.get("SSL_CERT_DIR")
    with connected(
        replace(settings, cert=Path(named)) if named else settings,
        find_credentials(machine.environ, machine.user, explicit),
        plain=plain_hosts(machine),
        certificates=partial(find_certificates, certificate_folders(machine.user)),
        now=lambda: machine.clock().timestamp(),
    ) as wire:
        yield wire


def plain_hosts(machine: Machine) -> list[str]:
    """Name the registries that are spoken to without TLS."""
    hosts = (host.strip() for host in machine.environ.get(_PLAIN, "").split(","))
    return [host for host in hosts if host]


class KnownPlaces(Struct, frozen=True):
    """Which repositories of a registry have a blob, from pushes and pulls before: what may be mounted."""

    memo: Memo

    def of(self, host: str, digest: Digest) -> Sequence[str]:
        """Name those of a host, the latest first; they may have lost it since."""
        return self.memo.get(_key(host, digest), tuple[str, ...]) or ()

    def add(self, repository: Repository, digest: Digest) -> None:
        known = self.of(repository.host, digest)
        if repository.name not in known:
            self.memo.put(_key(repository.host, digest), (repository.name, *known)[:_MOST_PLACES])


def push(image: Stored, name: str, machine: Machine, wire: Wire, places: Sequence[Repository] = ()) -> Pushed:
    """Push a stored image, or a whole index, to the reference `name`; a short one is Docker Hub's.

    `places` are where layers are that the store lacks.

    Raises:
        UsageError: if `name` has a digest.
        NetworkError: unreachable, not allowed, or failed again and again.
        IntegrityError: a blob is missing or damaged, or the registry stored something else.

    """
    reference = parse_reference(name)
    if reference.digest is not None:
        raise UsageError(
            f"{name!r} has a digest, and images are pushed under a tag", hint="leave out the part from '@' on"
        )
    return push_image(
        wire,
        image.layout,
        image.descriptor,
        locate(reference),
        reference.tag,
        places=known_places(machine),
        reporter=machine.reporter,
        elsewhere=elsewhere_of(image, places),
    )


def push_referrers(
    layout: Layout, descriptors: Iterable[Descriptor], name: str, machine: Machine, wire: Wire
) -> tuple[Pushed, ...]:
    """Push manifests of a layout that refer to an image, to the repository that it was pushed to as `name`.

    Raises:
        NetworkError: as `push` does.
        IntegrityError: as `push` does.

    """
    repository, places = locate(parse_reference(name)), known_places(machine)
    return tuple(
        push_referrer(wire, layout, descriptor, repository, places=places, reporter=machine.reporter)
        for descriptor in descriptors
    )


def pull(name: str, machine: Machine, wire: Wire, *, wanted: Platform | None = None) -> Pulled:
    """Fetch the image that a reference names to the store, under that name; `wanted` must be its platform.

    Raises:
        UsageError: it is not there for the platform, or is no image that Lightship knows.
        NetworkError: unreachable, not allowed, or not there.
        IntegrityError: something is not what its digest says.

    """
    reference = parse_reference(name)
    image = _open(reference, machine, wire, wanted)
    pulled = bring(image, machine)
    remember(reference, wanted or image.config.platform, image, machine)
    machine.home.images.tag(str(reference), _named_after(pulled))
    return pulled


def pull_all(name: str, machine: Machine, wire: Wire) -> Pulled:
    """Fetch what a reference names for all of its platforms to the store, under that name.

    Raises:
        UsageError: as `pull` does.
        NetworkError: as `pull` does.
        IntegrityError: as `pull` does.

    """
    reference, store = parse_reference(name), machine.home.images
    repository = locate(reference)
    document = get_manifest(wire, repository, target(reference))
    if not document.is_index:
        pulled = bring(RemoteImage(lambda: wire, repository, document, store), machine)
    else:
        store.create()
        pulled = pull_index(wire, repository, document, store, machine.reporter)
        places = known_places(machine)
        for blob in all_blobs(store, pulled.descriptor):
            places.add(repository, blob.digest)
    store.tag(str(reference), _named_after(pulled))
    return pulled


def bring(image: RemoteImage, machine: Machine) -> Pulled:
    """Fetch an image to the store, without a name; that its repository has its layers is remembered.

    Raises:
        NetworkError: as `pull` does.
        IntegrityError: as `pull` does.

    """
    pulled = pull_image(image, machine.home.images, machine.reporter)
    _note_places(image, machine)
    return pulled


def remember(reference: Reference, platform: Platform, image: RemoteImage, machine: Machine) -> None:
    """Keep what a reference stands for, to be found without a network, and where its layers are."""
    keep(image)
    _note_places(image, machine)
    _names(machine).put(_name_key(reference, platform), image.descriptor.digest)


def known_digest(reference: Reference, platform: Platform, machine: Machine) -> Digest | None:
    """Give what a reference stood for when its registry was asked last, by the digest that it has there."""
    found = _names(machine).get(_name_key(reference, platform), str)
    return Digest(found) if found else None


def open_image(name: str, machine: Machine, wire: Wire, wanted: Platform | None = None) -> RemoteImage:
    """Open the image that a reference names, to be read where it is; `wanted` must be its platform.

    Raises:
        UsageError: as `pull` does.
        NetworkError: as `pull` does.
        IntegrityError: as `pull` does.

    """
    return _open(parse_reference(name), machine, wire, wanted)


def _open(reference: Reference, machine: Machine, wire: Wire, wanted: Platform | None) -> RemoteImage:
    return open_remote(
        wire,
        locate(reference),
        target(reference),
        machine.home.images,
        platform=wanted or _own_platform(machine),
        exact=wanted is not None,
    )


def _own_platform(machine: Machine) -> Platform:
    if machine.platform is None:
        raise UsageError(
            "images are not made for this machine's processor", hint="name another's with --platform"
        )
    return machine.platform


def _note_places(image: RemoteImage, machine: Machine) -> None:
    places = known_places(machine)
    for layer in image.manifest.layers:
        places.add(image.repository, layer.digest)


def known_places(machine: Machine) -> KnownPlaces:
    """Give what this machine knows of where blobs are."""
    return KnownPlaces(Memo(machine.home.cache / "places"))


def _names(machine: Machine) -> Memo:
    return Memo(machine.home.cache / "references")


def _name_key(reference: Reference, platform: Platform) -> Digest:
    return of_value(["reference", str(locate(reference)), target(reference), str(platform)])


def _named_after(pulled: Pulled) -> Descriptor:
    return msgspec.structs.replace(pulled.descriptor, annotations={SOURCE: pulled.source.digest})


def _key(host: str, digest: Digest) -> Digest:
    return of_value(["place", host, digest])
