"""A Dockerfile as its stages: what each is built on, what each instruction finds in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import join, normpath

from lightship.dockerfile.expand import expand
from lightship.dockerfile.images import ImageName, parse_image
from lightship.dockerfile.model import Document, Flag, Instruction, Word
from lightship.dockerfile.shell import Command, commands
from lightship.errors import UsageError


@dataclass(frozen=True, eq=False)
class Step:
    """An instruction with what is in force there: working directory, user, variables (`ENV` and `ARG`)."""

    instruction: Instruction
    workdir: str
    user: str
    env: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)

    @property
    def keyword(self) -> str:
        return self.instruction.keyword

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """What a `RUN` calls; nothing for other instructions."""
        return commands(self.instruction) if self.keyword == "RUN" else ()

    def path(self, text: str) -> str:
        """Make a path within the image absolute, with variables put in."""
        return normpath(join(self.workdir, expand(text, self.variables)))

    @property
    def sources(self) -> tuple[Word, ...]:
        """What a `COPY` or `ADD` takes; heredocs are not among them."""
        words = self.instruction.words[:-1]
        return tuple(word for word in words if not word.text.startswith("<<"))

    @property
    def destination(self) -> str:
        """Where a `COPY` or `ADD` puts it: of one file, its folder or the file itself, as it is written."""
        return self.path(self.instruction.words[-1].text)

    @property
    def from_context(self) -> bool:
        return self.keyword in ("COPY", "ADD") and not self.instruction.flag("from")

    @property
    def mounts(self) -> tuple[Mapping[str, str], ...]:
        """The `--mount` flags of a `RUN`, each as its keys and values."""
        flags = (flag for flag in self.instruction.flags if flag.name == "mount")
        return tuple(_mount(flag, self.variables) for flag in flags)

    def has_cache(self, *folders: str, kept: bool = False) -> bool:
        """Tell whether a mount covers one of these folders; `kept` asks for one that later builds see."""
        kinds = ("cache",) if kept else _THROWN_AWAY
        targets = [normpath(mount.get("target", "/")) for mount in self.mounts if mount["type"] in kinds]
        return any(
            folder == target or folder.startswith(f"{target}/") for folder in folders for target in targets
        )


@dataclass(frozen=True, eq=False)
class Stage:
    """One `FROM` and what follows it. `base` is the stage it is built on; else `image` is its base."""

    index: int
    name: str
    start: Instruction
    image: ImageName
    base: Stage | None
    steps: tuple[Step, ...]

    @cached_property
    def chain(self) -> tuple[Stage, ...]:
        """This stage and those it is built on, the lowest first."""
        return (*(self.base.chain if self.base else ()), self)

    @property
    def root_image(self) -> ImageName:
        return self.chain[0].image

    @property
    def all_steps(self) -> tuple[Step, ...]:
        return tuple(step for stage in self.chain for step in stage.steps)

    @property
    def label(self) -> str:
        return f"stage {self.name!r}" if self.name else f"stage {self.index}"


@dataclass(frozen=True)
class Build:
    """Every stage of a Dockerfile; `final` is the one that becomes the image."""

    document: Document
    stages: tuple[Stage, ...]
    final: Stage

    def find(self, reference: str, before: Stage) -> Stage | None:
        """Find the stage that `--from` names among the earlier ones: by name in any case, or by number."""
        earlier = [stage for stage in self.stages if stage.index < before.index]
        for stage in reversed(earlier):
            if stage.name and stage.name.lower() == reference.lower():
                return stage
        if reference.isdecimal() and int(reference) < len(earlier):
            return earlier[int(reference)]
        return None

    @cached_property
    def used(self) -> frozenset[int]:
        """Indices of the stages that the final one is made from, itself among them."""
        found: set[int] = set()
        waiting = [self.final]
        while waiting:
            stage = waiting.pop()
            if stage.index not in found:
                found.add(stage.index)
                waiting += [*stage.chain, *(source for _, _, source in self.references(stage) if source)]
        return frozenset(found)

    @cached_property
    def builders(self) -> tuple[Stage, ...]:
        """Stages that the final image takes files from, and is not built on, with those they are built on."""
        final = {stage.index for stage in self.final.chain}
        found = {
            one.index
            for stage in self.final.chain
            for _, _, source in self.references(stage)
            if source
            for one in source.chain
        }
        return tuple(stage for stage in self.stages if stage.index in found - final)

    def references(self, stage: Stage) -> Iterator[tuple[Step, str, Stage | None]]:
        """Yield every `COPY --from` and `RUN --mount=from=`, what it names, and that stage if it is one."""
        for step in stage.steps:
            names = [step.instruction.flag_value("from"), *(mount.get("from", "") for mount in step.mounts)]
            for name in filter(None, names):
                text = expand(name, step.variables)
                yield step, text, self.find(text, stage)


def read_build(document: Document, target: str = "") -> Build:
    """Order a document's instructions into stages.

    Raises:
        UsageError: if there is no stage called `target`.

    """
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    group: list[Instruction] = []
    for instruction in document.instructions:
        if instruction.keyword == "FROM":
            _close(stages, group, arguments)
            group = [instruction]
        elif group:
            group.append(instruction)
        elif instruction.keyword == "ARG":
            arguments |= {name: expand(value, arguments) for name, value, _ in instruction.pairs() if value}
    _close(stages, group, arguments)
    return Build(document, tuple(stages), _target(stages, target, document.source.path))


def _target(stages: list[Stage], target: str, path: str) -> Stage:
    if not target:
        return stages[-1]
    for stage in stages:
        if target.lower() == stage.name.lower() or target == str(stage.index):
            return stage
    names = ", ".join(stage.name for stage in stages if stage.name)
    raise UsageError(
        f"there is no stage {target!r}", where=path, hint=f"its stages are {names or 'not named'}"
    )


def _close(stages: list[Stage], group: list[Instruction], arguments: Mapping[str, str]) -> None:
    if not group:
        return
    start = group[0]
    text = expand(start.words[0].text, {**_PLATFORM, **arguments})
    base = next(
        (stage for stage in reversed(stages) if stage.name and stage.name.lower() == text.lower()), None
    )
    name = start.words[2].text if len(start.words) == 3 else ""
    steps = tuple(_steps(group[1:], base, arguments))
    stages.append(Stage(len(stages), name, start, parse_image(text), base, steps))


def _steps(
    instructions: list[Instruction], base: Stage | None, arguments: Mapping[str, str]
) -> Iterator[Step]:
    last = base.all_steps[-1] if base and base.all_steps else None
    env = dict(_after(last).env) if last else {}
    workdir, user = (_after(last).workdir, _after(last).user) if last else ("/", "")
    variables = {**_PLATFORM, **env}
    for instruction in instructions:
        step = Step(instruction, workdir, user, dict(env), dict(variables))
        yield step
        if instruction.keyword == "ARG":
            known = {
                name: expand(value, variables) or arguments.get(name, "")
                for name, value, _ in instruction.pairs()
            }
            variables |= {name: value for name, value in known.items() if value and name not in env}
            continue
        following = _after(step)
        env, workdir, user = dict(following.env), following.workdir, following.user
        variables |= env


def _after(step: Step) -> Step:
    """What is in force after a step."""
    instruction, env = step.instruction, dict(step.env)
    workdir, user = step.workdir, step.user
    if instruction.keyword == "ENV":
        env |= {name: expand(value, step.variables) for name, value, _ in instruction.pairs()}
    elif instruction.keyword == "WORKDIR":
        workdir = step.path(instruction.words[0].text)
    elif instruction.keyword == "USER":
        user = expand(instruction.words[0].text, step.variables)
    return Step(instruction, workdir, user, env, step.variables)


def last_user(stage: Stage) -> str:
    """Give the user that the image of a stage starts as; "" if none is set."""
    steps = stage.all_steps
    return _after(steps[-1]).user if steps else ""


def _mount(flag: Flag, variables: Mapping[str, str]) -> dict[str, str]:
    pairs = (item.partition("=")[::2] for item in flag.value.split(","))
    found = {_ALIASES.get(name, name): expand(value, variables) for name, value in pairs}
    return {"type": "bind", **found}


_ALIASES = {"dst": "target", "destination": "target", "src": "source"}
_THROWN_AWAY = ("cache", "tmpfs")
_PLATFORM = {
    "TARGETARCH": "amd64",
    "TARGETOS": "linux",
    "TARGETPLATFORM": "linux/amd64",
    "BUILDPLATFORM": "linux/amd64",
}
