"""What a push is told of where blobs are, without a disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lightship.digest import Digest
from lightship.registry.address import Repository


@dataclass
class Places:
    """Names of repositories by blob."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def of(self, host: str, digest: Digest) -> Sequence[str]:  # noqa: ARG002
        return self.names.get(digest, [])

    def add(self, repository: Repository, digest: Digest) -> None:
        self.names.setdefault(digest, []).append(repository.name)
