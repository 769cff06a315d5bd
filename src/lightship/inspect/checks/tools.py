"""No compiler, package manager or shell: what an intruder would look for, and a service does not need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.fs.entries import Kind
from lightship.inspect.contents import Contents, Item
from lightship.inspect.findings import Finding, Rule, Severity

COMPILER = Rule(
    "LV101-compiler",
    "no compiler or linker",
    Severity.ERROR,
    "A compiler is large, needs updates of its own, and lets an intruder build tools in place.",
    "install it in the builder stage only (`build-packages`), or drop the package that brings it",
)
PACKAGE_MANAGER = Rule(
    "LV102-package-manager",
    "no package manager",
    Severity.WARNING,
    "What a package manager changes in a running service is not what was built and verified.",
    "leave it out of the runtime: install in the builder, and drop it from the requirements",
)
SHELL = Rule(
    "LV103-shell",
    "no shell",
    Severity.WARNING,
    "Most exploits of a web service end in a shell; without one they end.",
    "start the service by a list of words (`command`), and leave the shell's package out",
)
CARRIED = Rule(
    "LV104-tool-in-wheel",
    "tools that distributions carry",
    Severity.NOTE,
    "A distribution brings a compiler or linker of its own, out of the way of `PATH`; it may need it.",
    "if the service does not use it, leave the distribution out",
)
DEV_PACKAGE = Rule(
    "LV105-development-package",
    "no development packages",
    Severity.WARNING,
    "A `-dev` package is for those who compile; at run time its library's own package is enough.",
    "move it to `build-packages`, and ship its shared library alone",
)
RULES = (COMPILER, PACKAGE_MANAGER, SHELL, CARRIED, DEV_PACKAGE)

_TRIPLET = r"(?:[a-z0-9_]+-(?:[a-z0-9]+-)?linux-(?:gnu|musl)[a-z0-9]*-)?"
_VERSION = r"(?:-?\d+(?:\.\d+)*)?"
_COMPILERS = re.compile(
    _TRIPLET + r"(?:gcc|g\+\+|cc|c\+\+|c89|c99|cpp|clang|clang\+\+|tcc|cc1|cc1plus|collect2|gfortran|f95|f77"
    r"|nvcc|ptxas|cicc|rustc|cargo|go|gccgo|ghc|swiftc|nasm|yasm|as|ld|ld\.bfd|ld\.gold|ld\.lld|lld|gold|mold"
    r"|make|gmake|cmake|ninja|meson|bazel)" + _VERSION
)
_MANAGERS = re.compile(
    r"(?:apt|apt-get|aptitude|dpkg|dpkg-deb|rpm|yum|dnf|microdnf|tdnf|zypper|apk|pacman|brew|snap|nix|nix-env"
    r"|pip|pipx|pipenv|easy_install|uv|uvx|poetry|pdm|hatch|conda|mamba|micromamba"
    r"|npm|npx|yarn|pnpm|corepack|gem|bundle)" + _VERSION
)
_SHELLS = re.compile(
    r"(?:sh|ash|dash|bash|rbash|zsh|rzsh|ksh|ksh93|rksh|mksh|oksh|yash|fish|csh|tcsh|pwsh|busybox|toybox|xonsh|nu)"
    + _VERSION
)
_MANAGER_MODULES = ("pip", "uv", "poetry", "pdm", "pipenv", "pipx", "conda", "mamba")
_PACKAGE = re.compile(r"^(?:Package: |P:)(\S+-dev)$", re.MULTILINE)
_REMOVED = re.compile(r"^Status: (?!.* installed$)", re.MULTILINE)
_PROGRAM_FOLDERS = ("bin", "sbin", "libexec", "games")


def check(contents: Contents) -> Iterator[Finding]:
    for item in contents.items.values():
        yield from _program(contents, item)
        yield from _module(contents, item)
    yield from _packages(contents)


def _program(contents: Contents, item: Item) -> Iterator[Finding]:
    rule = _rule_of(item.name)
    if rule is None or not _is_program(contents, item):
        return
    if item.package_folder:
        if rule is COMPILER:
            yield CARRIED.finding(item.path, f"{item.name} lies within a distribution")
    elif any(part in _PROGRAM_FOLDERS or part == "gcc" for part in item.path.split("/")[:-1]):
        link = f" (a link to {item.target})" if item.target else ""
        yield rule.finding(item.path, f"the image has {item.name}{link}")


def _rule_of(name: str) -> Rule | None:
    for pattern, rule in ((_COMPILERS, COMPILER), (_MANAGERS, PACKAGE_MANAGER), (_SHELLS, SHELL)):
        if pattern.fullmatch(name):
            return rule
    return None


def _is_program(contents: Contents, item: Item) -> bool:
    """Tell whether it can be run: a link that leads nowhere cannot."""
    real = item if item.kind is Kind.FILE else contents.item(item.path)
    return real is not None and real.kind is Kind.FILE and bool(real.mode & 0o111)


def _module(contents: Contents, item: Item) -> Iterator[Finding]:
    if (
        item.kind is Kind.DIRECTORY
        and item.name in _MANAGER_MODULES
        and item.path == f"{item.package_folder}/{item.name}"
        and f"{item.path}/__init__.py" in contents.items
    ):
        yield PACKAGE_MANAGER.finding(item.path, f"the image has {item.name} as a Python package")


def _packages(contents: Contents) -> Iterator[Finding]:
    """Name what dpkg, or apk, says is installed of what its names call development packages."""
    for database in _databases(contents):
        for stanza in contents.text(database).split("\n\n"):
            found = _PACKAGE.search(stanza)
            if found and not _REMOVED.search(stanza):
                yield DEV_PACKAGE.finding(found[1], f"is installed, says {database}")


def _databases(contents: Contents) -> Iterator[str]:
    for path, item in contents.items.items():
        is_single = path.startswith("var/lib/dpkg/status.d/") and path.endswith("-dev")
        if item.kind is Kind.FILE and (is_single or path in ("var/lib/dpkg/status", "lib/apk/db/installed")):
            yield path
