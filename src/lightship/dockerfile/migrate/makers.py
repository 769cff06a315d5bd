"""`COPY --from`: what other stages and images hand on."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from lightship.dockerfile.expand import expand
from lightship.dockerfile.migrate.copies import copied
from lightship.dockerfile.migrate.dependencies import calls_of, whole_of
from lightship.dockerfile.migrate.model import Outcome, Settings, by_hand, carried, unneeded
from lightship.dockerfile.migrate.roles import is_environment, is_made, makes, source_stage, taken
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.migrate.sources import files_stage
from lightship.dockerfile.packages import installs
from lightship.dockerfile.stages import Stage, Step

_FETCHING = frozenset({
    *("curl", "wget", "git", "huggingface-cli", "hf", "npm", "yarn", "pnpm", "npx", "bun", "cargo", "go", "aws"),
    *("gsutil", "gcloud", "az", "gdown", "ollama", "mvn", "gradle", "composer", "bundle", "aria2c", "dotnet"),
})  # fmt: skip
_FETCHES = re.compile(
    r"https?://|from_pretrained|SentenceTransformer\(|snapshot_download|hf_hub_download|nltk\.download|spacy\W+download"
    r"|load_dataset|torch\.hub|load_model\(|urlretrieve|urlopen|requests\.get|\bdownload"
)
_TOOLS = re.compile(r"(?:.*/)?(?:uv|tini|dumb-init)")
_NETWORK = "stages see no network"


def from_outcomes(scene: Scene) -> Iterator[Outcome]:
    """Say what becomes of every `COPY --from` of the image's stages, and of the stages that make something."""
    made: dict[int, list[Step]] = {}
    for step in scene.final_steps:
        if step.keyword != "COPY" or not step.instruction.flag("from"):
            continue
        other = source_stage(scene.build, step)
        if other is None:
            yield _image(scene, step)
        elif any(is_made(scene, other, path) for path in taken(step)):
            made.setdefault(other.index, []).append(step)
        elif all(is_environment(scene, other, path) for path in taken(step)):
            yield unneeded(
                step.instruction.span, "every wheel is a layer by itself: nothing is copied between stages"
            )
        elif not any(one.step is step for stage in scene.build.final.chain for one in copied(scene, stage)):
            yield by_hand(
                step.instruction.span,
                "what it copies is not known",
                "name it in `sources`, or make it in a stage",
            )
    for index, steps in made.items():
        yield from _maker(scene, scene.build.stages[index], steps)


def fetches(scene: Scene, stage: Stage, step: Step) -> str:
    """Give the command of a `RUN` that needs a network; "" if none does, as far as can be told."""
    calls = {found.command for found in installs(step)}
    for command in step.commands:
        if command in calls or not command.words:
            continue
        text = scene.text(command.span)
        script = next((word for word in command.arguments if word.endswith(".py")), "")
        origin = scene.origin(stage, step, step.path(script)) if script else None
        content = (scene.folder.read(origin.path) or "") if origin else ""
        if command.program in _FETCHING or _FETCHES.search(text) or _FETCHES.search(content):
            return text
    return ""


def _image(scene: Scene, step: Step) -> Outcome:
    span = step.instruction.span
    name = expand(step.instruction.flag_value("from"), scene.variables(step))
    if all(_TOOLS.fullmatch(path) for path in (name.partition(":")[0], *taken(step)[:0])):
        return unneeded(span, "the lock is made by Lightship's own uv")
    short = (
        re.sub(r"[^A-Za-z0-9_-]+", "-", name.partition("@")[0].partition(":")[0].rsplit("/", 1)[-1]).strip(
            "-"
        )
        or "image"
    )
    copy = ", ".join(f'"{path}" = "{_target(scene, step, index)}"' for index, path in enumerate(taken(step)))
    hint = f'skopeo copy docker://{name} oci:{short}, then [stages.{short}] image = "oci:{short}" copy = {{ {copy} }}'
    return by_hand(span, f"files of the image {name}: images of registries cannot be used yet", hint)


def _maker(scene: Scene, stage: Stage, steps: Sequence[Step]) -> Iterator[Outcome]:
    """Say what becomes of a stage that makes something: a named stage, where its commands can run as one."""
    name = stage_name(stage)
    running = [step for step in stage.all_steps if step.keyword == "RUN" and makes(step)]
    blocked = next(((step, text) for step in running if (text := fetches(scene, stage, step))), None)
    adds = [
        step
        for step in stage.all_steps
        if step.keyword == "ADD" and "://" in scene.text(step.instruction.span)
    ]
    if blocked or adds or not stage.root_image.python and stage.root_image.libc == "musl":
        yield from _blocked(scene, stage, name, steps, blocked[0] if blocked else (adds or running)[0])
        return
    built = _commands(scene, stage, running, steps)
    if built is None:
        hint = f"write it as [stages.{name}], whose commands leave what they hand on in /out"
        yield by_hand(stage.start.span, "where its commands put what they make cannot be told", hint)
        return
    asked = whole_of(scene, tuple(calls_of(scene, stage.chain)))
    extra: Settings = {"requirements": asked.files} if asked.files else {}
    yield carried(
        stage.start.span,
        f"stage {name!r}",
        {"stages": {name: {**extra, **built}}},
        "see that its commands find their files: lightship build runs them",
    )
    for step in steps:
        yield unneeded(step.instruction.span, f"`copy` of stage {name!r} says so")
    if asked.lines:
        yield by_hand(
            stage.start.span,
            f"stage {name!r} installs {', '.join(asked.lines)}",
            f'name them in a file: [stages.{name}] requirements = ["…"]',
        )


def _blocked(scene: Scene, stage: Stage, name: str, steps: Sequence[Step], at: Step) -> Iterator[Outcome]:
    """Say of what needs a network: made before the build, its results are inputs of a stage."""
    what = " ".join(scene.text(at.instruction.args.whole).split())
    yield by_hand(
        stage.start.span,
        f"{_NETWORK}, and {stage.label} needs one",
        f"run before the build, in the project: {what}",
    )
    for step in steps:
        for index, path in enumerate(taken(step)):
            place = _target(scene, step, index)
            origin = scene.origin(stage, None, path)
            source = origin.path if origin and origin.path else f"made/{posixpath.basename(path)}"
            folder = scene.is_folder(source)
            settings = files_stage(source, place, folder=folder, name=name)
            if settings is None:
                yield by_hand(
                    step.instruction.span, f"{path} goes to {place}", "name it in `sources` or `models`"
                )
            else:
                yield carried(
                    step.instruction.span,
                    f"stage {name!r} hands on {source} as {place}",
                    settings,
                    "it must be in the project, and not in .dockerignore",
                )


def _target(scene: Scene, step: Step, index: int) -> str:
    return scene.place(step, step.sources[index])


def _commands(scene: Scene, stage: Stage, running: Sequence[Step], steps: Sequence[Step]) -> Settings | None:
    """Turn a stage's commands into those of a named stage; None if their outputs cannot be followed."""
    workdir = running[-1].workdir if running else "/"
    inputs, setting, moved = _inputs(scene, stage, workdir)
    runs = [_script(step) for step in running]
    copy: dict[str, str] = {}
    leaving: list[str] = []
    for step in steps:
        for index, path in enumerate(taken(step)):
            out = f"/out{path}"
            copy[out] = _target(scene, step, index)
            if any(path in run for run in runs):
                runs = [re.sub(rf"(?<![\w/]){re.escape(path)}(?![\w])", out, run) for run in runs]
                setting.append(f"mkdir -p {shlex.quote(posixpath.dirname(out))}")
            elif path.startswith(f"{workdir.rstrip('/')}/") and workdir != "/":
                relative = posixpath.relpath(path, workdir)
                leaving.append(
                    f"mkdir -p {shlex.quote(posixpath.dirname(out))} && cp -R {shlex.quote(relative)} {shlex.quote(out)}"
                )
            else:
                return None
    for absolute, relative in moved.items():
        runs = [re.sub(rf"(?<![\w/.]){re.escape(absolute)}(?![\w])", relative, run) for run in runs]
    run = tuple(dict.fromkeys((*setting, *runs, *leaving)))
    return {**({"inputs": inputs} if inputs else {}), "run": run, "copy": copy}


def _inputs(scene: Scene, stage: Stage, workdir: str) -> tuple[tuple[str, ...], list[str], dict[str, str]]:
    """Give a stage's inputs, commands that put them where they are looked for, and paths that are others now."""
    inputs: list[str] = []
    setting: list[str] = []
    moved: dict[str, str] = {}
    for part in stage.chain:
        if scene.role(part) is Role.FINAL:
            continue
        for one in copied(scene, part):
            source = one.source or "."
            inputs.append(source)
            if one.fits(workdir):
                continue
            if one.place == workdir or one.place.startswith(f"{workdir.rstrip('/')}/") and workdir != "/":
                place = posixpath.relpath(one.place, workdir)
                what = f"{source}/." if one.folder else source
                setting.append(
                    f"mkdir -p {shlex.quote(posixpath.dirname(place) or '.')} && cp -R {shlex.quote(what)} {shlex.quote(place)}"
                )
            else:
                moved[one.place] = source
    return tuple(dict.fromkeys(inputs)), setting, moved


def _script(step: Step) -> str:
    instruction = step.instruction
    if instruction.heredocs:
        return instruction.heredocs[0].body.text.strip()
    if instruction.json:
        return shlex.join(word.text for word in instruction.words)
    return re.sub(r"\s+", " ", instruction.args.text).strip()


def stage_name(stage: Stage) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stage.name).strip("-_")
    return plain or f"stage-{stage.index}"
