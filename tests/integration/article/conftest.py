from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.programs import Run, caller

OURS = ("standin-test", "article-test")


@pytest.fixture(scope="module")
def client(bases: str) -> Iterator[Run]:
    """Docker's client, where the stand-ins are; what the module's tests built goes at its end."""
    call = caller("/usr/bin/docker", "--host", bases)
    yield call
    built = [call("image", "ls", "--quiet", name).split() for name in OURS]
    if images := sorted({image for found in built for image in found}):
        call("image", "rm", "--force", *images)
