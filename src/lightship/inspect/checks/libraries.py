"""Every ELF dependency resolves in the image, for the image's machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.loader import Loader, Missing, Outdated, is_optional, parse_cache

UNRESOLVED = Rule(
    "LV201-missing-library",
    "every shared library is there",
    Severity.ERROR,
    "The dynamic loader fails when the file is loaded: at start, or in the middle of a request.",
    "add the Debian package that has the library to `runtime-packages`",
)
PRELOADED = Rule(
    "LV202-library-by-preload",
    "libraries that something else must load first",
    Severity.NOTE,
    "The image has the library where the loader does not look; whoever loads it first makes it known.",
    "nothing need be done where the distribution's own import succeeds",
)
OPTIONAL = Rule(
    "LV203-optional-library",
    "libraries of optional parts",
    Severity.WARNING,
    "The file that needs it is a part that is tried and done without: of the standard library, or a plug-in.",
    "add the package that has the library if the service uses that part",
)
INTERPRETER = Rule(
    "LV204-missing-loader",
    "every program's loader is there",
    Severity.ERROR,
    "The kernel cannot start the program; it reports that the program itself does not exist.",
    "build on a base of the same C library (glibc or musl) as the program",
)
MACHINE = Rule(
    "LV205-wrong-machine",
    "every file is for the image's machine",
    Severity.ERROR,
    "A file of another machine cannot be loaded.",
    "lock the image for its own platform: a wheel or package of another one was installed",
)
CARRIED_MACHINE = Rule(
    "LV206-other-machine-in-wheel",
    "files for other machines",
    Severity.NOTE,
    "A distribution carries code for other processors or for GPUs; it takes room and does no harm.",
    "nothing need be done",
)
VERSIONS = Rule(
    "LV207-missing-symbol-version",
    "every library has the versions of symbols that are wanted of it",
    Severity.ERROR,
    "The loader refuses the file (`version GLIBC_2.38 not found`): it was built on a newer system.",
    "build on a newer base, or take a wheel for an older system (its manylinux tag names the glibc)",
)
RULES = (UNRESOLVED, PRELOADED, OPTIONAL, INTERPRETER, MACHINE, CARRIED_MACHINE, VERSIONS)

_MUSL = ("lib", "usr/local/lib", "usr/lib")
"""Where musl looks (ldso/dynlink.c); it has no cache."""
_MACHINES = {"amd64": ("X86_64", 64), "arm64": ("AARCH64", 64)}


def check(contents: Contents) -> Iterator[Finding]:
    yield from _machines(contents)
    yield from _interpreters(contents)
    loader = loader_of(contents)
    yield from _libraries(loader)
    yield from _versions(loader)


def _libraries(loader: Loader) -> Iterator[Finding]:
    """Yield one finding for each library, with those that need it."""
    groups: dict[tuple[str, str, str], list[Missing]] = defaultdict(list)
    rules = {rule.id: rule for rule in RULES}
    for item in loader.missing():
        groups[_rule_of(item).id, item.name, item.provider].append(item)
    for (rule_id, name, provider), users in sorted(groups.items()):
        others = f" and {len(users) - 1} more" if len(users) > 1 else ""
        message = f"needs {name}, which " + (f"lies at {provider}" if provider else "is not in the image")
        yield rules[rule_id].finding(users[0].path + others, message)


def _versions(loader: Loader) -> Iterator[Finding]:
    """Yield one finding for each library, with the newest version that is wanted of it."""
    groups: dict[str, list[Outdated]] = defaultdict(list)
    for item in loader.outdated():
        groups[item.library].append(item)
    for library, users in sorted(groups.items()):
        others = f" and {len(users) - 1} more" if len(users) > 1 else ""
        versions = ", ".join(sorted({version for user in users for version in user.versions}))
        yield VERSIONS.finding(users[0].path + others, f"needs {versions}, which {library} does not have")


def _rule_of(item: Missing) -> Rule:
    if item.provider:
        return PRELOADED
    return OPTIONAL if is_optional(item.path) else UNRESOLVED


def loader_of(contents: Contents) -> Loader:
    """Give the rules of the image's own loader, glibc's or musl's."""
    folders = contents.config.config.environment.get("LD_LIBRARY_PATH", "").split(":")
    folders += _MUSL if contents.item(f"lib/ld-musl-{contents.config.platform.machine}.so.1") else ()
    return Loader(
        find=contents.find,
        files=contents.elf_files(),
        library_path=tuple(part for part in folders if part),
        cache=parse_cache(contents.read("etc/ld.so.cache")),
        machine=contents.config.platform.machine,
    )


def _interpreters(contents: Contents) -> Iterator[Finding]:
    for path, info in contents.elf_files().items():
        if info.interpreter and info.is_executable and contents.find(info.interpreter) is None:
            yield INTERPRETER.finding(path, f"needs {info.interpreter}, which is not in the image")


def _machines(contents: Contents) -> Iterator[Finding]:
    wanted = _MACHINES[contents.config.architecture]
    for path, item in contents.items.items():
        if item.elf is not None and (item.elf.machine, item.elf.bits) != wanted:
            # An extension module is named for the import system, which would try to load it.
            is_carried = bool(item.package_folder) and ".cpython-" not in item.name
            rule = CARRIED_MACHINE if is_carried else MACHINE
            yield rule.finding(path, f"is for {item.elf.machine}, {item.elf.bits} bits")
