"""The layer cache: registries asked for layers that this machine has not made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from lightship.build.sharing import Found, Hit, Pins
from lightship.digest import Digest
from lightship.errors import IntegrityError, LightshipError, NetworkError, UsageError
from lightship.events import Reporter, SilentTask, Task
from lightship.oci.layout import Layout
from lightship.registry.address import Repository

if TYPE_CHECKING:
    from lightship.registry.layercache import CachedLayer, Entry, Facts
    from lightship.registry.wire import Wire

_WORKERS = 8
"""Questions at once: each is answered within one round trip, and moves a kilobyte."""
_FAILURES = (NetworkError, IntegrityError, UsageError)


class LayerCache:
    """Repositories that hold layers by their keys; each is asked once for each key.

    Args:
        sources: where to look, the first that has a layer counts.
        connect: gives the client when something is to be asked.
        reporter: is told of what fails: a build never fails for what a cache has, or has not.
        only_pinned: take nothing that the lock does not record.

    """

    def __init__(
        self,
        sources: Sequence[Repository],
        connect: Callable[[], Wire],
        reporter: Reporter,
        *,
        only_pinned: bool = False,
    ) -> None:
        self._sources = list(sources)
        self._connect = connect
        self._reporter = reporter
        self._only_pinned = only_pinned
        self._asked: set[Digest] = set()
        self._hits: dict[Digest, Hit] = {}
        self._facts: dict[str, Facts] = {}

    def find(self, wanted: Collection[Digest], group: Sequence[Digest], pins: Pins) -> Found:
        """Look layers up, as `SharedLayers` says."""
        from lightship.registry.layercache import group_tag

        open_keys = [key for key in dict.fromkeys(wanted) if key not in self._asked]
        if self._only_pinned:
            open_keys = [key for key in open_keys if key in pins]
        for source in list(self._sources):
            missing = [key for key in open_keys if key not in self._hits]
            if missing:
                self._guarded(source, lambda: self._ask(source, missing, group, pins))  # noqa: B023
        self._asked.update(open_keys)
        hits = {key: self._hits[key] for key in wanted if key in self._hits}
        facts = self._facts.get(group_tag(group))
        return Found(hits, facts.notes, facts.trimmed) if facts else Found(hits)

    def proven(self, key: Digest) -> bool:
        """Tell whether a cache says that a proof succeeded; not where only pinned layers are taken."""
        from lightship.registry.layercache import proof_tag

        found: list[Entry] = []
        for source in () if self._only_pinned else list(self._sources):
            self._guarded(source, lambda: found.extend(self._read_all(source, [proof_tag(key)]).values()))  # noqa: B023
        return bool(found)

    def bring(self, layout: Layout, hits: Sequence[Hit]) -> None:
        """Fetch the layers that a layout lacks.

        Raises:
            LostBlobError: if one is not where it was found, or is not what it was said to be.

        """
        blobs = {hit.record.descriptor.digest: hit for hit in hits}
        if all(layout.has(digest, hit.record.descriptor.size) for digest, hit in blobs.items()):
            return
        from lightship.registry.elsewhere import fetch_absent

        elsewhere = {digest: (hit.place,) for digest, hit in blobs.items()}
        wanted = [hit.record.descriptor for hit in blobs.values()]
        fetch_absent(self._connect(), layout, wanted, elsewhere, self._reporter)

    def give_up(self, error: LightshipError) -> None:
        """Forget what was found: the caches are not what they say they are."""
        self._reporter.warn(f"the layer cache is not used any more: {error}")
        self._sources.clear()
        self._hits.clear()
        self._facts.clear()

    def _guarded(self, source: Repository, ask: Callable[[], None]) -> None:
        """Ask a cache; one that fails is not asked again."""
        try:
            ask()
        except _FAILURES as error:
            self._reporter.warn(f"the layer cache {source} is not used: {error}")
            self._sources.remove(source)

    def _ask(self, source: Repository, keys: Sequence[Digest], group: Sequence[Digest], pins: Pins) -> None:
        found = {layer.key: layer for layer in self._entries(source, keys, group)}
        right = [layer for key in keys if (layer := found.get(key)) and self._is_right(layer, pins, source)]
        hits = self._there(source, right)
        for layer in hits:
            self._hits[layer.key] = Hit(layer.record, source, layer.proven)
        self._reporter.note(f"the layer cache {source} has {len(hits)} of {len(keys)} layers")

    def _entries(
        self, source: Repository, keys: Sequence[Digest], group: Sequence[Digest]
    ) -> Iterator[CachedLayer]:
        """Read the entry of the group, and those of layers beside it; without the first, of each layer."""
        from lightship.registry.layercache import group_tag, layer_tag

        grouped = set(group).intersection(keys)
        whole = [group_tag(group)] if grouped else []
        first = {layer_tag(key): key for key in keys if key not in grouped}
        entries = self._read_all(source, [*whole, *first])
        layers = self._group(source, entries.pop(group_tag(group), None), group) if grouped else ()
        yield from layers
        if not layers:
            first |= {layer_tag(key): key for key in keys if key in grouped}
            entries |= self._read_all(source, [layer_tag(key) for key in keys if key in grouped])
        for tag, entry in entries.items():
            if [layer.key for layer in entry.layers] == [first[tag]]:
                yield from entry.layers
            else:
                self._reporter.warn(f"{source}:{tag} is the entry of another layer")

    def _group(
        self, source: Repository, entry: Entry | None, group: Sequence[Digest]
    ) -> tuple[CachedLayer, ...]:
        from lightship.registry.layercache import group_tag

        if entry is None:
            return ()
        if [layer.key for layer in entry.layers] != list(group):
            self._reporter.warn(f"{source}:{group_tag(group)} is the entry of other layers")
            return ()
        if entry.facts is not None:
            self._facts[group_tag(group)] = entry.facts
        return entry.layers

    def _read_all(self, source: Repository, tags: Sequence[str]) -> dict[str, Entry]:
        """Read entries at once; a damaged one is as good as none."""
        from lightship.registry.layercache import read_entry
        from lightship.registry.transfer import in_parallel

        wire = self._connect()

        def read(tag: str, _: Task) -> Entry | None:
            try:
                return read_entry(wire, source, tag)
            except (IntegrityError, UsageError) as error:
                self._reporter.warn(str(error))
                return None

        entries = in_parallel(read, tags, SilentTask(), workers=_WORKERS)
        return {tag: entry for tag, entry in zip(tags, entries, strict=True) if entry is not None}

    def _is_right(self, layer: CachedLayer, pins: Pins, source: Repository) -> bool:
        pinned = pins.get(layer.key)
        if pinned is None or pinned == layer.record:
            return True
        self._reporter.warn(
            f"the layer cache {source} has {layer.record.descriptor.digest} where the lock records "
            f"{pinned.descriptor.digest}: it is not taken, and made here"
        )
        return False

    def _there(self, source: Repository, layers: Sequence[CachedLayer]) -> list[CachedLayer]:
        """Leave out layers whose blobs the repository lost, or has in another size."""
        from lightship.registry.blobs import has_blob
        from lightship.registry.transfer import in_parallel

        wire = self._connect()

        def is_there(layer: CachedLayer, _: Task) -> bool:
            return has_blob(wire, source, layer.record.descriptor)

        there = in_parallel(is_there, layers, SilentTask(), workers=_WORKERS)
        if lost := there.count(False):
            self._reporter.warn(
                f"the layer cache {source} does not hold {lost} of the layers that it names, as it names them"
            )
        return [layer for layer, known in zip(layers, there, strict=True) if known]
