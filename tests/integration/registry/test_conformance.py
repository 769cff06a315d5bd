"""The conformance cases against Debian's docker-registry: that they ask what real registries answer."""

from __future__ import annotations

import pytest

from tests.support.conformance.cases import CASES, Case, run
from tests.support.docker_registry import DockerRegistry

pytestmark = pytest.mark.integration
_OLDER = "is older than the referrers API"
DEPARTURES = {
    "parts_that_are_not_there_are_refused": "hangs up after the headers of its refusal",
    "what_is_no_digest_names_nothing": "answers 500",
    "another_algorithm_is_known": "names every blob by SHA-256",
    "another_algorithm_is_known_for_manifests": "names every manifest by SHA-256",
    "a_chunk_out_of_order_is_refused_and_the_session_goes_on": "takes chunks as they come",
    "a_last_chunk_out_of_order_is_refused": "takes chunks as they come",
    "layers_that_lie_elsewhere_need_not_be_there": "answers 500 where it is told no allowed URLs",
    "what_is_no_manifest_is_refused": "says that a digest is wrong",
    "tags_are_listed_in_order": "lists them in no order",
    "tags_are_listed_in_parts": "lists them whole",
    "nothing_refers_to_what_is_not_there": _OLDER,
    "what_is_no_digest_has_no_referrers": _OLDER,
    "what_refers_to_an_image_is_listed": _OLDER,
    "a_subject_may_come_later": _OLDER,
    "what_referred_to_an_image_is_removed": _OLDER,
    "a_tag_is_removed_and_its_manifest_stays": "removes manifests by digest alone",
}
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
