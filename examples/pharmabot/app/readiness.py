"""Readiness: which dependencies answer now."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import structlog

from app.errors import UnavailableError
from app.services import Services

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Readiness:
    """Ready, degraded (the service answers, at a price) or unavailable; and each dependency's state."""

    status: Literal["ready", "degraded", "unavailable"]
    checks: dict[str, str]


def examine(services: Services) -> Readiness:
    """Ask every dependency at the same time."""
    needed = {
        "postgresql": services.database.check,
        "azure-openai": services.azure.check,
        "embeddings": services.embedder.check,
    }
    # A cache that is down must not take every instance out of service: that would be the larger outage.
    dispensable = {"redis": services.cache.check}
    checks = _run(needed | dispensable)
    failed = {name for name, state in checks.items() if state != "ok"}
    if failed & needed.keys():
        return Readiness("unavailable", checks)
    return Readiness("degraded" if failed else "ready", checks)


def _run(checks: dict[str, Callable[[], None]]) -> dict[str, str]:
    with ThreadPoolExecutor(len(checks)) as threads:
        return dict(zip(checks, threads.map(_state, checks.values()), strict=True))


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except UnavailableError as error:
        _log.warning(
            "dependency_unavailable", dependency=error.dependency, reason=error.reason, detail=error.detail
        )
        return error.reason
    return "ok"
