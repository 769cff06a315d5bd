"""`--cache-from` and `--cache-to`: registries that hold layers by what they are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from lightship.build.layercache import LayerCache
from lightship.build.machine import Machine
from lightship.build.platforms import BuiltImage
from lightship.build.sharing import NoCaches, SharedLayers
from lightship.cli.terminal import size
from lightship.errors import UsageError
from lightship.project.config import LOCKED
from lightship.project.detect import Project
from lightship.reference import parse_reference
from lightship.registry.address import Repository, locate

if TYPE_CHECKING:
    from lightship.build.layerexport import Exported

Function = TypeVar("Function", bound=Callable[..., Any])
_FROM, _TO = "LIGHTSHIP_CACHE_FROM", "LIGHTSHIP_CACHE_TO"

_from_option = click.option(
    "--cache-from",
    multiple=True,
    metavar="REF",
    help="Take layers from this repository, where it has them (repeatable).",
)
_to_option = click.option(
    "--cache-to", default=None, metavar="REF", help="Put layers into this repository, for other machines."
)


def cache_options(function: Function) -> Function:
    """Add both options; the command gets them as `cache_from` and `cache_to`."""
    return _from_option(_to_option(function))


class Caches(Struct, frozen=True):
    """Where layers are looked for, and where those that are made are put."""

    shared: SharedLayers
    target: Repository | None

    def export(self, project: Project, images: Iterable[BuiltImage], machine: Machine) -> Exported | None:
        """Put the layers of images where others find them.

        Raises:
            NetworkError: the registry cannot be reached, or does not let us write.

        """
        if self.target is None:
            return None
        from lightship.build.layerexport import Exported, export_layers

        done = [
            export_layers(project, plan, built, self.target, machine, machine.registries())
            for plan, built in images
        ]
        return Exported(
            sum(one.added for one in done), sum(one.sent for one in done), sum(one.mounted for one in done)
        )


def open_caches(
    cache_from: Sequence[str],
    cache_to: str | None,
    project: Project,
    machine: Machine,
) -> Caches:
    """Find out which caches are meant: the command line's, else the environment's, else the project's.

    An empty name stands for none. With `--offline` none is asked.

    Raises:
        UsageError: for what is no repository, or if the command line says both a cache and `--offline`.

    """
    if machine.offline:
        if any(cache_from) or cache_to:
            raise UsageError(
                "a layer cache needs the network", where="--cache-from", hint="leave out --offline"
            )
        return Caches(NoCaches(), None)
    config, environ = project.config, machine.environ
    named = cache_from or _listed(environ[_FROM]) if cache_from or _FROM in environ else config.cache_from
    target = cache_to if cache_to is not None else environ.get(_TO, config.cache_to)
    sources = dict.fromkeys(_repository(name) for name in named if name.strip())
    strict = config.cache_trust == LOCKED
    shared = (
        LayerCache(tuple(sources), machine.registries, machine.reporter, only_pinned=strict)
        if sources
        else None
    )
    return Caches(shared or NoCaches(), _repository(target) if target.strip() else None)


def facts(caches: Caches, exported: Exported) -> dict[str, Any]:
    """Say as JSON what was put into the cache, in bytes of blobs."""
    return {
        "name": str(caches.target),
        "added": exported.added,
        "sent": exported.sent,
        "mounted": exported.mounted,
    }


def summary(caches: Caches, exported: Exported) -> str:
    """Say in a line what was put into the cache."""
    counts = {"sent": exported.sent, "mounted": exported.mounted}
    moved = ", ".join(f"{size(count)} {what}" for what, count in counts.items() if count)
    news = (
        f"{exported.added} layer{'s'[: exported.added != 1]} added" if exported.added else "all there already"
    )
    return f"{click.style(str(caches.target), bold=True)}  cache: {news}{', ' if moved else ''}{moved}"


def _listed(text: str) -> list[str]:
    return text.split(",")


def _repository(text: str) -> Repository:
    reference = parse_reference(text.strip())
    if reference.digest is not None or ":" in text.rpartition("/")[2]:
        raise UsageError(
            f"{text.strip()!r} names an image, and a layer cache is a repository of its own",
            hint="leave out the tag or digest",
        )
    return locate(reference)
