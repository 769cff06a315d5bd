"""Programs that are not run: what was called, and what they are made to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightship.digest import Digest
from lightship.engines.model import BuildRequest, PinnedLayout
from lightship.engines.programs import Answer
from lightship.platform import Platform

FAILED = Answer(1, err="it said why\n")
DIGEST = Digest("sha256:" + "a" * 64)
REQUEST = BuildRequest(
    name="service:cpu",
    dockerfile=Path("/work/Dockerfile"),
    context=Path("/work/context"),
    target="production",
    platform=Platform("amd64"),
    arguments={"TORCH_VARIANT": "cpu"},
    secrets={"pip": Path("/work/pip.conf")},
    extra=("--network", "host"),
)
WITH_LAYOUT = BuildRequest(
    name="service:cpu",
    dockerfile=Path("/work/Dockerfile"),
    context=Path("/work/context"),
    target="production",
    platform=Platform("amd64"),
    arguments={},
    layouts={"base": PinnedLayout(Path("/work/layouts/base"), DIGEST)},
)
COMMON = (
    "--file /work/Dockerfile --tag service:cpu --target production --platform linux/amd64 "
    "--build-arg=TORCH_VARIANT=cpu --secret=id=pip,src=/work/pip.conf --network host /work/context"
)
PINNED = "--file /work/Dockerfile --tag service:cpu --target production --platform linux/amd64"


@dataclass
class Recording:
    """`answers` are by the words that a command begins with; whatever is not listed succeeds in silence."""

    answers: Mapping[str, Answer | str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)
    shown: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def has(self, program: str) -> bool:
        return program not in self.absent

    def ask(self, *command: str) -> Answer:
        words = " ".join(command)
        self.calls.append(words)
        return self._answer(words)

    def show(self, *command: str, environ: Mapping[str, str]) -> Answer:
        words = " ".join(command)
        self.shown.append((words, dict(environ)))
        return self._answer(words)

    def _answer(self, words: str) -> Answer:
        fitting = [key for key in self.answers if words.startswith(key)]
        found = self.answers[max(fitting, key=len)] if fitting else ""
        return found if isinstance(found, Answer) else Answer(0, found)
