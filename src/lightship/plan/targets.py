"""What an image for a target other than production has on top of production's layers."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lightship.plan.layering import BUCKETS_OF_TARGET, MOST_ALONE_OF_TARGET, layer_wheels
from lightship.plan.model import WheelsLayer
from lightship.plan.trimming import SAFE, TRACED, Trimming
from lightship.project.config import OWN_LABELS, Config
from lightship.project.targets import Target
from lightship.wheels.model import LockedWheel

HOME = "/tmp"  # noqa: S108 - of the container: where tools may write
TARGET_LABEL = f"{OWN_LABELS}target"
"""On images of targets other than production."""


def for_target(config: Config, target: Target) -> Config:
    """Give the configuration as it is for a target; the budget is production's."""
    labels = {**config.labels, TARGET_LABEL: target.name}
    env = {"HOME": HOME, **config.env, **target.env}
    return replace(untraced(config), command=target.command, env=env, budget="", labels=labels)


def untraced(config: Config) -> Config:
    """Trim by rules where production is trimmed by its recorded start: other targets run other things."""
    return replace(config, trim=SAFE) if config.trim == TRACED else config


def own_wheel_layers(
    prefix: str, python: str, wheels: Iterable[LockedWheel], trimming: Trimming
) -> list[WheelsLayer]:
    """Give the layers of wheels that only a target has: few, so that all together can be mounted."""
    groups = layer_wheels(wheels, MOST_ALONE_OF_TARGET, BUCKETS_OF_TARGET)
    return [trimming.layer(prefix, python, group) for group in groups]
