"""Stages that nothing needs, and stages or paths that are not there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from posixpath import basename, dirname

from lightship.dockerfile.context import Context, named_contexts
from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.packages import PYTHON_MANAGERS, chain_installs, read_install
from lightship.dockerfile.rules.bases import looks_like_image
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Build, Stage, Step

UNUSED = Rule(
    "LD701-unused-stage",
    "a stage is used by nothing",
    Severity.WARNING,
    "BuildKit skips it, the classic builder runs it for nothing; often a COPY --from names the wrong stage.",
    "remove it, or copy from it; name it for what it is if it is a target of its own (development, test)",
)
SAME_NAME = Rule(
    "LD702-stage-name-twice",
    "two stages have one name",
    Severity.ERROR,
    "COPY --from takes the later one without a word, whichever was meant.",
    "give each stage a name of its own",
)
SAME_CONTENT = Rule(
    "LD703-duplicate-stage",
    "two stages do the same",
    Severity.WARNING,
    "What is changed in one and not in the other makes them differ, sooner or later.",
    "keep one, and build on it or copy from it",
)
NO_STAGE = Rule(
    "LD704-no-such-stage",
    "COPY --from names no stage",
    Severity.ERROR,
    "The builder then looks for an image of that name: the build fails, or takes files of a stranger.",
    "name a stage above, or an image with its tag",
)
NO_PATH = Rule(
    "LD705-nothing-makes-path",
    "COPY --from names a path that nothing in the stage makes",
    Severity.ERROR,
    "The build fails there, after everything before it was built.",
    "compare the path with WORKDIR and with what the stage writes",
)
NO_SCRIPTS = Rule(
    "LD706-scripts-left-behind",
    "site-packages are copied, the programs of the packages are not",
    Severity.ERROR,
    "pip puts gunicorn and its like into /usr/local/bin: the start ends with `executable file not found`.",
    "copy /usr/local/bin too, start with python -m, or copy a virtual environment whole",
)
RULES = (UNUSED, SAME_NAME, SAME_CONTENT, NO_STAGE, NO_PATH, NO_SCRIPTS)

_TARGET = re.compile(
    r".*(?:dev|test|lint|debug|ci\b|check|docs?\b|prod|release|runtime|final|app|worker|web|api|celery|migrat|gpu|cpu|cuda|export|artifacts?|base).*",
    re.IGNORECASE,
)
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc",
    "/opt",
    "/var",
    "/root",
    "/home",
    "/run",
    "/go",
    "/sys",
    "/dev",
)
_WELL_KNOWN = ("python", "debian", "ubuntu", "alpine", "node", "buildpack-deps")
_SERVERS = (
    "gunicorn",
    "uvicorn",
    "hypercorn",
    "celery",
    "flask",
    "fastapi",
    "streamlit",
    "alembic",
    "daphne",
    "jupyter",
)
_QUIET = {
    "rm",
    "echo",
    "true",
    "useradd",
    "groupadd",
    "set",
    "export",
    "cd",
    "apt-key",
    "update-ca-certificates",
    "chown",
    "chmod",
}


def check(build: Build, context: Context) -> Iterator[Found]:
    yield from _unused(build)
    yield from _twice(build)
    contexts = named_contexts(context)
    for stage in build.stages:
        for step, name, source in build.references(stage):
            if source is None and name not in contexts:
                yield from _no_stage(build, stage, step, name)
            elif source and step.keyword == "COPY":
                yield from _no_path(step, source)
    yield from _scripts(build)


def _unused(build: Build) -> Iterator[Found]:
    needed = {index for stage in _targets(build) for index in replace(build, final=stage).used}
    for stage in build.stages:
        if stage.index not in needed:
            yield UNUSED.at(stage.start.span, f"nothing is made from {stage.label}")


def _targets(build: Build) -> Iterator[Stage]:
    """Yield what may be built by itself: the last stage, what is named so or starts something."""
    bases = {stage.base.index for stage in build.stages if stage.base}
    for stage in build.stages:
        starts = any(step.keyword in ("CMD", "ENTRYPOINT") for step in stage.steps)
        named = stage.name and (starts or _TARGET.fullmatch(stage.name) or stage.base)
        if stage in (build.final, build.stages[-1]) or (named and stage.index not in bases):
            yield stage


def _twice(build: Build) -> Iterator[Found]:
    names: dict[str, Stage] = {}
    texts: dict[str, Stage] = {}
    for stage in build.stages:
        if stage.name.lower() in names:
            line = build.document.source.place(names[stage.name.lower()].start.span.start)[0]
            yield SAME_NAME.at(stage.start.words[2].span, f"line {line} has a stage {stage.name!r}, too")
        if stage.name:
            names[stage.name.lower()] = stage
        text = _content(stage)
        if stage.steps and text in texts:
            message = f"{stage.label} does what {texts[text].label} does"
            yield SAME_CONTENT.at(stage.start.span, message)
        texts.setdefault(text, stage)


def _content(stage: Stage) -> str:
    steps = "\n".join(f"{step.keyword} {step.instruction.flags} {_text(step)}" for step in stage.steps)
    platform = stage.start.flag_value("platform")
    return f"{platform} {stage.image} {stage.base.index if stage.base else ''}\n{steps}"


def _text(step: Step) -> str:
    bodies = "".join(heredoc.body.text for heredoc in step.instruction.heredocs)
    return " ".join(step.instruction.args.text.split()) + bodies


def _no_stage(build: Build, stage: Stage, step: Step, name: str) -> Iterator[Found]:
    if looks_like_image(name) or unknown(name) or name == "scratch":
        return
    flag = step.instruction.flag("from")
    place = flag.span if flag else _mount_place(step, name)
    later = next(
        (one for one in build.stages if one.index >= stage.index and one.name.lower() == name.lower()), None
    )
    if later is not None:
        yield NO_STAGE.at(
            place, f"stage {name!r} comes later" if later is not stage else f"{name!r} is this stage itself"
        )
    elif name.isdecimal():
        yield NO_STAGE.at(place, f"there is no stage {name} before this one: they are counted from 0")
    else:
        near = difflib.get_close_matches(
            name, [one.name for one in build.stages[: stage.index] if one.name], n=1
        )
        hint = f"; did you mean {near[0]}?" if near else ""
        yield NO_STAGE.at(place, f"there is no stage {name!r}{hint}")


def _mount_place(step: Step, name: str) -> Span:
    flags = (flag.span for flag in step.instruction.flags if flag.name == "mount" and name in flag.value)
    return next(flags, step.instruction.span)


def _no_path(step: Step, source: Stage) -> Iterator[Found]:
    image = source.root_image
    if not image.known or (image.repository not in _WELL_KNOWN and image.name != "scratch"):
        return
    for word in step.sources:
        path = "/" + expand(word.text, step.variables).lstrip("/")
        if (
            "*" in path
            or unknown(path)
            or path.rstrip("/") == ""
            or path.startswith(tuple(f"{one}/" for one in _SYSTEM))
        ):
            continue
        if path.rstrip("/") not in _SYSTEM and not _makes(source, path.rstrip("/")):
            message = f"nothing in {source.label} makes {path}"
            yield NO_PATH.at(word.span, message)


def _makes(stage: Stage, path: str) -> bool:
    """Tell whether any step may have made a path: by name, by a copy, or by a program that is not known."""
    return any(_may_make(step, path) for step in stage.all_steps)


def _may_make(step: Step, path: str) -> bool:
    if step.keyword in ("COPY", "ADD"):
        return _copies_to(step, path)
    if step.keyword == "WORKDIR":
        return _below(step.path(step.instruction.words[0].text), path)
    if step.keyword != "RUN":
        return False
    text = _text(step)
    relative = path.removeprefix(step.workdir).lstrip("/").partition("/")[0]
    inside = _below(path, step.workdir) and _mentions(text, relative)
    return _mentions(text, path) or inside or "$" in text or not _only_installs(step)


def _mentions(text: str, path: str) -> bool:
    """Tell whether a text names a path, and not only the end of another."""
    return bool(path) and re.search(rf"(?<![\w./-]){re.escape(path)}\b", text) is not None


def _copies_to(step: Step, path: str) -> bool:
    """Tell whether a copy may have made a path; a file with a suffix makes nothing but itself."""
    names = [basename(word.text.rstrip("/")) for word in step.sources]
    if basename(path) in names or _below(step.destination, path):
        return True
    files = all(re.fullmatch(r"[^*?$]+\.\w+", name) for name in names)
    return not files and _below(path, step.destination)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _only_installs(step: Step) -> bool:
    """Tell whether a `RUN` calls nothing but package managers and what writes no files elsewhere."""
    for command in step.commands:
        found = read_install(command)
        into = (
            found is not None
            and found.manager in PYTHON_MANAGERS
            and found.has("-t", "--target", "--prefix", "--root")
        )
        if (
            not (found and not into and found.manager in ("apt", "apk", "pip"))
            and command.program not in _QUIET
        ):
            return False
    return bool(step.commands)


def _scripts(build: Build) -> Iterator[Found]:
    final = build.final
    copies = [
        (step, word, step.path(word.text))
        for step in final.all_steps
        if step.instruction.flag("from") and step.keyword == "COPY"
        for word in step.sources
    ]
    packages = [
        (word, path)
        for _, word, path in copies
        if re.fullmatch(r"/usr(?:/local)?/lib/python3(?:\.\d+)?/(?:site|dist)-packages", path)
    ]
    program = _program(final)
    if not packages or program not in _SERVERS or any(found.is_python for _, found in chain_installs(final)):
        return
    if any(
        basename(path) == program or path in ("/usr/local", "/usr/local/bin", "/usr", "/usr/bin", "/")
        for _, _, path in copies
    ):
        return
    if not any(dirname(path).startswith("/usr/local/bin") for _, _, path in copies):
        word, path = packages[0]
        yield NO_SCRIPTS.at(
            word.span, f"{program} is not in {path}: it lies in /usr/local/bin of the builder"
        )


def _program(final: Stage) -> str:
    starts = [
        step for step in final.all_steps if step.keyword in ("CMD", "ENTRYPOINT") and step.instruction.words
    ]
    if not starts:
        return ""
    words = starts[-1].instruction.words[0].text.split()
    return words[0].rsplit("/", 1)[-1] if words else ""
