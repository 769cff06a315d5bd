"""The registry in this process behaves as the specification says, so that tests on it mean something."""

from __future__ import annotations

import pytest

from tests.support.conformance.cases import CASES, Case, run
from tests.support.registry import Registry


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_conformance(registry: Registry, case: Case) -> None:
    run(case, registry.host)
