"""Which rules of trimming an image's layers follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from lightship.debs import trim as debs_trim
from lightship.fs.trim import TrimRule
from lightship.wheels import trim as wheels_trim
from lightship.wheels.model import LockedWheel

NONE = "none"


@dataclass(frozen=True, slots=True)
class Trimming:
    """The rules for an image: names of the base's, and those for wheels."""

    base: tuple[str, ...] = ()
    rules: tuple[TrimRule, ...] = ()

    def for_wheels(self, wheels: Iterable[LockedWheel]) -> tuple[str, ...]:
        """Name the rules that concern any of the wheels, so that no other rule changes their layer."""
        names = [wheel.name for wheel in wheels]
        return tuple(rule.name for rule in self.rules if any(map(rule.concerns, names)))


def choose_rules(level: str, present: Collection[str]) -> Trimming:
    """Choose the rules of a level (`safe` or `none`) for an image with these packages and distributions.

    At `none` too, Debian's manuals stay out: slim images of other makes have none either.
    """
    if level == NONE:
        return Trimming(debs_trim.MANUALS)
    base = tuple(rule.name for rule in debs_trim.RULES if rule.holds(present))
    return Trimming(base, tuple(rule for rule in wheels_trim.RULES if rule.holds(present)))
