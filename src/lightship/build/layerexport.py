"""The layer cache written: what a build made, under the digests of what it was made from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.build.proofs import loading_key, proofs, start_key
from lightship.build.remarks import remarks
from lightship.build.remote import known_places
from lightship.build.savings import count_savings
from lightship.digest import Digest
from lightship.events import SilentTask, Task
from lightship.oci.model import Descriptor
from lightship.plan.model import Plan, WheelsLayer
from lightship.plan.trimming import TRACED
from lightship.project.detect import Project
from lightship.registry.address import Repository
from lightship.registry.blobs import has_blob
from lightship.registry.layercache import (
    EMPTY,
    GROUP,
    LAYER,
    CachedLayer,
    Entry,
    Facts,
    entry_manifest,
    group_tag,
    layer_tag,
    proof_tag,
)
from lightship.registry.manifests import head_manifest, put_manifest
from lightship.registry.push import Sending
from lightship.registry.transfer import in_parallel
from lightship.registry.upload import upload_blob
from lightship.registry.wire import Wire

_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Exported:
    """What writing a cache came to: layers that it had not, and bytes of them `sent` or `mounted`."""

    added: int = 0
    sent: int = 0
    mounted: int = 0


def export_layers(
    project: Project, plan: Plan, built: Built, target: Repository, machine: Machine, wire: Wire
) -> Exported:
    """Put the layers of an image into a cache, those that are not there.

    Any number of builds may do so at once: what is under a key is the same, whoever writes it.

    Raises:
        NetworkError: unreachable, not allowed, or failed again and again.
        IntegrityError: a blob is missing or damaged, here or where it was found.

    """
    entries = _entries(project, plan, built, target, machine)
    documents = {tag: entry_manifest(entry) for tag, entry in entries.items()}

    def is_there(tag: str, _: Task) -> bool:
        known = head_manifest(wire, target, tag, writes=True)
        return known == documents[tag][0].digest or (known is not None and _says_less(entries[tag], tag))

    there = in_parallel(is_there, list(documents), SilentTask(), workers=_WORKERS)
    new = [tag for tag, known in zip(documents, there, strict=True) if not known]
    if not new:
        return Exported()
    layers = {layer.record.descriptor.digest: layer for tag in new for layer in entries[tag].layers}
    sent, mounted = _give(
        [layer.record.descriptor for layer in layers.values()], built, target, machine, wire
    )
    _add_empty(target, wire)

    def put(tag: str, _: Task) -> None:
        put_manifest(wire, target, tag, *documents[tag])

    groups = [tag for tag in new if tag.startswith(GROUP)]  # last: whoever reads one asks for nothing else
    in_parallel(put, [tag for tag in new if tag not in groups], SilentTask(), workers=_WORKERS)
    in_parallel(put, groups, SilentTask())
    return Exported(sum(tag.startswith(LAYER) for tag in new), sent, mounted)


def _says_less(entry: Entry, tag: str) -> bool:
    """Tell whether an entry of the tag may say more than ours: what only archives tell of a group."""
    return tag.startswith(GROUP) and entry.facts is None


def _entries(
    project: Project, plan: Plan, built: Built, target: Repository, machine: Machine
) -> dict[str, Entry]:
    cached = dict(_cached(plan, built, machine))
    hits = {layer.key for layer in built.layers if layer.hit and layer.hit.place == target}
    entries = {layer_tag(key): Entry((layer,)) for key, layer in cached.items() if key not in hits}
    if not hits.issuperset(built.group):
        group = tuple(cached[key] for key in built.group)
        entries[group_tag(built.group)] = Entry(group, _facts(plan, machine))
    if project.config.trim == TRACED:
        key = start_key(project, machine.home.images.image(built.descriptor))
        if proofs(machine).get(key, bool):
            entries[proof_tag(key)] = Entry(())
    return entries


def _cached(plan: Plan, built: Built, machine: Machine) -> list[tuple[Digest, CachedLayer]]:
    memo = proofs(machine)
    found = []
    for layer, made in zip(plan.layers, built.layers, strict=True):
        if made.hit:
            proven = made.hit.proven
        else:
            stripped = isinstance(layer, WheelsLayer) and layer.strip
            proven = stripped and bool(memo.get(loading_key(layer), bool))  # type: ignore[arg-type]
        found.append((made.key, CachedLayer(made.key, made.record, proven)))
    return found


def _facts(plan: Plan, machine: Machine) -> Facts | None:
    """Say what the archives tell, where they are all here."""
    savings = count_savings(plan, machine.home)
    return None if savings.uncounted else Facts(remarks(plan, machine.home), savings.bytes)


def _give(
    blobs: Sequence[Descriptor], built: Built, target: Repository, machine: Machine, wire: Wire
) -> tuple[int, int]:
    """Mount or send what the repository lacks; gives the bytes of both."""
    elsewhere = {layer.record.descriptor.digest: (layer.hit.place,) for layer in built.layers if layer.hit}
    places = known_places(machine)
    sending = Sending(wire, machine.home.images, target, places, elsewhere)
    missing = sending.missing(blobs)
    total = sum(blob.size for blob in missing)
    with machine.reporter.task(f"caching in {target}", total) as task:
        mounted = sum(in_parallel(sending.give, sorted(missing, key=lambda blob: -blob.size), task))
    for blob in blobs:
        places.add(target, blob.digest)
    return total - mounted, mounted


def _add_empty(target: Repository, wire: Wire) -> None:
    if not has_blob(wire, target, EMPTY, writes=True):
        upload_blob(wire, target, EMPTY, lambda: io.BytesIO(b"{}"), SilentTask())
