"""From copies to `sources` and `workdir`; what lies elsewhere in the image goes through a named stage."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.migrate.copies import Copied, copied, is_manifest, top_level
from lightship.dockerfile.migrate.model import Outcome, Settings, by_hand, carried, unneeded
from lightship.dockerfile.migrate.scene import Scene
from lightship.dockerfile.rules.secrets import is_secret_file
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Step
from lightship.project.config import Config

FILES = "files"
_WORKDIR = Config().workdir
_SAFE = re.compile(r"/(?:[\w@+.-]+/)*[\w@+.-]+")
_ROOT_LINKS = ("bin", "sbin", "lib", "lib64", "dev", "proc", "sys", "tmp", "run", "etc")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the image has the sources: `root` is a folder of the project whose content is in `workdir`.

    `workdir` is "" where the file names none and nothing is copied.
    """

    workdir: str
    root: str = ""


def find_layout(scene: Scene) -> Layout:
    """Choose the working directory: the service's own, else one from which the copies are where they were."""
    every = list(_application(scene))
    workdir = scene.workdir
    if not workdir:
        return Layout(next((one.fitting for one in every if one.fitting), ""))
    if any(one.fits(workdir) for one in every):
        return Layout(workdir)
    flat = [one.source for one in every if one.folder and one.source and one.place == workdir]
    if flat:
        return Layout(workdir, flat[-1])
    whole = [one.place for one in every if not one.source and workdir.startswith(f"{one.place.rstrip('/')}/")]
    return Layout(whole[-1] if whole else workdir)


def source_outcomes(scene: Scene, layout: Layout) -> Iterator[Outcome]:
    """Say what becomes of each thing that is copied from the project."""
    workdir = layout.workdir or _WORKDIR
    for stage in scene.build.final.chain:
        for one in copied(scene, stage):
            yield _outcome(scene, one, layout, workdir)
        for step in stage.steps:
            yield from _strange(scene, step)
    yield from _workdirs(scene, layout)


def _application(scene: Scene) -> Iterator[Copied]:
    for stage in scene.build.final.chain:
        for one in copied(scene, stage):
            if not (is_manifest(one.name) or is_secret_file(one.name) or is_script(scene, one)):
                yield one


def is_script(scene: Scene, one: Copied) -> bool:
    """Tell whether a file is the shell script that starts the service."""
    if not one.name.endswith((".sh", ".bash")) and "entrypoint" not in one.name:
        return False
    starts = (scene.last(scene.build.final, keyword) for keyword in ("ENTRYPOINT", "CMD"))
    return any(one.name in scene.text(start.span) for start in starts if start)


def _outcome(scene: Scene, one: Copied, layout: Layout, workdir: str) -> Outcome:
    left_out = _left_out(scene, one)
    if left_out:
        return left_out
    if not one.source:
        return _everything(scene, one, workdir)
    source = f"{one.source}/" if one.folder else one.source
    if one.fits(workdir):
        return carried(one.span, f'sources = ["{source}"]', {"sources": (source,)})
    if one.folder and one.source == layout.root:
        place = posixpath.join(workdir, one.source)
        settings = {"sources": (source,), "env": {"PYTHONPATH": place}}
        hint = f"files that it opens by relative paths are in {place} now"
        return carried(one.span, f'sources = ["{source}"], and PYTHONPATH names it', settings, hint)
    return _elsewhere(one, source)


def _left_out(scene: Scene, one: Copied) -> Outcome | None:
    """Say so of what cannot be shipped, or need not be."""
    if is_secret_file(one.name):
        hint = "give it when the service starts: lightship run --env-file, a secret of the platform"
        return by_hand(one.span, f"{one.name} may hold secrets, and is never shipped", hint)
    if is_script(scene, one):
        return by_hand(one.span, f"{one.name} is a shell script, and production has no shell", _SCRIPT)
    if one.name and is_manifest(one.name):
        return unneeded(one.span, "read when the lock is made; the service does not need it")
    if one.source.startswith("../"):
        return by_hand(one.span, f"{one.source} lies outside of the project", "move it into the project")
    return None


def _everything(scene: Scene, one: Copied, workdir: str) -> Outcome:
    if one.place != workdir:
        hint = "name in `sources` what the service reads: it goes to `workdir`"
        return by_hand(one.span, f"the whole project goes to {one.place}", hint)
    inside, outside = top_level(scene)
    if not inside:
        return carried(one.span, 'sources = ["."]', {"sources": (".",)}, "name only what the service reads")
    left = f"left out: {', '.join(outside)}" if outside else ""
    return carried(one.span, f"sources = {_list(inside)}", {"sources": inside}, left)


def _elsewhere(one: Copied, source: str) -> Outcome:
    """Hand a file or folder on through a stage that copies it: it goes to another place than `workdir`."""
    settings = files_stage(one.source, one.place, folder=one.folder)
    if settings is None:
        return by_hand(one.span, f"{source} goes to {one.place}", _PLACE)
    return carried(one.span, f"stage {FILES!r}: {source} goes to {one.place}", settings)


def files_stage(source: str, place: str, *, folder: bool, name: str = FILES) -> Settings | None:
    """Configure a stage that hands on a path of the project; None for a place that no layer may write."""
    first = place.strip("/").split("/")[0]
    if not _SAFE.fullmatch(place) or first in _ROOT_LINKS or place.startswith("/opt/venv"):
        return None
    out = f"/out{place}"
    copying = f"cp -R {shlex.quote(f'{source}/.')} {out}/" if folder else f"cp {shlex.quote(source)} {out}"
    making = out if folder else posixpath.dirname(out)
    run = f"mkdir -p {making} && {copying}"
    return {"stages": {name: {"inputs": (source,), "run": (run,), "copy": {out: place}}}}


def _strange(scene: Scene, step: Step) -> Iterator[Outcome]:
    """Say of sources that are no path of the project: URLs, archives, documents, unknown variables."""
    if not step.from_context or step.keyword not in ("COPY", "ADD"):
        return
    span = step.instruction.span
    for heredoc in step.instruction.heredocs:
        place = step.destination
        if not is_manifest(heredoc.name) and not is_manifest(posixpath.basename(place)):
            yield by_hand(
                span,
                f"{heredoc.name} is written here, for {place}",
                "write it as a file of the project, and name that in `sources`",
            )
    for word in step.sources:
        text = scene.text(word.span)
        if "://" in text or text.startswith("git@"):
            yield by_hand(word.span, "fetched while the image is built", _FETCHED)
        elif step.keyword == "ADD" and re.search(r"\.(?:tar(?:\.\w+)?|tgz|txz)$", text):
            yield by_hand(
                word.span,
                "ADD unpacks the archive",
                "unpack it in the project, and name the folder in `sources`",
            )
        elif unknown(expand(word.text, scene.variables(step))):
            yield by_hand(word.span, "a build argument names what is copied", "name it in `sources`")


def _workdirs(scene: Scene, layout: Layout) -> Iterator[Outcome]:
    steps = [step for step in scene.final_steps if step.keyword == "WORKDIR"]
    for step in steps[:-1]:
        yield unneeded(step.instruction.span, "another one takes its place below")
    if steps:
        yield _workdir(steps[-1], layout)
    elif layout.workdir:
        yield carried(
            scene.build.final.start.span,
            f'workdir = "{layout.workdir}": from there the sources are where they were',
            {"workdir": layout.workdir},
        )


def _workdir(step: Step, layout: Layout) -> Outcome:
    span: Span = step.instruction.span
    path = step.path(step.instruction.words[0].text)
    if not layout.workdir:
        return by_hand(span, f"{path} is no folder that the file tells", "set `workdir`")
    if layout.workdir != path:
        hint = "name files by their whole paths in `command`, or make the project's layout that of the image"
        message = f'workdir = "{layout.workdir}", where the whole project goes: it was started in {path}'
        return by_hand(span, message, hint, {"workdir": layout.workdir})
    return carried(span, f'workdir = "{path}"', {"workdir": path})


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(f'{chr(34)}{name}{chr(34)}' for name in names)}]"


_SCRIPT = (
    "write what it ends in as `command`, and do the rest before the service starts, or in the service itself"
)
_FETCHED = "fetch it into the project before the build; weights belong in a folder that `models` names"
_PLACE = "have the service read it below `workdir`, and name it in `sources`"
