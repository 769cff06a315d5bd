"""What checks ask of the files themselves, beyond listings and scans: who reads the files, and who was told.

Where a layer is, its facts answer, and what they do not say is read from the layer. Where it is not, the
answers count that were given where it was: a check that asks something else is told so, and then the layer
is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.digest import Digest
from lightship.errors import IntegrityError
from lightship.inspect.facts import LayerFacts
from lightship.inspect.scan import Compiled, hash_source

File = tuple[StoredLayer, StoredMember]
"""A file, as a layer holds it."""
Key = tuple[Digest, int]
"""The same, by diff ID and by number in the listing."""
Asked = TypeVar("Asked")
Value = TypeVar("Value")


class UntoldError(IntegrityError):
    """A check asks what was not answered where the layer was."""


class Files(Protocol):
    """Answers questions about files of layers; each may raise `UntoldError`."""

    def read(self, file: File) -> bytes:
        """Give a small file's bytes."""

    def digest(self, file: File) -> bytes:
        """Give a file's SHA-256."""

    def source_hash(self, file: File, compiled: Compiled) -> bytes:
        """Hash a source as the bytecode says that was made of it."""

    def same(self, one: File, other: File) -> bool:
        """Tell whether two files hold the same bytes."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked, and answered; a hash of a source is of the bytecode's magic number."""

    texts: dict[Key, bytes] = field(default_factory=dict)
    digests: dict[Key, bytes] = field(default_factory=dict)
    hashes: dict[tuple[Key, int], bytes] = field(default_factory=dict)
    pairs: dict[tuple[Key, Key], bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactFiles:
    """Files that facts tell of; `unpack` unpacks a layer whose facts do not say what is asked."""

    facts: Mapping[Digest, LayerFacts]
    unpack: Callable[[StoredLayer], None]

    def read(self, file: File) -> bytes:
        layer, member = file
        text = self.facts[layer.diff_id].texts.get(member.number)
        if text is not None:
            return text
        self.unpack(layer)
        return layer.file(member).read_bytes()

    def digest(self, file: File) -> bytes:
        layer, member = file
        return self.facts[layer.diff_id].digest(member.number)

    def source_hash(self, file: File, compiled: Compiled) -> bytes:
        layer, member = file
        known = self.facts[layer.diff_id].hashes.get(member.number, {})
        return known.get(compiled.header[:4]) or hash_source(compiled, self.read(file))

    def same(self, one: File, other: File) -> bool:
        return self.digest(one) == self.digest(other)


@dataclass(frozen=True, slots=True)
class NotedFiles:
    """Files that are asked, and whose answers are noted."""

    files: Files
    answers: Answers = field(default_factory=Answers)

    def read(self, file: File) -> bytes:
        return self.answers.texts.setdefault(_key(file), self.files.read(file))

    def digest(self, file: File) -> bytes:
        return self.answers.digests.setdefault(_key(file), self.files.digest(file))

    def source_hash(self, file: File, compiled: Compiled) -> bytes:
        key = (_key(file), compiled.magic)
        return self.answers.hashes.setdefault(key, self.files.source_hash(file, compiled))

    def same(self, one: File, other: File) -> bool:
        return self.answers.pairs.setdefault((_key(one), _key(other)), self.files.same(one, other))


@dataclass(frozen=True, slots=True)
class ToldFiles:
    """Files that are asked where their layers are `here`; of others the answers are known."""

    here: frozenset[Digest]
    answers: Answers
    files: Files

    def read(self, file: File) -> bytes:
        return self._ask(lambda: self.files.read(file), self.answers.texts, _key(file), file)

    def digest(self, file: File) -> bytes:
        return self._ask(lambda: self.files.digest(file), self.answers.digests, _key(file), file)

    def source_hash(self, file: File, compiled: Compiled) -> bytes:
        key = (_key(file), compiled.magic)
        return self._ask(lambda: self.files.source_hash(file, compiled), self.answers.hashes, key, file)

    def same(self, one: File, other: File) -> bool:
        key = (_key(one), _key(other))
        return self._ask(lambda: self.files.same(one, other), self.answers.pairs, key, one, other)

    def _ask(self, ask: Callable[[], Value], told: Mapping[Asked, Value], key: Asked, *files: File) -> Value:
        if all(layer.diff_id in self.here for layer, _ in files):
            return ask()
        if key not in told:
            raise UntoldError(f"it does not say what is in {files[0][1].path}")
        return told[key]


def _key(file: File) -> Key:
    layer, member = file
    return layer.diff_id, member.number
