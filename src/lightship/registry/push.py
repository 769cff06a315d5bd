"""An image of a layout, put into a registry: what is missing there, and then its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct, field

from lightship.digest import Digest, parse_digest
from lightship.errors import IntegrityError, LightshipError, LostBlobError, NetworkError
from lightship.events import Reporter, SilentTask, Task
from lightship.oci.layout import Layout
from lightship.oci.model import MEDIA_INDEX, Descriptor, Index, Manifest, decode
from lightship.registry.address import Repository
from lightship.registry.blobs import has_blob
from lightship.registry.documents import read_document
from lightship.registry.elsewhere import BlobFile, Elsewhere, lost
from lightship.registry.manifests import UnknownBlobError, head_manifest, put_manifest
from lightship.registry.referrers import add_referrer, list_referrers
from lightship.registry.transfer import in_parallel
from lightship.registry.upload import Open, mount_blob, upload_blob
from lightship.registry.wire import Wire


class Places(Protocol):
    """What is known of where blobs are, beside the repository that is pushed to."""

    def of(self, host: str, digest: Digest) -> Sequence[str]:
        """Name repositories of a registry that had a blob, the likeliest first."""

    def add(self, repository: Repository, digest: Digest) -> None:
        """Remember that a repository has a blob."""


class Pushed(Struct, frozen=True):
    """What a push came to, in bytes of blobs: `sent`, `mounted` from other repositories, `there` already."""

    descriptor: Descriptor
    sent: int
    mounted: int
    there: int


def push_image(
    wire: Wire,
    layout: Layout,
    descriptor: Descriptor,
    repository: Repository,
    tag: str,
    *,
    places: Places,
    reporter: Reporter,
    elsewhere: Elsewhere = MappingProxyType({}),
) -> Pushed:
    """Push a manifest, or an index with all its manifests, under a tag; under its digest where that is empty.

    Blobs are read as files and sent only where they are missing; the manifest comes last, so that nobody ever
    sees a part of an image. Layers that the layout lacks and `elsewhere` has are mounted from there, or
    passed through in pieces. The registry is not asked for what the image needs that has the tag so far: it
    keeps that as long as the tag is there. Should it refuse the new manifest, every blob is asked for.

    Raises:
        NetworkError: unreachable, not allowed, or failed again and again.
        IntegrityError: a blob is missing or damaged in the layout, or the registry stored something else.
        LostBlobError: a blob is not what it should be elsewhere.

    """
    target = tag or descriptor.digest
    sending = Sending(wire, layout, repository, places, elsewhere)
    before, label = head_manifest(wire, repository, target, writes=True), f"pushing to {repository}"
    if before == descriptor.digest:
        return sending.nothing(descriptor)
    known = _needed(layout, before)
    try:
        return sending.all(descriptor, target, reporter, label, known)
    except UnknownBlobError:
        if not known:
            raise
        return sending.all(descriptor, target, reporter, label)


def push_referrer(
    wire: Wire,
    layout: Layout,
    descriptor: Descriptor,
    repository: Repository,
    *,
    places: Places,
    reporter: Reporter,
) -> Pushed:
    """Push a manifest that refers to another one (`subject`), unless it is listed there among its referrers.

    That it is there is not enough: a push that was killed may have left it unlisted.

    Raises:
        NetworkError: unreachable, not allowed, or failed again and again.
        IntegrityError: a blob is missing or damaged in the layout, or the registry stored something else.

    """
    manifest = decode(layout.read(descriptor), Manifest, where=layout.path)
    sending = Sending(wire, layout, repository, places)
    listed = list_referrers(wire, repository, manifest.subject.digest) if manifest.subject else ()
    if any(item.digest == descriptor.digest for item in listed):
        return sending.nothing(descriptor)
    label = f"attaching {manifest.artifact_type}"
    return sending.all(descriptor, descriptor.digest, reporter, label)


class Sending(Struct, frozen=True):
    """Blobs on their way to a repository: from a layout, or from where the layout lacks them."""

    wire: Wire
    layout: Layout
    repository: Repository
    places: Places
    elsewhere: Elsewhere = field(default_factory=dict)

    def missing(self, blobs: Sequence[Descriptor]) -> list[Descriptor]:
        """List the blobs that the repository lacks, or may lack: what can be mounted is not asked about."""

        def is_there(blob: Descriptor, _: Task) -> bool:
            if not self.layout.has(blob.digest, blob.size) and (near := self._near(blob)):
                return self.repository in near
            return has_blob(self.wire, self.repository, blob, writes=True)

        there = in_parallel(is_there, blobs, SilentTask())
        return [blob for blob, known in zip(blobs, there, strict=True) if not known]

    def nothing(self, descriptor: Descriptor) -> Pushed:
        blobs = _blobs(self.layout, list(_documents(self.layout, descriptor)))
        return Pushed(descriptor, sent=0, mounted=0, there=sum(blob.size for blob in blobs))

    def all(
        self,
        descriptor: Descriptor,
        target: str,
        reporter: Reporter,
        label: str,
        known: AbstractSet[Digest] = frozenset(),
    ) -> Pushed:
        """Send what is missing of a manifest or an index, and then itself, under a tag or its digest.

        Blobs that are `known` to be there are not asked for.
        """
        documents = list(_documents(self.layout, descriptor))
        blobs = _blobs(self.layout, documents)
        missing = self.missing([blob for blob in blobs if blob.digest not in known])
        with reporter.task(label, sum(blob.size for blob in missing)) as task:
            mounted = in_parallel(self.give, sorted(missing, key=lambda blob: -blob.size), task)
        for document in documents:
            name = target if document is documents[-1] else document.digest
            _put(self.wire, self.layout, self.repository, name, document)
        for blob in blobs:
            if blob.digest not in known:  # those were remembered when what needs them was pushed
                self.places.add(self.repository, blob.digest)
        absent = sum(blob.size for blob in missing)
        there = sum(blob.size for blob in blobs) - absent
        return Pushed(descriptor, sent=absent - sum(mounted), mounted=sum(mounted), there=there)

    def give(self, blob: Descriptor, task: Task) -> int:
        """Mount a blob, or send it; gives the bytes that were mounted."""
        location = ""
        known = [self.repository.beside(name) for name in self.places.of(self.repository.host, blob.digest)]
        for source in dict.fromkeys((*self._near(blob), *known)):
            if source == self.repository:
                continue
            try:
                opened = mount_blob(self.wire, self.repository, blob, source)
            except NetworkError:
                continue  # we may not read there any more: what matters is whether we may send it
            if opened is None:
                task.advance(blob.size)
                return blob.size
            location = opened
        self._send(blob, task, location)
        return 0

    def _near(self, blob: Descriptor) -> list[Repository]:
        """Name the repositories of the same registry that have a blob."""
        found = self.elsewhere.get(blob.digest, ())
        return [place for place in found if place.host == self.repository.host]

    def _send(self, blob: Descriptor, task: Task, location: str) -> None:
        if self.layout.has(blob.digest, blob.size):
            path = self.layout.blob_path(blob.digest)
            upload_blob(self.wire, self.repository, blob, lambda: path.open("rb"), task, location=location)
            return
        opened = self._open(blob)
        try:
            upload_blob(self.wire, self.repository, blob, opened, task, location=location)
        except LostBlobError:
            raise
        except IntegrityError as error:
            raise lost(blob, error) from error

    def _open(self, blob: Descriptor) -> Open:
        source = next(iter(self.elsewhere.get(blob.digest, ())), None)
        if source is None:
            raise IntegrityError(
                "a blob of the image is missing",
                where=str(self.layout.blob_path(blob.digest)),
                hint="build or pull the image again",
            )
        return lambda: closing(BlobFile(self.wire, source, blob))


def _put(wire: Wire, layout: Layout, repository: Repository, name: str, document: Descriptor) -> None:
    noticed = put_manifest(wire, repository, name, document, layout.read(document))
    if document.media_type != MEDIA_INDEX and not noticed:
        manifest = decode(layout.read(document), Manifest, where=layout.path)
        if manifest.subject is not None:
            add_referrer(wire, repository, document, manifest)


def _documents(layout: Layout, descriptor: Descriptor) -> Iterator[Descriptor]:
    """Yield what an index names before the index itself: registries refuse one whose manifests they lack."""
    if descriptor.media_type == MEDIA_INDEX:
        for child in decode(layout.read(descriptor), Index, where=layout.path).manifests:
            yield from _documents(layout, child)
    yield descriptor


def _blobs(layout: Layout, documents: Sequence[Descriptor]) -> list[Descriptor]:
    """List every blob once, in the order of the manifests that name them."""
    found: dict[Digest, Descriptor] = {}
    for document in documents:
        if document.media_type != MEDIA_INDEX:
            manifest = decode(layout.read(document), Manifest, where=layout.path)
            found |= {blob.digest: blob for blob in (*manifest.layers, manifest.config)}
    return list(found.values())


def _needed(layout: Layout, digest: Digest | None) -> AbstractSet[Digest]:
    """List what a manifest of the registry needs, as far as the layout has it: none where it does not."""
    try:
        if digest is None or not layout.blob_path(parse_digest(digest)).is_file():
            return frozenset()
        data = layout.read(Descriptor("", digest, 0))
        document = read_document(data, "", where=digest).descriptor
        return {blob.digest for blob in _blobs(layout, list(_documents(layout, document)))}
    except LightshipError:  # what the registry says is no digest, or a part is damaged or was removed
        return frozenset()
