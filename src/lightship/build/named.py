"""Images by name: those of registries, and those that were built here and have a name without a registry.

What a name means is asked of its registry when a lock is made; from then on the lock's digest counts. A name
with a registry is never looked up in the local store, so that a lock does not depend on what somebody pulled.
"""

from __future__ import annotations

from dataclasses import dataclass

from lightship.build.machine import Machine
from lightship.build.remote import known_digest, remember
from lightship.digest import Digest
from lightship.errors import NetworkError
from lightship.oci.layout import Layout
from lightship.oci.model import Image
from lightship.platform import Platform
from lightship.reference import Reference
from lightship.registry.address import locate, target
from lightship.registry.answers import MissingError
from lightship.registry.pull import SOURCE
from lightship.registry.remote import RemoteImage
from lightship.registry.resolve import at_digest, resolve
from lightship.registry.wire import Wire


def is_built_here(reference: Reference, store: Layout) -> bool:
    """Tell whether a name without a registry was given to an image on this machine, and not by `pull`."""
    if reference.registry or reference.digest:
        return False
    store.create()
    found = store.names().get(str(reference))
    return found is not None and SOURCE not in found.annotations


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """Images of a registry, as far as they are not on this machine."""

    reference: Reference
    machine: Machine

    def find(self, platform: Platform) -> Image:
        """Ask the registry what the name stands for; offline, what it was when it was asked last."""
        if self.machine.offline:
            digest = known_digest(self.reference, platform, self.machine)
            if digest is None:
                raise self._not_cached(f" for {platform}")
            return self.pinned(digest)
        repository, store = locate(self.reference), self.machine.home.images
        image = resolve(self._connect, repository, target(self.reference), store, platform)
        remember(self.reference, platform, image, self.machine)
        return image

    def pinned(self, digest: Digest) -> RemoteImage:
        """Read the manifest where it was kept, or else from the repository, whatever its tags are."""
        try:
            return at_digest(self._connect, locate(self.reference), digest, self.machine.home.images)
        except MissingError as error:
            raise NetworkError(
                error.message,
                where=error.where,
                hint="the locked image is gone, or you may not see it: log in, or let the lock take what its "
                "name stands for now (`lightship lock --upgrade`)",
            ) from error

    def _connect(self) -> Wire:
        if self.machine.offline:
            raise self._not_cached("")
        return self.machine.registries()

    def _not_cached(self, what: str) -> NetworkError:
        return NetworkError(
            f"the image is not in the cache{what}",
            where=str(self.reference),
            hint="run once without `--offline`, or pull it",
        )
