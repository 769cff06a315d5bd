"""The commands of a stage that makes something, as those of a named stage: inputs, run, copy."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from lightship.dockerfile.migrate.copies import Copied, copied
from lightship.dockerfile.migrate.model import Settings
from lightship.dockerfile.migrate.roles import taken
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.packages import installs
from lightship.dockerfile.stages import Stage, Step

_FETCHING = frozenset({
    *("curl", "wget", "git", "huggingface-cli", "hf", "npm", "yarn", "pnpm", "npx", "cargo", "go", "aws"),
    *("gsutil", "gcloud", "az", "gdown", "ollama", "mvn", "gradle", "composer", "bundle", "aria2c"),
})  # fmt: skip
_FETCHES = re.compile(
    r"https?://|from_pretrained|SentenceTransformer\(|snapshot_download|hf_hub_download|nltk\.download|spacy\W+download"
    r"|load_dataset|torch\.hub|load_model\(|urlretrieve|urlopen|requests\.get|\bdownload"
)


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


def stage_script(
    scene: Scene, stage: Stage, running: Sequence[Step], steps: Sequence[Step]
) -> Settings | None:
    """Configure a named stage: `running` are the commands, `steps` the copies from it.

    What is made below the working folder is copied to `/out` at the end; a path elsewhere, which a command
    names, becomes one in `/out`. None if the outputs cannot be followed in either way.
    """
    workdir = running[-1].workdir if running else "/"
    inputs = list(_inputs(scene, stage))
    setting = [
        _copying(one, workdir) for one in inputs if not one.fits(workdir) and _inside(one.place, workdir)
    ]
    runs = [_script(step) for step in running]
    leaving: list[str] = []
    copy: dict[str, str] = {}
    for step in steps:
        for word, path in zip(step.sources, taken(step), strict=True):
            out = f"/out{path}"
            copy[out] = scene.place(step, word)
            if any(path in run for run in runs):
                runs = [_replaced(run, path, out) for run in runs]
                setting.append(f"mkdir -p {shlex.quote(posixpath.dirname(out))}")
            elif _inside(path, workdir):
                leaving.append(_copy(posixpath.relpath(path, workdir), out))
            else:
                return None
    for one in inputs:
        if not one.fits(workdir) and not _inside(one.place, workdir):
            runs = [_replaced(run, one.place, one.source) for run in runs]
    named = tuple(dict.fromkeys(one.source or "." for one in inputs))
    run = tuple(dict.fromkeys((*setting, *runs, *leaving)))
    return {**({"inputs": named} if named else {}), "run": run, "copy": copy}


def _inputs(scene: Scene, stage: Stage) -> Iterator[Copied]:
    for part in stage.chain:
        if scene.role(part) is not Role.FINAL:
            yield from copied(scene, part)


def _inside(path: str, workdir: str) -> bool:
    return workdir != "/" and (path == workdir or path.startswith(f"{workdir}/"))


def _copying(one: Copied, workdir: str) -> str:
    """Put an input where the commands look for it."""
    source = (f"{one.source}/." if one.source else ".") if one.folder else one.source
    return _copy(source, posixpath.relpath(one.place, workdir))


def _copy(source: str, place: str) -> str:
    folder = place if source.endswith("/.") else posixpath.dirname(place)
    making = f"mkdir -p {shlex.quote(folder)} && " if folder not in ("", ".") else ""
    return f"{making}cp -R {shlex.quote(source)} {shlex.quote(place)}"


def _replaced(run: str, path: str, other: str) -> str:
    """Put another path in, where this one stands alone."""
    return re.sub(rf"(?<![\w/.]){re.escape(path)}(?!\w)", lambda _: other, run)


def _script(step: Step) -> str:
    instruction = step.instruction
    if instruction.heredocs:
        return instruction.heredocs[0].body.text.strip()
    if instruction.json:
        return shlex.join(word.text for word in instruction.words)
    return re.sub(r"\s+", " ", instruction.args.text).strip()
