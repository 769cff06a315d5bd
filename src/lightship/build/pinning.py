"""Layers that a project's lock records: a build takes no others."""

from __future__ import annotations

from lightship.build.cache import Memo
from lightship.build.locks import lock_file, parse_text, read_text
from lightship.build.machine import Machine
from lightship.build.sharing import Pins
from lightship.digest import Digest, of_bytes
from lightship.oci.record import LayerRecord
from lightship.project.detect import Project
from lightship.wheels.layers import TABLE, records


def pinned_layers(project: Project, variant: str, machine: Machine) -> Pins:
    """Read the layers of a variant's lock, by their keys; nothing where there is no lock.

    Raises:
        UsageError: if the lock is damaged.

    """
    path = lock_file(project, variant)
    data = path.read_bytes() if path.is_file() else b""
    if TABLE.encode() not in data:
        return {}

    def read() -> dict[Digest, LayerRecord]:
        return records(parse_text(read_text(data, path), path).layers)

    memo = Memo(machine.home.cache / "pinned")
    return memo.get_or_make(of_bytes(data), dict[str, LayerRecord], read)  # type: ignore[arg-type]
