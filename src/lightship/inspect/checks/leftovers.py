"""What came along with the application: its history, tests, caches, notebooks, an editor's files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from lightship.fs.entries import Kind
from lightship.inspect.contents import Contents, Item
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.sizes import amount

_REMEDY = "name it in `.dockerignore`, or list what is wanted (`sources`)"
VCS = Rule(
    "LV121-version-control",
    "no folder of a version control system",
    Severity.WARNING,
    "It holds every version of every file, with whatever was removed from them for good reason.",
    _REMEDY,
)
TESTS = Rule(
    "LV122-tests",
    "no tests of the application",
    Severity.NOTE,
    "Nothing runs them there, and they may hold data that was made for tests alone.",
    _REMEDY,
)
CACHES = Rule(
    "LV123-caches",
    "no caches of development tools",
    Severity.WARNING,
    "They differ from machine to machine, so that two builds of one source give two images.",
    _REMEDY,
)
NOTEBOOKS = Rule(
    "LV124-notebooks",
    "no notebooks",
    Severity.NOTE,
    "A notebook keeps the output of its cells, which often shows data that belongs nowhere else.",
    _REMEDY,
)
EDITORS = Rule(
    "LV125-editor-files",
    "no files of editors and desktops",
    Severity.NOTE,
    "They tell of the machine they were made on, and change with every look at the folder.",
    _REMEDY,
)
RULES = (VCS, TESTS, CACHES, NOTEBOOKS, EDITORS)

_CACHE_FOLDERS = (
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".eggs", "htmlcov"),
    ".ipynb_checkpoints",
)
_FOLDERS = {
    **dict.fromkeys((".git", ".hg", ".svn", ".bzr", "CVS"), VCS),
    **dict.fromkeys(_CACHE_FOLDERS, CACHES),
    **dict.fromkeys((".idea", ".vscode", ".fleet", ".spyderproject", "__MACOSX"), EDITORS),
    **dict.fromkeys(("tests", "test"), TESTS),
}
_NAMES = (
    (re.compile(r"\.coverage(?:\..*)?|\.dmypy\.json|\.DS_Store\.cache"), CACHES),
    (re.compile(r".*\.ipynb"), NOTEBOOKS),
    (re.compile(r"test_.*\.py|.*_test\.py|conftest\.py"), TESTS),
    (re.compile(r".*~|\..*\.sw[op]|\.DS_Store|Thumbs\.db|#.*#"), EDITORS),
)


def check(contents: Contents) -> Iterator[Finding]:
    """Yield one finding for each folder, or for a file outside of them."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    rules = {rule.id: rule for rule in RULES}
    for path, item in contents.items.items():
        if item.kind is Kind.FILE and contents.is_application(path) and (found := _found(item)) is not None:
            rule, where = found
            groups[rule.id, where].append(item.size)
    for (rule_id, where), sizes in sorted(groups.items()):
        files = f"{len(sizes):,} file{'s'[: len(sizes) != 1]}"
        yield rules[rule_id].finding(where, f"{files}, {amount(sum(sizes))}")


def _found(item: Item) -> tuple[Rule, str] | None:
    parts = item.path.split("/")
    for depth, part in enumerate(parts[:-1]):
        if part in _FOLDERS:
            return _FOLDERS[part], "/".join(parts[: depth + 1])
    for pattern, rule in _NAMES:
        if pattern.fullmatch(item.name):
            return rule, item.path
    return None
