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
    failures = _failures(needed | dispensable)
    for error in filter(None, failures.values()):
        _log.warning("dependency_unavailable", **error.fields())
    checks = {name: error.reason if error else "ok" for name, error in failures.items()}
    if any(failures[name] for name in needed):
        return Readiness("unavailable", checks)
    return Readiness("degraded" if any(failures.values()) else "ready", checks)


def _failures(checks: dict[str, Callable[[], None]]) -> dict[str, UnavailableError | None]:
    with ThreadPoolExecutor(len(checks)) as threads:
        return dict(zip(checks, threads.map(_failure, checks.values()), strict=True))


def _failure(check: Callable[[], None]) -> UnavailableError | None:
    try:
        check()
    except UnavailableError as error:
        return error
    return None
