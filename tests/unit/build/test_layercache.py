"""What a build is told of layers when registries misbehave: warnings, and never a wrong layer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from lightship.build.layercache import LayerCache
from lightship.build.sharing import Found, Hit, Pins, building
from lightship.digest import Digest, of_value
from lightship.errors import LostBlobError
from lightship.events import SilentReporter
from lightship.net.settings import HttpSettings
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor
from lightship.oci.record import LayerRecord
from lightship.registry.address import Repository
from lightship.registry.client import connected
from lightship.registry.layercache import (
    CachedLayer,
    Entry,
    Facts,
    entry_manifest,
    group_tag,
    layer_tag,
    proof_tag,
)
from lightship.registry.wire import Wire
from tests.support.registry import Registry, serving
from tests.support.registry_faults import Fault, Planned, Random

NAME = "team/cache"
KEYS = tuple(of_value(["key", number]) for number in range(6))
GROUP = KEYS[:4]
FACTS = Facts(("a and b both write /x",), 17)


@dataclass
class Heard(SilentReporter):
    warnings: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@contextmanager
def patient() -> Iterator[Wire]:
    """Connect; waits take no time."""
    with connected(
        HttpSettings(timeout=5.0),
        lambda _: None,
        sleep=lambda _: None,
        jitter=lambda: 1.0,
        now=lambda: 1_000.0,
    ) as wire:
        yield wire


def record(registry: Registry, number: int) -> LayerRecord:
    data = b"layer %d" % number
    blob = Descriptor(MEDIA_LAYER_GZIP, registry.add_blob(NAME, data), len(data))
    return LayerRecord(blob, of_value(number), 10 * number)


def fill(registry: Registry) -> dict[Digest, LayerRecord]:
    layers = {key: CachedLayer(key, record(registry, n), proven=n == 1) for n, key in enumerate(KEYS)}
    for key, layer in layers.items():
        put(registry, layer_tag(key), Entry((layer,)))
    put(registry, group_tag(GROUP), Entry(tuple(layers[key] for key in GROUP), FACTS))
    put(registry, proof_tag(KEYS[0]), Entry(()))
    return {key: layer.record for key, layer in layers.items()}


def put(registry: Registry, tag: str, entry: Entry) -> None:
    descriptor, data = entry_manifest(entry)
    registry.add_manifest(NAME, tag, descriptor.media_type, data)


@dataclass
class Build:
    """One build's cache."""

    cache: LayerCache
    heard: Heard

    def find(self, *keys: Digest, group: tuple[Digest, ...] = GROUP, pins: Pins | None = None) -> Found:
        return self.cache.find(keys, group, pins or {})


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as server:
        yield server


@pytest.fixture
def build(registry: Registry) -> Iterator[Callable[..., Build]]:
    with patient() as wire:

        def make(*sources: Repository, only_pinned: bool = False) -> Build:
            heard = Heard()
            places = sources or (registry.repository(NAME),)
            return Build(LayerCache(places, lambda: wire, heard, only_pinned=only_pinned), heard)

        yield make


def test_a_group_is_one_question_and_each_blob_is_looked_for(
    registry: Registry, build: Callable[..., Build]
) -> None:
    known = fill(registry)
    found = build().find(*KEYS)
    place = registry.repository(NAME)
    assert found.layers == {key: Hit(known[key], place, key == KEYS[1]) for key in KEYS}
    assert (found.notes, found.trimmed) == (FACTS.notes, FACTS.trimmed)
    assert len(registry.calls("GET", "/manifests/")) == 3
    assert len(registry.calls("HEAD", "/blobs/")) == 6


def test_a_key_is_asked_for_once(registry: Registry, build: Callable[..., Build]) -> None:
    fill(registry)
    one = build()
    one.find(*KEYS, of_value("unknown"))
    registry.asked.clear()
    assert set(one.find(*KEYS, of_value("unknown")).layers) == set(KEYS)
    assert registry.asked == []


def test_layers_of_another_group_are_found_singly(registry: Registry, build: Callable[..., Build]) -> None:
    fill(registry)
    found = build().find(*KEYS[:2], of_value("new"), group=(*KEYS[:2], of_value("new")))
    assert (set(found.layers), found.trimmed) == (set(KEYS[:2]), None)


def test_an_entry_of_other_layers_is_not_believed(registry: Registry, build: Callable[..., Build]) -> None:
    known = fill(registry)
    put(registry, group_tag(GROUP), Entry((CachedLayer(KEYS[0], known[KEYS[0]]),)))
    put(registry, layer_tag(KEYS[1]), Entry((CachedLayer(KEYS[0], known[KEYS[0]]),)))
    one = build()
    assert set(one.find(*KEYS).layers) == {*KEYS} - {KEYS[1]}
    assert len(one.heard.warnings) == 2
    assert all("the entry of" in warning for warning in one.heard.warnings)


def test_proofs_are_found(registry: Registry, build: Callable[..., Build]) -> None:
    fill(registry)
    assert build().cache.proven(KEYS[0])
    assert not build().cache.proven(KEYS[1])
    assert not build(only_pinned=True).cache.proven(KEYS[0])


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.ERROR, Fault.BUSY])
def test_what_passes_is_asked_again(registry: Registry, build: Callable[..., Build], fault: Fault) -> None:
    fill(registry)
    registry.faults = Planned("GET", "/manifests/", [fault, fault])
    one = build()
    assert set(one.find(*KEYS).layers) == set(KEYS)
    assert one.heard.warnings == []


def test_a_cache_that_fails_is_named_once_and_the_next_is_asked(
    registry: Registry, build: Callable[..., Build]
) -> None:
    fill(registry)
    nobody = Repository("127.0.0.1:1", "127.0.0.1:1", NAME)
    one = build(nobody, registry.repository(NAME))
    assert set(one.find(*KEYS[:3]).layers) == set(KEYS[:3])
    assert set(one.find(*KEYS).layers) == set(KEYS)
    (warning,) = one.heard.warnings
    assert warning.startswith("the layer cache 127.0.0.1:1/team/cache is not used: ")


def test_a_cache_that_wants_a_password_is_not_used(registry: Registry, build: Callable[..., Build]) -> None:
    fill(registry)
    registry.auth = "token"
    one = build()
    assert one.find(*KEYS).layers == {}
    assert "without a password" in one.heard.warnings[0]


def test_what_fails_costs_no_layer_its_truth(registry: Registry, build: Callable[..., Build]) -> None:
    """Whatever happens to requests, what is found is what was put there."""
    known = fill(registry)
    seeds = random.Random(0)  # noqa: S311 - no secret
    for _ in range(40):
        registry.faults = Random(seeds.randrange(1 << 30), 0.2)
        found = build().find(*KEYS)
        assert {key: hit.record for key, hit in found.layers.items()}.items() <= known.items()


def test_pins_count_more_than_what_is_found(registry: Registry, build: Callable[..., Build]) -> None:
    known = fill(registry)
    pins = {KEYS[0]: known[KEYS[0]], KEYS[1]: known[KEYS[2]]}
    one = build()
    assert set(one.find(*KEYS, pins=pins).layers) == {*KEYS} - {KEYS[1]}
    assert "it is not taken, and made here" in one.heard.warnings[0]
    strict = build(only_pinned=True)
    assert set(strict.find(*KEYS, pins=pins).layers) == {KEYS[0]}


def test_a_build_that_lost_a_layer_is_done_again_without_caches(
    registry: Registry, build: Callable[..., Build]
) -> None:
    fill(registry)
    one, tries = build(), list[int]()

    def attempt() -> int:
        tries.append(len(one.find(*KEYS).layers))
        if tries[-1]:
            raise LostBlobError("a layer of the image cannot be had", where="x")
        return len(tries)

    assert (building(one.cache, attempt), tries) == (2, [6, 0])
    assert one.heard.warnings == [
        "the layer cache is not used any more: a layer of the image cannot be had (x)"
    ]
