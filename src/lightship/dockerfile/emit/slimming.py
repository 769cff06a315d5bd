"""What is left out of installed packages, and which modules are compiled, as files beside the Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from lightship.fs.trim import TrimRule
from lightship.plan.bytecode import IMPORTED
from lightship.plan.model import Additions, Plan, WheelsLayer
from lightship.plan.planner import with_built
from lightship.platform import Platform
from lightship.project.config import PRODUCTION, Config
from lightship.wheels.model import LockedWheel
from lightship.wheels.trim import rules_named

SLIM, COMPILE = "slim.py", "compile.py"
"""Programs that the Dockerfile runs; their sources are modules of this package, which import no other."""
_SOURCES = {
    SLIM: files("lightship").joinpath("slim.py"),
    COMPILE: files("lightship.dockerfile.emit").joinpath("compile.py"),
}


def program(name: str, header: str) -> str:
    return f"# {header}\n{_SOURCES[name].read_text('utf-8')}"


def laid_out(plan: Plan, config: Config) -> Plan:
    """Give the plan as it is when its builds are done: what they make is trimmed as all wheels are."""
    own = plan.additions or Additions(PRODUCTION)
    sources = [build.sdist for build in (*plan.builds, *own.builds)]
    if not sources:
        return plan
    made = [
        LockedWheel(sdist.name, sdist.version, sdist.filename, sdist.url, sdist.sha256) for sdist in sources
    ]
    return with_built(plan, made, config, plan.start)


def slim_text(plans: Mapping[Platform, Plan], names: Collection[str], header: str) -> str:
    """Write what `slim.py` does to these distributions, by machine; nothing, if they are left as they are."""
    parts = {platform.machine: part for platform, plan in plans.items() if (part := _part(plan, names))}
    return _json({"//": header, **parts}) if parts else ""


def nothing_to_slim(header: str) -> str:
    return _json({"//": header})


def modules_text(config: Config, plans: Iterable[Plan], header: str) -> str:
    """List what is compiled for any platform, as `compile.py` reads it; nothing, if no start is known."""
    found: dict[str, None] = {}
    for plan in plans:
        if plan.start and config.bytecode == IMPORTED:
            found |= dict.fromkeys(f"stdlib/{path}" for path in plan.start.standard_library)
            names = {wheel.name for wheel in plan.wheels} | {build.sdist.name for build in plan.builds}
            modules = (path for name in sorted(names) for path in plan.start.modules.get(name, ()))
            found |= dict.fromkeys(f"purelib/{path}" for path in modules)
    if not found:
        return ""
    lines = list(found)
    return "".join(f"{line}\n" for line in (f"# {header}", *lines))


def _part(plan: Plan, names: Collection[str]) -> dict[str, Any]:
    layers = [layer for layer in plan.layers if isinstance(layer, WheelsLayer)]
    here = {wheel.name: layer for layer in layers for wheel in layer.wheels if wheel.name in names}
    rules = list(_rules(here))
    kept = {name: layer.keep[name] for name, layer in here.items() if name in layer.keep}
    strip = any(layer.strip for layer in here.values())
    if not (rules or kept or strip):
        return {}
    return {
        "distributions": sorted(here),
        "strip": strip,
        "rules": [_fields(rule) for rule in rules],
        "kept": dict(sorted(kept.items())),
    }


def _rules(layers: Mapping[str, WheelsLayer]) -> Iterator[TrimRule]:
    """Yield the rules that concern any of these distributions, each once."""
    named = dict.fromkeys(name for layer in layers.values() for name in layer.trim)
    for rule in rules_named(tuple(named)):
        if any(map(rule.concerns, layers)):
            yield rule


def _fields(rule: TrimRule) -> dict[str, Any]:
    sets: dict[str, Iterable[str]] = {"owners": sorted(rule.owners), "spared": sorted(rule.spared)}
    lists = {"paths": rule.paths, "keep": rule.keep, **sets}
    return {"name": rule.name, **{key: list(value) for key, value in lists.items() if value}}


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
