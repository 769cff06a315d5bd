"""`lightship run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.build.machine import Machine
from lightship.cli.options import Output, common, machine, target_option
from lightship.errors import UsageError

if TYPE_CHECKING:
    from lightship.build.sandbox import Publish, Volume
    from lightship.build.watch import Mount
    from lightship.oci.layout import LayoutImage
    from lightship.project.detect import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What the command line asks for."""

    variant: str
    target: str
    watch: bool
    ports: tuple[str, ...]
    variables: tuple[str, ...]
    env_file: Path | None
    volumes: tuple[str, ...]
    workdir: str


@click.command()
@click.argument("image", default=".")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@target_option
@click.option("--watch", is_flag=True, help="Build first, and show the sources as they are on this machine.")
@click.option("-p", "--publish", "ports", multiple=True, metavar="[IP:]HOST:PORT", help="Reach PORT at HOST.")
@click.option("-e", "--env", "variables", multiple=True, metavar="NAME[=VALUE]", help="Set a variable.")
@click.option(
    "--env-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="NAME=VALUE lines."
)
@click.option("--volume", "volumes", multiple=True, metavar="HOST:PATH[:ro]", help="Show a host path.")
@click.option("-w", "--workdir", default="", help="Start in this folder of the image.")
@common
def command(*, image: str, arguments: tuple[str, ...], output: Output, **given: Any) -> int:
    """Start an image in a sandbox, without Docker.

    IMAGE is a name in the local store, or a project's folder. ARGUMENTS, if any, replace its command.

    The root is read-only, /tmp is in memory, the network is the host's. Needs bubblewrap, but not root.

    With --watch, what a project's service is made of is read from the folder itself, so that a server that
    reloads (target development) shows every change at once.
    """
    from lightship.build.sandbox import RunRequest, Sandbox
    from lightship.build.store import find_image

    options, surroundings = _Options(**given), machine(output)
    sandbox = Sandbox.find(surroundings.environ.get("PATH", ""))
    project = _build(image, options, surroundings) if options.watch else None
    name, found = find_image(image, options.variant, surroundings, options.target)
    _check_platform(found, name, surroundings)
    root = _root(found, surroundings)
    request = RunRequest(
        root=root,
        execution=found.config.config,
        argv=arguments,
        env=_environment(options.env_file, options.variables, surroundings),
        publish=tuple(_publish(text) for text in options.ports),
        volumes=tuple(_volume(text) for text in options.volumes),
        mounts=_watched(root, project) if project else (),
        workdir=options.workdir,
        name=name.partition(":")[0].rpartition("/")[2],
    )
    return sandbox.start(request).supervise()


def _check_platform(image: LayoutImage, name: str, surroundings: Machine) -> None:
    if image.config.platform != surroundings.platform:
        raise UsageError(
            f"an image for {image.config.platform} cannot be started on this machine",
            where=name,
            hint="start it on a machine of its platform, or build it for this one with --platform",
        )


def _build(image: str, options: _Options, surroundings: Machine) -> Project:
    """Bring the image of a project up to date: requirements may have changed since it was built."""
    from lightship.build.building import default_name, tag
    from lightship.build.making import Request, build_project
    from lightship.project.detect import read_project
    from lightship.project.targets import find_target

    if not Path(image).is_dir():
        raise UsageError(
            "only a project can be watched", where=image, hint="name its folder, or leave out --watch"
        )
    project = read_project(Path(image))
    wanted = find_target(project, options.target)
    variant = options.variant or project.config.variant
    own = surroundings.platform
    platform = own if own in project.platforms else project.platforms[0]
    request = Request(variant=variant, platform=platform, target=wanted.name)
    plan, built = build_project(project, request, surroundings)
    tag(built.descriptor, default_name(plan), surroundings)
    click.echo(f"watching {', '.join(project.config.sources)}: requirements need a new start", err=True)
    if not wanted.reloads:
        click.echo(
            f"note: `{' '.join(wanted.command)}` does not reload by itself: start it anew to see a change"
            + (", or use --target development" if wanted.is_production else ""),
            err=True,
        )
    return project


def _watched(root: Path, project: Project) -> tuple[Mount, ...]:
    from lightship.build.watch import watch_mounts

    config = project.config
    return watch_mounts(root, project.folder.absolute(), config.workdir, config.sources)


def _root(image: LayoutImage, surroundings: Machine) -> Path:
    from lightship.build.rootfs import prepare_root

    return prepare_root(image, cache=surroundings.home.cache, reporter=surroundings.reporter)


def _environment(file: Path | None, variables: tuple[str, ...], surroundings: Machine) -> dict[str, str]:
    """Gather variables as Docker does: a NAME alone takes its value from this process, if it has one."""
    lines = file.read_text("utf-8").splitlines() if file else []
    named = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    found = {}
    for item in (*named, *variables):
        name, equals, value = item.partition("=")
        if equals:
            found[name] = value
        elif name in surroundings.environ:
            found[name] = surroundings.environ[name]
    return found


def _publish(text: str) -> Publish:
    from lightship.build.sandbox import Publish

    host, _, container = text.rpartition(":")
    address, _, port = host.rpartition(":")
    try:
        return Publish(address.strip("[]") or "127.0.0.1", int(port or container), int(container))
    except ValueError:
        raise UsageError(f"--publish {text!r} is not [IP:]HOST:PORT", hint="such as 8080:8000") from None


def _volume(text: str) -> Volume:
    from lightship.build.sandbox import Volume

    host, _, rest = text.partition(":")
    path, _, mode = rest.partition(":")
    if not host or not path.startswith("/") or mode not in ("", "ro", "rw"):
        raise UsageError(f"--volume {text!r} is not HOST:PATH[:ro]", hint="such as ./data:/data:ro")
    return Volume(Path(host).absolute(), path, mode == "ro")
