"""What installers leave in layers, also where it is removed later: packages, lists, caches."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.sizes import amount

WHEELS = Rule(
    "LV131-packages-in-layer",
    "no layer holds packages that were installed from it",
    Severity.WARNING,
    "A wheel, or a `.deb`, that was copied to be installed is in the image a second time; removing it in a"
    " later step frees nothing.",
    "mount the folder while installing (`RUN --mount=type=bind,from=builder,…`)",
)
LISTS = Rule(
    "LV132-package-lists",
    "no layer holds lists of packages",
    Severity.WARNING,
    "What the package manager fetched to find packages is of no use any more, and old within a day.",
    "remove `/var/lib/apt/lists` in the same step that fills it, or mount a cache there",
)
CACHES = Rule(
    "LV133-installer-cache",
    "no layer holds an installer's cache",
    Severity.WARNING,
    "What was downloaded is there a second time, beside what was installed from it.",
    "install with `--no-cache-dir` (pip), `--no-cache` (uv, apk), or mount a cache there",
)
RULES = (WHEELS, LISTS, CACHES)

_PACKAGES = re.compile(r".*\.(?:whl|deb|rpm|apk|conda)")
_OWN = ("ensurepip/_bundled/", "share/python-wheels/", "site-packages/", "dist-packages/")
"""Where wheels belong: those that Python makes virtual environments with."""
_LISTS = re.compile(
    r"var/lib/apt/lists/(?!lock$|partial/).+|var/cache/apt/.*\.bin|(?:var/cache|etc)/apk/.*APKINDEX.*"
)
_CACHES = re.compile(
    r"(?P<place>(?:.*/)?\.cache/(?:pip|uv|pypoetry|conda)|(?:.*/)?\.npm/_cacache|var/cache/(?:dnf|yum|apk)"
    r"|(?:opt|usr)/(?:[^/]+/)?conda/pkgs)/.+"
)


def check(contents: Contents) -> Iterator[Finding]:
    """Yield one finding for each layer and folder."""
    groups: dict[tuple[str, str, int, bool], list[int]] = defaultdict(list)
    rules = {rule.id: rule for rule in RULES}
    for index, member in contents.files():
        if (found := _found(member.path)) is not None:
            rule, where = found
            groups[rule.id, where, index, contents.is_visible(index, member)].append(member.size)
    for (rule_id, where, index, is_visible), sizes in sorted(groups.items()):
        files = f"{len(sizes):,} file{'s'[: len(sizes) != 1]}, {amount(sum(sizes))}"
        hidden = "" if is_visible else "; a later layer hides them, and frees nothing"
        yield rules[rule_id].finding(where, f"{files}, in {contents.layer_name(index)}{hidden}")


def _found(path: str) -> tuple[Rule, str] | None:
    folder = path.rpartition("/")[0] or "/"
    if cache := _CACHES.fullmatch(path):
        return CACHES, cache["place"]
    if _LISTS.fullmatch(path):
        return LISTS, folder
    if _PACKAGES.fullmatch(path) and not any(own in path for own in _OWN):
        return WHEELS, folder
    return None
