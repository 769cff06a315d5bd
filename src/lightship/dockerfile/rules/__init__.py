"""Every rule of `lint`, in the order of their ids."""

from __future__ import annotations

from lightship.dockerfile.findings import Rule
from lightship.dockerfile.rules import (
    bases,
    caches,
    copying,
    layers,
    libraries,
    packages,
    secrets,
    stages,
    start,
    torch,
)

GROUPS = (copying, libraries, packages, torch, caches, bases, layers, secrets, start, stages)
RULES: tuple[Rule, ...] = tuple(
    sorted((rule for group in GROUPS for rule in group.RULES), key=lambda rule: rule.id)
)
CHECKS = tuple(group.check for group in GROUPS)
"""Functions from a `Build` and the build context to what they found."""
