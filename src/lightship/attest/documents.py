"""Bills of materials: an image's inventory in the form that is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from uuid import UUID

from lightship import __version__
from lightship.attest.model import Inventory
from lightship.digest import of_value

CYCLONEDX, SPDX = "cyclonedx", "spdx"
MEDIA_CYCLONEDX = "application/vnd.cyclonedx+json"


def write_sbom(inventory: Inventory, form: str) -> bytes:
    """Write an inventory as CycloneDX 1.6 or SPDX 2.3, both JSON; equal inventories give equal bytes."""
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"{form}:{__version__}:{of_value(inventory)}")
    return _WRITERS[form](inventory, serial)


def _cyclonedx(inventory: Inventory, serial: UUID) -> bytes:
    from lightship.attest.cyclonedx import write_cyclonedx

    return write_cyclonedx(inventory, serial, __version__)


def _spdx(inventory: Inventory, serial: UUID) -> bytes:
    from lightship.attest.spdx import write_spdx

    return write_spdx(inventory, serial, __version__)


_WRITERS: Mapping[str, Callable[[Inventory, UUID], bytes]] = {CYCLONEDX: _cyclonedx, SPDX: _spdx}
FORMATS = tuple(_WRITERS)
