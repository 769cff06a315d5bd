"""How the image is started, and how large it may be."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.errors import UsageError
from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.sizes import megabytes
from lightship.oci.user import resolve_user

ROOT = Rule(
    "LV301-root",
    "the user is not root",
    Severity.ERROR,
    "Root of a container is one kernel bug away from root of the host.",
    'set `user`, such as "appuser:1001:1001"',
)
UNKNOWN_USER = Rule(
    "LV302-unknown-user",
    "the user is in the image",
    Severity.ERROR,
    "No engine can start an image whose user's name it cannot look up.",
    "name a user of the image's `/etc/passwd`, or use a number",
)
NO_HEALTH = Rule(
    "LV311-no-health-check",
    "there is a health check",
    Severity.WARNING,
    "Without one an engine takes a service that hangs for a service that works.",
    'set `health`, such as "http://:8000/health"',
)
BUDGET = Rule(
    "LV401-budget",
    "the size is within the budget",
    Severity.ERROR,
    "The project set itself a limit.",
    "see what costs most (`lightship inspect`), or raise `budget`",
)
RULES = (ROOT, UNKNOWN_USER, NO_HEALTH, BUDGET)


def check(contents: Contents) -> Iterator[Finding]:
    execution = contents.config.config
    yield from _user(contents)
    if execution.healthcheck is None or execution.healthcheck.test[:1] in ((), ("NONE",)):
        yield NO_HEALTH.finding("Healthcheck", "the image has no health check")


def check_budget(contents: Contents, budget: int | None) -> Iterator[Finding]:
    """Compare the size of the layers' tars with the budget, both in bytes."""
    if budget is not None and contents.size > budget:
        yield BUDGET.finding(
            "layers",
            f"the image is {megabytes(contents.size)} unpacked, the budget is {megabytes(budget)}: "
            f"{megabytes(contents.size - budget)} too much",
        )


def _user(contents: Contents) -> Iterator[Finding]:
    user = contents.config.config.user
    try:
        identity = resolve_user(user, passwd=contents.text("etc/passwd"), group=contents.text("etc/group"))
    except UsageError as error:
        yield UNKNOWN_USER.finding("User", f"{user!r}: {error.message}")
        return
    if identity.uid == 0:
        yield ROOT.finding(
            "User", f"the image runs as root ({user!r})" if user else "the image names no user"
        )
