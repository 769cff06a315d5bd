"""The Python that compiles: the target's, of this machine's processor, unpacked once from its packages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from lightship.build.bytecode import Compiler
from lightship.build.home import Home
from lightship.debs.model import LockedDeb
from lightship.digest import hex_of, of_value
from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.plan.model import BaseLayer, BytecodeLayer, Plan
from lightship.platform import Platform

FetchDebs = Callable[[Sequence[LockedDeb]], Mapping[str, Path]]
"""Bring packages to this machine: their paths, by SHA-256."""


def find_compiler(plan: Plan, home: Home, fetch: FetchDebs, reporter: Reporter) -> Compiler:
    """Unpack the plan's Python, of whichever of its platforms this machine can run.

    Raises:
        UsageError: if it can run none of them.
        NetworkError, IntegrityError: if the packages cannot be had.

    """
    base = _native(plan.compilers, os.uname().machine, plan)
    platform = Platform(base.architecture)
    digest = of_value(["python", platform.debian, sorted(deb.sha256 for deb in base.packages)])
    root = home.cache / "roots" / "pythons" / hex_of(digest)
    if not root.is_dir():
        from lightship.build.debroot import plant_debs  # slow to import, and done with once

        archives = fetch(base.packages)
        plant_debs(root, base.packages, archives, platform=platform, what="Python", reporter=reporter)
    return Compiler(root, platform, _python_of(plan), home.cache / "builds")


def _native(bases: Iterable[BaseLayer], machine: str, plan: Plan) -> BaseLayer:
    for base in bases:
        if Platform(base.architecture).machine == machine:
            return base
    raise UsageError(
        f"bytecode for {plan.platform} cannot be compiled on {machine}",
        where=f"{plan.name}, variant {plan.variant}",
        hint="add this machine's platform to `platforms` in [tool.lightship]: its Python compiles for both. "
        'Or set bytecode = "none"',
    )


def _python_of(plan: Plan) -> str:
    return next(layer.python for layer in plan.layers if isinstance(layer, BytecodeLayer))
