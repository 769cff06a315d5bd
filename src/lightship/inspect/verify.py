"""Proves an image: runs every check over what its layers hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightship.build.sandbox import Sandbox
from lightship.events import Reporter
from lightship.inspect.findings import Report
from lightship.oci.model import Image


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How `--start` runs the image: variables over the image's own, and the wait in seconds."""

    env: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0


def verify_image(
    image: Image,
    *,
    budget: int | None,
    cache: Path,
    sandbox: Sandbox | None,
    reporter: Reporter,
    start: StartOptions | None = None,
) -> Report:
    """Run every check.

    Without a `sandbox` nothing of the image is executed: the import check is left out, and says so.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        UsageError: `start` without a sandbox, or with a port that is taken.

    """
    raise NotImplementedError
