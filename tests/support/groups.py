"""Which integration tests run in one process, and in which order the processes take them.

Tests of a group share what they build. The longest groups come first, so that the processes end together.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

FOLDER = "tests/integration/"
GROUPS = (
    ("build/", "golden/"),  # the example, and Lightship installed for every Python
    ("article/", "dockerfile/", "engines/"),  # the same stand-ins
    ("stages/", "start/"),  # their services listen at the same port of this machine
    ("lazy/",),  # builds a snapshotter, where none is kept
    ("build/test_bad_", "build/test_interrupted.py"),  # small services
    ("builder/",),
    ("targets/",),
    ("debs/",),
    ("bases/",),
    ("cache/",),
    ("wheels/",),
    ("attest/",),
    ("inspect/",),
)
_BY_PREFIX = {prefix: group[0] for group in GROUPS for prefix in group}


def group_of(nodeid: str) -> str:
    """Name the group of a test; one that is no integration test is a group of its own."""
    if not nodeid.startswith(FOLDER):
        return nodeid
    path = nodeid.removeprefix(FOLDER)
    prefix = max(filter(path.startswith, _BY_PREFIX), key=len, default="")
    return _BY_PREFIX.get(prefix, path.partition("/")[0])


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Sort tests by their groups; those that are not named come last."""
    places = {group[0]: place for place, group in enumerate(GROUPS)}
    return sorted(items, key=lambda item: places.get(group_of(item.nodeid), len(places)))


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives whole groups to processes, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
