"""Every rule of `verify`, in the order in which they are reported and documented."""

from __future__ import annotations

from lightship.inspect.checks import (
    archives,
    bytecode,
    configuration,
    copies,
    cuda,
    development,
    distributions,
    imports,
    leftovers,
    libraries,
    permissions,
    records,
    reproducible,
    secretfiles,
    secretsettings,
    start,
    target,
    tools,
    vulnerabilities,
    waste,
)
from lightship.inspect.findings import Rule, Severity

UNUSED_IGNORE = Rule(
    "LV001-unused-ignore",
    "an ignore accepts nothing",
    Severity.NOTE,
    "What it was for is mended, or never was: left there, it hides what comes later.",
    "remove it from the configuration",
)
RULES: tuple[Rule, ...] = (
    UNUSED_IGNORE,
    *tools.RULES,
    *development.RULES,
    *leftovers.RULES,
    *archives.RULES,
    *libraries.RULES,
    *copies.RULES,
    *cuda.RULES,
    *configuration.RULES,
    *permissions.RULES,
    *secretfiles.RULES,
    *secretsettings.RULES,
    *waste.RULES,
    *reproducible.RULES,
    *imports.RULES,
    *distributions.RULES,
    *records.RULES,
    *bytecode.RULES,
    *start.RULES,
    *target.RULES,
    *vulnerabilities.RULES,
)
STATIC_CHECKS = (
    tools.check,
    development.check,
    leftovers.check,
    archives.check,
    libraries.check,
    copies.check,
    cuda.check,
    configuration.check,
    permissions.check,
    secretfiles.check,
    secretsettings.check,
    waste.check,
    reproducible.check,
    distributions.check,
    records.check,
    bytecode.check,
)
"""Functions from `Contents` to findings: they read the image, and run nothing of it."""
