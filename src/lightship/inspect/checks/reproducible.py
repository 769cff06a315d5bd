"""Whether the same sources would give the same image again: time stamps (reproducible-builds.org)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity

BUILD_TIME = Rule(
    "LV421-build-time",
    "no layer has the time of its making in it",
    Severity.NOTE,
    "Built again from the same sources, the layer has another digest: it is pushed and pulled again.",
    "build with `SOURCE_DATE_EPOCH` and `rewrite-timestamp=true` (BuildKit 0.13 or newer), or with Lightship",
)
RULES = (BUILD_TIME,)
_NEAR = 3600
"""Seconds before a layer's end in which what it holds was made by it."""


def check(contents: Contents) -> Iterator[Finding]:
    """Compare each layer's files with the time in the history; one in whole seconds was set, not measured."""
    steps = [step for step in contents.config.history if not step.empty_layer]
    if len(steps) != len(contents.layers):
        return
    made = []
    for step, scan in zip(steps, contents.scans, strict=True):
        end = _measured(step.created)
        if end is not None and any(0 <= end - time < _NEAR for time in scan.times.values()):
            made.append(step.created)
    if made:
        layers = f"{len(made)} of {len(contents.layers)} layers"
        yield BUILD_TIME.finding(
            "layers", f"{layers} hold files from the time of the build, the last at {made[-1]}"
        )


def _measured(created: str) -> float | None:
    """Read a time stamp (RFC 3339), if a clock gave it: with a fraction of a second."""
    if "." not in created:
        return None
    try:
        whole = datetime.strptime(created.partition(".")[0], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return whole.timestamp()
