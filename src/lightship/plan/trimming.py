"""Which files of its packages an image goes without."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, field

from lightship.debs import trim as debs_trim
from lightship.fs.trim import TrimRule
from lightship.plan.model import WheelsLayer
from lightship.project.config import Config
from lightship.project.start import Paths, Start
from lightship.wheels import trim as wheels_trim
from lightship.wheels.model import LockedWheel

NONE, SAFE, TRACED = "none", "safe", "traced"


class Trimming(Struct, frozen=True):
    """What is left out of an image.

    `base` names rules for Debian packages, `rules` are those for wheels, `opened` has the files that stay of
    distributions (by name and version), where a recorded start decides, and `strip` tells whether libraries
    lose their symbols.
    """

    base: tuple[str, ...] = ()
    rules: tuple[TrimRule, ...] = ()
    opened: Paths = field(default_factory=dict)
    strip: bool = False

    def layer(self, prefix: str, python: str, wheels: tuple[LockedWheel, ...]) -> WheelsLayer:
        """Lay out wheels; the layer names what concerns any of them only, so that nothing else changes it."""
        names = [wheel.name for wheel in wheels]
        rules = tuple(rule.name for rule in self.rules if any(map(rule.concerns, names)))
        keep = {wheel.name: self.opened[key] for wheel in wheels if (key := _release(wheel)) in self.opened}
        return WheelsLayer(prefix, python, wheels, rules, keep, self.strip)


def _release(wheel: LockedWheel) -> str:
    return f"{wheel.name} {wheel.version}"


def choose_rules(
    config: Config, present: Collection[str], start: Start | None, architecture: str
) -> Trimming:
    """Choose what the level of trimming leaves out of an image with these packages and distributions.

    At `none` too, Debian's manuals stay out: slim images of other makes have none either.
    """
    if config.trim == NONE:
        return Trimming(debs_trim.MANUALS, strip=config.strip)
    base = tuple(rule.name for rule in debs_trim.RULES if rule.holds(present))
    rules = tuple(rule for rule in wheels_trim.RULES if rule.holds(present))
    recorded = _opened(start, architecture) if start and config.trim == TRACED else {}
    return Trimming(base, rules, recorded, config.strip)


def _opened(start: Start, architecture: str) -> Paths:
    """Say what stays of each release that was there; of another release the record knows nothing."""
    recorded = start.opened.get(architecture, {})
    return {f"{name} {start.distributions[name]}": paths for name, paths in recorded.items()}
