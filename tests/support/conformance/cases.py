"""All cases, in our own words, of what opencontainers/distribution-spec checks in `conformance/`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from tests.support.conformance import discovery, management, manifests, pull, push
from tests.support.conformance.api import Api

Case = Callable[[Api], None]

CASES: tuple[Case, ...] = tuple(
    chain.from_iterable(module.CASES for module in (pull, push, manifests, discovery, management))
)


def run(case: Case, host: str) -> None:
    """Try a case in a repository of its own."""
    case(Api(host, f"conformance/{case.__name__.replace('_', '-')}"))
