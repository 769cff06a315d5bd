"""No headers, no static libraries: what only a compiler reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lightship.fs.entries import Kind
from lightship.inspect.contents import Contents, Item
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.sizes import amount

HEADER = Rule(
    "LV111-header",
    "no header",
    Severity.WARNING,
    "Headers are read by compilers only; they come with development packages that belong in the builder.",
    "move the `-dev` package to `build-packages`, and ship its shared library alone",
)
STATIC_LIBRARY = Rule(
    "LV112-static-library",
    "no static library",
    Severity.WARNING,
    "Static libraries are read by linkers only.",
    "move the `-dev` package to `build-packages`, and ship its shared library alone",
)
CARRIED_HEADERS = Rule(
    "LV113-header-in-wheel",
    "headers that distributions carry",
    Severity.NOTE,
    "A distribution brings headers for those who compile against it; at run time nothing reads them.",
    "nothing need be done; a wheel without them is smaller",
)
CARRIED_STATIC = Rule(
    "LV114-static-library-in-wheel",
    "static libraries that distributions carry",
    Severity.NOTE,
    "A distribution brings static libraries for those who link against it; at run time nothing reads them.",
    "nothing need be done; a wheel without them is smaller",
)
RULES = (HEADER, STATIC_LIBRARY, CARRIED_HEADERS, CARRIED_STATIC)

_CARRIED = (CARRIED_HEADERS.id, CARRIED_STATIC.id)
_LEAST_CARRIED = 1_000_000
"""Bytes below which what a distribution carries is not worth a word."""
_HEADER_SUFFIXES = (".h", ".hh", ".hpp", ".hxx", ".h++", ".cuh", ".inl")
_HEADER_FOLDERS = ("include", "gcc")


def check(contents: Contents) -> Iterator[Finding]:
    """Yield one finding for each folder or distribution, not for each of a thousand headers."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    rules = {rule.id: rule for rule in RULES}
    for item in contents.items.values():
        rule = _rule_of(item) if item.kind is Kind.FILE else None
        if rule is not None:
            groups[rule.id, _group(item)].append(item.size)
    for (rule_id, where), sizes in sorted(groups.items()):
        if rule_id in _CARRIED and sum(sizes) < _LEAST_CARRIED:
            continue
        what = "headers" if "header" in rule_id else "static libraries"
        yield rules[rule_id].finding(where, f"{len(sizes):,} {what}, {amount(sum(sizes))}")


def _rule_of(item: Item) -> Rule | None:
    if item.name.endswith(_HEADER_SUFFIXES):
        if item.package_folder:
            return CARRIED_HEADERS
        is_system = any(part in _HEADER_FOLDERS for part in item.path.split("/")[:-1])
        return HEADER if is_system else None
    if item.name.endswith(".a"):
        return CARRIED_STATIC if item.package_folder else STATIC_LIBRARY
    return None


def _group(item: Item) -> str:
    """Name the distribution's folder, or the system's folder three levels down at most."""
    depth = item.package_folder.count("/") + 2 if item.package_folder else 3
    return "/".join(item.path.split("/")[:-1][:depth])
