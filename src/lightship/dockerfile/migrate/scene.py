"""What every rule looks at: the build, the project's folder, and what each stage is there for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property

from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.migrate.folder import Folder
from lightship.dockerfile.model import Instruction, Word
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Build, Stage, Step

_FOLDERLIKE = re.compile(r"[^.]+|\.{1,2}|.*/")
_FILES = ("Pipfile", "Makefile", "Dockerfile", "LICENSE", "Procfile", "entrypoint")


class Role(StrEnum):
    """What a stage is there for."""

    FINAL = "the image"
    BUILDER = "installs what the image has"
    MAKER = "makes files that the image takes"
    TARGET = "another target"
    UNUSED = "nothing"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a path of a stage comes from: `path` of the project (`""` is all of it), or a document's text."""

    path: str = ""
    text: str | None = None


@dataclass(frozen=True)
class Scene:
    """A Dockerfile with its project; `roles` has one for each stage, by its index.

    `values` are build arguments that take the place of their defaults.
    """

    build: Build
    folder: Folder
    roles: Mapping[int, Role] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def variables(self, step: Step) -> Mapping[str, str]:
        return {**step.variables, **self.values}

    def role(self, stage: Stage) -> Role:
        return self.roles[stage.index]

    def of_role(self, *roles: Role) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.build.stages if self.roles[stage.index] in roles)

    def text(self, span: Span) -> str:
        return self.build.document.source.slice(span)

    @cached_property
    def final_steps(self) -> tuple[Step, ...]:
        return self.build.final.all_steps

    @cached_property
    def workdir(self) -> str:
        """The working directory that the image starts in; "" where the file names none that can be read."""
        named = [step for step in self.final_steps if step.keyword == "WORKDIR"]
        path = named[-1].path(named[-1].instruction.words[0].text) if named else ""
        known = path.startswith("/") and ":" not in path and not unknown(path)
        return path if known else ""

    def last(self, stage: Stage, keyword: str) -> Instruction | None:
        """Give the instruction that is in force at the end of a stage."""
        found = [step.instruction for step in stage.all_steps if step.keyword == keyword]
        return found[-1] if found else None

    def is_folder(self, path: str) -> bool:
        """Tell whether a path of the project is a folder; of one that is not there, by its name."""
        bare = path.rstrip("/") or "."
        if self.folder.is_file(bare):
            return False
        plain = posixpath.basename(bare) not in _FILES and _FOLDERLIKE.fullmatch(path) is not None
        return self.folder.is_folder(bare) or plain

    def place(self, step: Step, word: Word) -> str:
        """Say where in the stage one source of a `COPY` lies afterwards; of a folder, what is in it."""
        source = expand(word.text, self.variables(step))
        written = step.instruction.words[-1].text
        place = posixpath.normpath(posixpath.join(step.workdir, expand(written, self.variables(step))))
        if step.from_context and self.is_folder(source):
            return place
        name = posixpath.basename(source.rstrip("/"))
        if (
            not step.from_context
            and "." not in name
            and (place == step.workdir or name == posixpath.basename(place))
        ):
            return place  # most likely a folder: what is in it goes there
        into = (
            len(step.sources) > 1
            or written.rstrip('"').endswith(("/", "."))
            or place in (step.workdir, "/")
            or "*" in source
        )
        return posixpath.join(place, name) if into else place

    def origin(self, stage: Stage, before: Step | None, path: str) -> Origin | None:
        """Find what of the project lies at an absolute path of a stage; None if it came otherwise.

        With `before`, as that step finds it, its own bind mounts included.
        """
        steps = list(stage.all_steps)
        if before is not None:
            for mount in before.mounts:
                inner = _below(path, posixpath.normpath(mount.get("target", "")))
                if mount["type"] == "bind" and not mount.get("from") and inner is not None:
                    return Origin(_project(mount.get("source", "."), inner))
            steps = steps[: steps.index(before)] if before in steps else steps
        for step in reversed(steps):
            if step.keyword in ("COPY", "ADD"):
                found = self._copied(stage, step, path)
                if found:
                    return found
        return None

    def _copied(self, stage: Stage, step: Step, path: str) -> Origin | None:
        if step.instruction.heredocs:
            return self._document(step, path)
        for word in step.sources:
            inner = self._within(step, word, path)
            if inner is None:
                continue
            source = expand(word.text, self.variables(step))
            if step.from_context:
                return Origin(_project(source, inner) if "*" not in source else _project("", inner))
            other = self.build.find(expand(step.instruction.flag_value("from"), step.variables), stage)
            return self.origin(other, None, posixpath.join(source, inner).rstrip("/")) if other else None
        return None

    def _within(self, step: Step, word: Word, path: str) -> str | None:
        """Say where below a source of a `COPY` a path of the stage lies; None if not there."""
        place = self.place(step, word)
        source = expand(word.text, self.variables(step))
        if "*" in source:
            same = posixpath.dirname(place) == posixpath.dirname(path)
            matches = fnmatchcase(posixpath.basename(path), posixpath.basename(source))
            folder = posixpath.dirname(source)
            return posixpath.join(folder, posixpath.basename(path)) if same and matches else None
        return _below(path, place)

    def _document(self, step: Step, path: str) -> Origin | None:
        for word, heredoc in zip(step.instruction.words, step.instruction.heredocs, strict=False):
            written = step.instruction.words[-1].text
            place = step.destination
            into = written.endswith("/") or place == step.workdir
            if (posixpath.join(place, heredoc.name) if into else place) == path and word.text.startswith(
                "<<"
            ):
                return Origin(text=heredoc.body.text)
        return None


def making_steps(stage: Stage) -> Iterator[Step]:
    """Yield the `RUN` steps of a stage and those it is built on."""
    return (step for step in stage.all_steps if step.keyword == "RUN")


def _below(path: str, folder: str) -> str | None:
    """Give a path relative to a folder that it lies in, `""` for the folder itself; None if elsewhere."""
    if path == folder:
        return ""
    prefix = f"{folder.rstrip('/')}/"
    return path.removeprefix(prefix) if path.startswith(prefix) else None


def _project(source: str, inner: str) -> str:
    """Make a path of the project plain: no leading slash (Docker's is the context), no `.`."""
    path = posixpath.normpath(posixpath.join(source.lstrip("/") or ".", inner))
    return "" if path == "." else path
