"""From packages that are fetched to an image that has them: production's, and that of other targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lightship.dockerfile.emit.model import Chain, Group
from lightship.dockerfile.emit.slimming import nothing_to_slim, slim_text
from lightship.plan.model import Plan
from lightship.platform import Platform

UNTRACED = "untraced-"
"""Begins the names of stages for targets, where production keeps only what its recorded start opened."""
ByVariant = Mapping[str, Mapping[Platform, Plan]]


def chains_of(
    groups: Iterable[Group], production: ByVariant, target: ByVariant | None, header: str
) -> tuple[Chain, ...]:
    """Give production's chain, and one for other targets, if they are trimmed in another way.

    Each plan says what is left out of its image; how production's packages are trimmed for a target is the
    same for all targets, so any one of them tells it.
    """
    own = Chain("", slimmed(groups, production, header))
    if target is None:
        return (own,)
    others = slimmed(own.groups, target, header, UNTRACED)
    same = [group.slims for group in others] == [group.slims for group in own.groups]
    return (own,) if same else (own, Chain(UNTRACED, others))


def slimmed(groups: Iterable[Group], plans: ByVariant, header: str, prefix: str = "") -> tuple[Group, ...]:
    """Give groups with what is left out of them, for every variant where it is for any."""
    return tuple(_slimmed(group, plans, header, prefix) for group in groups)


def _slimmed(group: Group, plans: ByVariant, header: str, prefix: str) -> Group:
    slims = {
        variant: slim_text(plans[variant], names, header) if (names := group.names[variant]) else ""
        for variant in group.texts
    }
    if any(slims.values()):
        slims = {variant: text or nothing_to_slim(header) for variant, text in slims.items()}
    else:
        slims = {}
    return replace(group, slims=slims, prefix=prefix)
