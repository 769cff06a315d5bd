"""A project's images: every variant and target that is asked for, predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lightship.build.machine import Machine
from lightship.build.store import image_name
from lightship.errors import LightshipError
from lightship.inspect.oracle.model import Prediction
from lightship.inspect.oracle.oracle import Oracle
from lightship.inspect.oracle.plans import Outlook, look_out
from lightship.inspect.oracle.strategies import Step, Strategy, steps, strategies
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which images to predict; no variants stand for all, no platform for the first configured one."""

    variants: Sequence[str] = ()
    targets: Sequence[str] = ()
    platform: Platform | None = None
    locked: bool = False


class Forecast:
    """Predicts a project's images, and what others would make of their locks."""

    def __init__(self, project: Project, machine: Machine) -> None:
        self._project = project
        self._machine = machine
        self._oracle = Oracle(project, machine)
        self._outlooks: list[Outlook] = []
        self.predictions: list[Prediction] = []

    @property
    def fetched(self) -> int:
        """Bytes of archives that were fetched to tell."""
        return self._oracle.fetched

    @property
    def archives(self) -> int:
        """Bytes of all archives that builds of what was predicted take."""
        plans = [outlook.plan for outlook in self._outlooks]
        sizes = {wheel.sha256: wheel.size for plan in plans for wheel in plan.wheels}
        sizes |= {deb.sha256: deb.size for plan in plans for deb in plan.debs}
        return sum(sizes.values())

    def predict(self, wanted: Wanted) -> Sequence[Prediction]:
        """Predict each variant for each target, in this order.

        Where all variants are meant, one that cannot be resolved is left out with a warning, as long as there
        are others.

        Raises:
            UsageError: for a variant or target that there is not, or a target that is not locked.
            LightshipError: what resolving or reading archives raises.

        """
        project, config = self._project, self._project.config
        variants = wanted.variants or (
            config.variant,
            *(name for name in config.variants if name != config.variant),
        )
        platform = wanted.platform or project.platforms[0]
        failed: dict[str, LightshipError] = {}
        for variant in variants:
            for target in wanted.targets or (PRODUCTION,):
                try:
                    self._add(variant, target, platform, locked=wanted.locked)
                except LightshipError as error:
                    if wanted.variants:
                        raise
                    failed[image_name(config.name, variant, target)] = error
        if not self.predictions:
            raise next(iter(failed.values()))
        for name, reason in failed.items():
            self._machine.reporter.warn(f"{name} is left out: {reason.message}")
        return self.predictions

    def _add(self, variant: str, target: str, platform: Platform, *, locked: bool) -> None:
        outlook = look_out(self._project, variant, platform, self._machine, target=target, locked=locked)
        name = image_name(self._project.config.name, variant, target)
        self.predictions.append(self._oracle.predict(outlook, name))
        self._outlooks.append(outlook)

    def strategies(self) -> tuple[tuple[Strategy, ...], tuple[Step, ...]]:
        """Tell what Dockerfiles would make of the first image's lock, and what each step saves."""
        if not self.predictions:
            return (), ()
        own, *others = self.predictions
        made = strategies(own.name, self._oracle.parts(self._outlooks[0].plan))
        return made, tuple(steps(made, own, tuple(others)))
