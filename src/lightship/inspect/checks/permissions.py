"""Files that give rights: set-user-ID programs, what everybody may write, devices."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.fs.entries import Kind
from lightship.inspect.capabilities import describe
from lightship.inspect.contents import Contents, Item
from lightship.inspect.findings import Finding, Rule, Severity

SETUID = Rule(
    "LV321-setuid",
    "no program runs with another's rights",
    Severity.WARNING,
    "A set-user-ID program is a way from the service's user to root; the service needs none.",
    "leave out its package, or clear the bits in the layer that brings it (`chmod a-s`), or run with"
    " `no-new-privileges`",
)
WRITABLE = Rule(
    "LV322-world-writable",
    "nothing is writable for everybody",
    Severity.WARNING,
    "Whoever can run anything in the container can change the file, or replace what is in the folder.",
    "give it to the one user who writes there; a shared folder needs the sticky bit (`chmod 1777`)",
)
DEVICE = Rule(
    "LV323-device",
    "no device nodes",
    Severity.WARNING,
    "A device node in a layer is a door to the host's devices where a container may use them; engines make"
    " those that a container needs.",
    "leave `/dev` out of the layer",
)
CAPABLE = Rule(
    "LV324-file-capability",
    "no program has capabilities of its own",
    Severity.WARNING,
    "Whoever runs the program gets a part of root's rights with it, whatever user the service has.",
    "clear them in the layer that brings the file (`setcap -r`), or run with `no-new-privileges`",
)
RULES = (SETUID, WRITABLE, DEVICE, CAPABLE)

_SETUID, _SETGID, _STICKY = 0o4000, 0o2000, 0o1000


def check(contents: Contents) -> Iterator[Finding]:
    for item in contents.items.values():
        if item.kind is Kind.SPECIAL:
            yield DEVICE.finding(item.path, f"is {item.target}")
        elif item.kind is Kind.FILE and item.mode & (_SETUID | _SETGID) and item.mode & 0o111:
            yield SETUID.finding(item.path, f"runs with the rights of {_whose(item)}")
        if item.capability and (capabilities := describe(item.capability)):
            yield CAPABLE.finding(item.path, f"has {capabilities}")
        if item.mode & 0o002 and _counts(item):
            yield WRITABLE.finding(item.path, f"everybody may write to it (mode {item.mode:04o})")


def _whose(item: Item) -> str:
    user = "root" if item.uid == 0 else f"user {item.uid}"
    return user if item.mode & _SETUID else "its group"


def _counts(item: Item) -> bool:
    """Tell whether the mode means something: a link's does not, a sticky folder's files are their owners'."""
    return item.kind is Kind.FILE or (item.kind is Kind.DIRECTORY and not item.mode & _STICKY)
