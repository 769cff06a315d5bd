from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from lightship.events import SilentReporter
from lightship.fs.entries import Entry
from lightship.inspect.report.dists import Asked
from lightship.inspect.report.inspection import inspect_image
from lightship.inspect.report.model import Inspection
from lightship.oci.model import Execution
from tests.unit.inspect.conftest import MakeImage

Inspect = Callable[..., Inspection]


@pytest.fixture
def inspect(make_image: MakeImage, tmp_path: Path) -> Inspect:
    """Account for an image that is made of layers' entries."""

    def call(
        *layers: Iterable[Entry],
        execution: Execution | None = None,
        asked: Mapping[str, Asked] | None = None,
    ) -> Inspection:
        image = make_image(*layers, execution=execution)
        return inspect_image(
            "test:1", image, cache=tmp_path / "cache", reporter=SilentReporter(), asked=asked
        )

    return call
