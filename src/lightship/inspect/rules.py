"""Every rule of `verify`, in the order in which they are reported."""

from __future__ import annotations

from lightship.inspect.checks import (
    configuration,
    development,
    distributions,
    imports,
    libraries,
    start,
    target,
    tools,
)
from lightship.inspect.findings import Rule

RULES: tuple[Rule, ...] = (
    *tools.RULES,
    *development.RULES,
    *libraries.RULES,
    *configuration.RULES,
    *imports.RULES,
    *distributions.RULES,
    *start.RULES,
    *target.RULES,
)
STATIC_CHECKS = (
    tools.check,
    development.check,
    libraries.check,
    configuration.check,
    distributions.check,
)
"""Functions from `Contents` to findings: they read the image, and run nothing of it."""
