"""How the image is started, and how large it may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

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
LAYERS = Rule(
    "LV402-layer-count",
    "there are not too many layers",
    Severity.ERROR,
    "No runtime mounts more than 127 layers, and each is a request to the registry.",
    "join steps, or copy the result of a stage into one layer",
)
LABEL = Rule(
    "LV312-missing-label",
    "the labels that the project asks for are there",
    Severity.ERROR,
    "Whoever finds the image cannot tell what it was made from.",
    "set it in `labels`, or leave it out of `verify.labels`",
)
MALFORMED = Rule(
    "LV313-malformed-label",
    "OCI's labels are well-formed",
    Severity.WARNING,
    "Tools that follow the label, to the source or to the base, find nothing.",
    "see the image specification's annotations.md for the form of each",
)
RULES = (ROOT, UNKNOWN_USER, NO_HEALTH, LABEL, MALFORMED, BUDGET, LAYERS)

MOST_LAYERS = 127
"""What overlayfs mounts, as container runtimes use it."""
_OCI = "org.opencontainers.image."
_FORMS = {
    **dict.fromkeys(("url", "source", "documentation"), re.compile(r"[a-z][a-z0-9+.-]*://\S+")),
    "created": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"),
    "base.digest": re.compile(r"sha256:[0-9a-f]{64}"),
}


@dataclass(frozen=True, slots=True)
class Demands:
    """What a project asks of its images: most bytes of the layers' tars, most layers, and labels."""

    budget: int | None = None
    layers: int = 0
    labels: tuple[str, ...] = ()


NONE = Demands()


def check(contents: Contents) -> Iterator[Finding]:
    execution = contents.config.config
    yield from _user(contents)
    if execution.healthcheck is None or execution.healthcheck.test[:1] in ((), ("NONE",)):
        yield NO_HEALTH.finding("Healthcheck", "the image has no health check")
    for name, text in execution.labels.items():
        form = _FORMS.get(name.removeprefix(_OCI)) if name.startswith(_OCI) else None
        if form is not None and text and not form.fullmatch(text):
            yield MALFORMED.finding(f"Labels {name}", f"{text!r} is not of its form")


def check_demands(contents: Contents, demands: Demands) -> Iterator[Finding]:
    """Hold the image against what a project asks for."""
    budget = demands.budget
    if budget is not None and contents.size > budget:
        yield BUDGET.finding(
            "layers",
            f"the image is {megabytes(contents.size)} unpacked, the budget is {megabytes(budget)}: "
            f"{megabytes(contents.size - budget)} too much",
        )
    most = min(demands.layers or MOST_LAYERS, MOST_LAYERS)
    if len(contents.layers) > most:
        yield LAYERS.finding("layers", f"there are {len(contents.layers)}, and {most} may be")
    for name in demands.labels:
        if not contents.config.config.labels.get(name):
            yield LABEL.finding(f"Labels {name}", "is not set")


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
