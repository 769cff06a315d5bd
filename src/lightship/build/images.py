"""Images by reference: what a base, or the files of another image, come from.

`ImageSource` is the seam: what reads an image knows neither layouts nor registries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from lightship.build.machine import Machine
from lightship.digest import Digest
from lightship.errors import IntegrityError, UsageError
from lightship.oci.index import offers
from lightship.oci.layout import Layout
from lightship.oci.model import MEDIA_MANIFEST, REF_NAME, Descriptor, Image
from lightship.platform import Platform
from lightship.reference import parse_reference

LAYOUT = "oci:"


class ImageSource(Protocol):
    """The images of one reference, one for each platform."""

    def find(self, platform: Platform) -> Image:
        """Give the image that the reference names now.

        Raises:
            UsageError: if there is none, or none for the platform.
            NetworkError: if its registry has none, does not let us read it, or cannot be asked.
            IntegrityError: if what is read of it is missing or damaged.

        """

    def pinned(self, digest: Digest) -> Image:
        """Give the image whose manifest has this digest, whatever the reference names now.

        Raises:
            NetworkError: if its registry has it no more, or cannot be asked for what is not here.
            IntegrityError: if it is not there any more, or damaged.

        """


def is_layout(reference: str) -> bool:
    """Tell whether a reference is a layout on this machine; any other is a name."""
    return reference.startswith(LAYOUT)


def find_source(reference: str, folder: Path, machine: Machine) -> ImageSource:
    """Choose a source: a layout, whose relative path starts at `folder`; what has that name; its registry.

    A name without a registry that an image was built under here means that one, any other Docker Hub's.

    Raises:
        UsageError: for what is no reference.

    """
    if is_layout(reference):
        path, _, tag = reference.removeprefix(LAYOUT).partition(":")  # as skopeo reads it
        if not path:
            raise UsageError(
                f"{reference!r} names no folder",
                where=str(folder),
                hint="write it as oci:PATH or oci:PATH:TAG",
            )
        return LayoutSource(Layout(folder / path), tag)
    from lightship.build.named import RegistrySource, is_built_here

    named, store = parse_reference(reference), machine.home.images
    source = RegistrySource(named, machine)
    return BuiltSource(LayoutSource(store, str(named)), source) if is_built_here(named, store) else source


class BuiltSource(Struct, frozen=True):
    """Images under a name that was given here: of the lock's digest, the name may also be a registry's."""

    here: ImageSource
    registry: ImageSource

    def find(self, platform: Platform) -> Image:
        return self.here.find(platform)

    def pinned(self, digest: Digest) -> Image:
        return self.registry.pinned(digest)


class LayoutSource(Struct, frozen=True):
    """Images of a layout; without a tag, the only one in it."""

    layout: Layout
    tag: str = ""

    def find(self, platform: Platform) -> Image:
        """Look the tag up, and in an index the platform."""
        found = list(offers(self.layout, self._named(), where=self._where))
        fitting = [offer for offer in found if offer.platform == str(platform)]
        if not fitting:
            there = ", ".join(sorted({offer.platform for offer in found})) or "nothing"
            raise UsageError(
                f"the image is not there for {platform}; it is for {there}",
                where=self._where,
                hint="copy all of its platforms (`skopeo copy --all`), or build for one that is there",
            )
        return self.layout.image(fitting[0].descriptor)

    def pinned(self, digest: Digest) -> Image:
        """Find the blob by its digest; tags do not count."""
        try:
            size = self.layout.blob_path(digest).stat().st_size
        except OSError:
            raise IntegrityError(
                f"the layout does not hold {digest} any more",
                where=self._where,
                hint="put the locked image back, or run `lightship lock --upgrade`",
            ) from None
        return self.layout.image(Descriptor(MEDIA_MANIFEST, digest, size))

    @property
    def _where(self) -> str:
        return f"{self.layout.path}:{self.tag}" if self.tag else str(self.layout.path)

    def _named(self) -> Sequence[Descriptor]:
        """Give the tag's descriptor; without a tag, all, if they are one image for several platforms."""
        found = self.layout.index().manifests
        names = sorted({item.annotations.get(REF_NAME, "") for item in found} - {""})
        if not self.tag:
            if len(found) > 1 and (len(names) > 1 or any(item.platform is None for item in found)):
                raise UsageError(
                    f"the layout holds {len(found)} images",
                    where=self._where,
                    hint="name one as oci:PATH:TAG" + (f"; it has {', '.join(names)}" if names else ""),
                )
            return found
        tagged = [item for item in found if item.annotations.get(REF_NAME) == self.tag]
        if not tagged:
            raise UsageError(
                f"the layout holds no image {self.tag!r}",
                where=str(self.layout.path),
                hint=self._other_tags(names),
            )
        return tagged

    @staticmethod
    def _other_tags(names: Sequence[str]) -> str:
        return f"it has {', '.join(names)}" if names else "leave the tag out: none of its images has one"
