"""The conformance cases against Debian's docker-registry: that they ask what real registries answer."""

from __future__ import annotations

import pytest

from tests.support.conformance.cases import CASES, Case, run
from tests.support.docker_registry import DockerRegistry

pytestmark = pytest.mark.integration
DEPARTURES = {}
"""Where docker-registry 2.8, which is older than the specification's version 1.1, departs from it."""


def cases() -> list[object]:
    return [
        pytest.param(
            case,
            id=case.__name__,
            marks=[pytest.mark.xfail(reason=DEPARTURES[case.__name__], strict=True)]
            if case.__name__ in DEPARTURES
            else [],
        )
        for case in CASES
    ]


@pytest.mark.parametrize("case", cases())
def test_conformance(open_registry: DockerRegistry, case: Case) -> None:
    run(case, open_registry.host)
