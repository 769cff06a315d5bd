"""`COPY --from`: what other stages and images hand on."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator, Sequence

from lightship.dockerfile.expand import expand
from lightship.dockerfile.images import parse_image
from lightship.dockerfile.migrate.copies import copied
from lightship.dockerfile.migrate.dependencies import calls_of, whole_of
from lightship.dockerfile.migrate.model import Outcome, Settings, by_hand, carried, unneeded
from lightship.dockerfile.migrate.roles import is_environment, is_made, makes, source_stage, taken
from lightship.dockerfile.migrate.scene import Scene
from lightship.dockerfile.migrate.scripts import fetches, stage_script
from lightship.dockerfile.migrate.sources import files_stage
from lightship.dockerfile.stages import Stage, Step
from lightship.net.redact import redact_text

_WHEELS = "every wheel is a layer by itself: nothing is copied between stages"
_LOCKED = "`lightship lock` writes down its digest"
_TOOLS = re.compile(r"(?:.*/)?uv")


def from_outcomes(scene: Scene) -> Iterator[Outcome]:
    """Say what becomes of every `COPY --from` of the image, and of the stages that make something."""
    made: dict[int, list[Step]] = {}
    images: list[Step] = []
    for step in scene.final_steps:
        if step.keyword != "COPY" or not step.instruction.flag("from"):
            continue
        other = source_stage(scene.build, step)
        if other is None:
            outcome = _image(scene, step)
            if outcome is not None:
                yield outcome
            else:
                images.append(step)
        elif any(is_made(scene, other, path) for path in taken(step)):
            made.setdefault(other.index, []).append(step)
        elif all(is_environment(scene, other, path) for path in taken(step)):
            yield unneeded(step.instruction.span, _WHEELS)
        elif not any(one.step is step for stage in scene.build.final.chain for one in copied(scene, stage)):
            hint = "name it in `sources`, or make it in a stage"
            yield by_hand(step.instruction.span, "what it copies is not known", hint)
    yield from _image_stages(scene, images)
    for index, steps in made.items():
        yield from _maker(scene, scene.build.stages[index], steps)


def _image(scene: Scene, step: Step) -> Outcome | None:
    """Say what becomes of a `COPY --from` an image; None where the image can be a stage."""
    span, name = step.instruction.span, _image_name(scene, step)
    if _TOOLS.fullmatch(name.partition(":")[0]):
        return unneeded(span, "no installer is in the image: the lock is made by Lightship's own uv")
    names = [stage.name for stage in scene.build.stages if stage.name]
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        hint = f"did you mean {near[0]!r}? mend it, and migrate again"
        return by_hand(span, f"there is no stage {name!r}", hint)
    if not parse_image(name).known:
        return by_hand(span, "a build argument names the image", "write it as a stage: `image` and `copy`")
    return None


def _image_stages(scene: Scene, steps: Sequence[Step]) -> Iterator[Outcome]:
    """Make a stage of each image that files are taken from."""
    taken_names = {stage_name(stage) for stage in scene.build.stages}
    images = dict.fromkeys(_image_name(scene, step) for step in steps)
    for image in images:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", parse_image(image).repository).strip("-_") or "image"
        name = next(
            each for each in (plain, *(f"{plain}-{n}" for n in range(2, 99))) if each not in taken_names
        )
        taken_names.add(name)
        own = [step for step in steps if _image_name(scene, step) == image]
        for step in own:
            places = {path: _target(scene, step, index) for index, path in enumerate(taken(step))}
            settings: Settings = {"stages": {name: {"image": image, "copy": places}}}
            span = step.instruction.span
            yield carried(span, f"stage {name!r}: files of the image {image}", settings, _LOCKED)


def _image_name(scene: Scene, step: Step) -> str:
    return expand(step.instruction.flag_value("from"), scene.variables(step))


def _maker(scene: Scene, stage: Stage, steps: Sequence[Step]) -> Iterator[Outcome]:
    """Say what becomes of a stage that makes something: a named stage, where its commands can run as one."""
    name = stage_name(stage)
    running = [step for step in stage.all_steps if step.keyword == "RUN" and makes(step)]
    blocked = any(fetches(scene, stage, step) for step in running)
    adds = [one for one in stage.all_steps if one.keyword == "ADD" and "://" in one.instruction.args.text]
    if blocked or adds or (not stage.root_image.python and stage.root_image.libc == "musl"):
        yield from _blocked(scene, stage, name, steps, [*adds, *running])
        return
    built = stage_script(scene, stage, running, steps)
    if built is None:
        hint = f"write it as [stages.{name}], whose commands leave what they hand on in /out"
        yield by_hand(stage.start.span, "where its commands put what they make cannot be told", hint)
        return
    asked = whole_of(scene, tuple(calls_of(scene, stage.chain)))
    extra: Settings = {"requirements": asked.files} if asked.files else {}
    settings: Settings = {"stages": {name: {**extra, **built}}}
    yield carried(
        stage.start.span, f"stage {name!r}", settings, "lightship build shows whether it finds its files"
    )
    for step in steps:
        yield unneeded(step.instruction.span, f"`copy` of stage {name!r} says so")
    if asked.lines:
        hint = f'name them in a file: [stages.{name}] requirements = ["…"]'
        yield by_hand(stage.start.span, f"stage {name!r} installs {', '.join(asked.lines)}", hint)


def _blocked(
    scene: Scene, stage: Stage, name: str, steps: Sequence[Step], running: Sequence[Step]
) -> Iterator[Outcome]:
    """Say of what needs a network: made before the build, its results are inputs of a stage."""
    what = " && ".join(" ".join(scene.text(step.instruction.args.whole).split()) for step in running)
    message = f"stages see no network, and {stage.label} needs one"
    yield by_hand(stage.start.span, message, f"do before the build, in the project: {redact_text(what)}")
    for step in steps:
        for index, path in enumerate(taken(step)):
            place = _target(scene, step, index)
            origin = scene.origin(stage, None, path)
            source = origin.path if origin and origin.path else f"made/{posixpath.basename(path)}"
            folder = scene.is_folder(source)
            settings = files_stage(source, place, folder=folder, name=name)
            span = step.instruction.span
            if settings is None:
                yield by_hand(span, f"{path} goes to {place}", "name it in `sources` or `models`")
            else:
                message = f"stage {name!r} hands on {source} as {place}"
                yield carried(span, message, settings, "it must be in the project, and not in .dockerignore")


def _target(scene: Scene, step: Step, index: int) -> str:
    return scene.place(step, step.sources[index])


def stage_name(stage: Stage) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stage.name).strip("-_")
    return plain or f"stage-{stage.index}"
