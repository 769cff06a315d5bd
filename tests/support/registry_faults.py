"""What can go wrong in a registry, on demand: one fault for a request, or none."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable
from dataclasses import dataclass, field


class Fault(enum.Enum):
    """What happens to one request."""

    DROP = "hangs up without an answer"
    DROP_LATE = "does what was asked, and hangs up without an answer"
    CUT_UPLOAD = "hangs up in the middle of a body that it is sent"
    CUT_ANSWER = "hangs up in the middle of a body that it sends"
    DAMAGE = "sends a body with a wrong byte, or a wrong digest"
    ERROR = "answers 500"
    UNAVAILABLE = "answers 503"
    BUSY = "answers 429, to be asked again after some seconds"
    BUSY_UNTIL = "answers 429, to be asked again at some time"
    FULL = "answers that there is no space left"
    TOKENS = "forgets all tokens"
    SESSIONS = "forgets all uploads"


Faults = Callable[[str, str], Fault | None]
"""Chooses a fault by a request's method and path."""


def no_faults(_method: str, _path: str) -> None:
    """Nothing goes wrong."""


@dataclass
class Planned:
    """Faults one after the other, for requests of a method whose path has some words in it."""

    method: str
    words: str
    faults: list[Fault]

    def __call__(self, method: str, path: str) -> Fault | None:
        fits = method == self.method and self.words in path
        return self.faults.pop(0) if fits and self.faults else None


@dataclass
class Random:
    """Faults by chance: the same ones for the same seed and the same order of requests."""

    seed: int
    chance: float
    met: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - no secret

    def __call__(self, _method: str, _path: str) -> Fault | None:
        if self._random.random() >= self.chance:
            return None
        fault = self._random.choice(list(Fault))
        self.met.append(fault)
        return fault
