"""Bytes that are shipped and never seen: files that later layers change, replace or remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lightship.build.layerstore import StoredMember
from lightship.fs.entries import Kind
from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.sizes import amount

TWICE = Rule(
    "LV411-stored-twice",
    "no file is stored again for its owner or mode",
    Severity.WARNING,
    "A `chown` or `chmod` in a step of its own stores every file that it touches a second time, whole.",
    "set them where the file comes in (`COPY --chown --chmod`), or in the step that makes it",
)
HIDDEN = Rule(
    "LV412-hidden-bytes",
    "no layer hides what lower ones hold",
    Severity.WARNING,
    "A file that a later step removes or replaces is pulled and stored by everybody, and seen by nobody.",
    "remove it in the step that makes it, or make it in a builder stage",
)
RULES = (TWICE, HIDDEN)

LEAST = 1_000_000
"""Bytes below which waste is not worth a finding: caches of the loader, lists of packages."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Wasted:
    """A file that is hidden; `again` where the file that hides it has the same bytes."""

    layer: int
    member: StoredMember
    again: bool


def check(contents: Contents) -> Iterator[Finding]:
    found = list(wasted(contents))
    if sum(item.member.size for item in found) < LEAST:
        return
    layers: dict[tuple[bool, int], list[StoredMember]] = defaultdict(list)
    for item in found:
        layers[item.again, item.layer].append(item.member)
    for (again, layer), members in sorted(layers.items()):
        rule, words = (
            (TWICE, "are stored again by later layers") if again else (HIDDEN, "are hidden by later layers")
        )
        size = amount(sum(member.size for member in members))
        files = f"{len(members):,} file{'s'[: len(members) != 1]}"
        yield rule.finding(contents.layer_name(layer), f"{size} in {files} {words}: {_largest(members)}")


def wasted(contents: Contents) -> Iterator[Wasted]:
    """Yield every file with content that no path of the image leads to."""
    later: dict[str, tuple[int, StoredMember]] = {}
    for index in reversed(range(len(contents.layers))):
        members = [item for item in contents.layers[index].members if item.kind is Kind.FILE]
        for member in members:
            if member.size and not contents.is_visible(index, member):
                yield Wasted(index, member, _is_again(contents, index, member, later.get(member.path)))
        later |= {member.path: (index, member) for member in members}


def _is_again(
    contents: Contents, index: int, member: StoredMember, other: tuple[int, StoredMember] | None
) -> bool:
    if other is None or other[1].size != member.size:
        return False
    above, hiding = other
    return contents.reader.same((contents.layers[index], member), (contents.layers[above], hiding))


def _largest(members: Sequence[StoredMember]) -> str:
    ranked = sorted(members, key=lambda member: (-member.size, member.path))
    return ", ".join(member.path for member in ranked[:_NAMED])
