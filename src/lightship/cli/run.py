"""`lightship run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lightship.build.machine import Machine
from lightship.cli.options import Output, common, machine
from lightship.errors import UsageError

if TYPE_CHECKING:
    from lightship.build.sandbox import Publish, Volume
    from lightship.oci.layout import LayoutImage


@click.command()
@click.argument("image", default=".")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@click.option("-p", "--publish", "ports", multiple=True, metavar="[IP:]HOST:PORT", help="Reach PORT at HOST.")
@click.option("-e", "--env", "variables", multiple=True, metavar="NAME[=VALUE]", help="Set a variable.")
@click.option(
    "--env-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="NAME=VALUE lines."
)
@click.option("--volume", "volumes", multiple=True, metavar="HOST:PATH[:ro]", help="Show a host path.")
@click.option("-w", "--workdir", default="", help="Start in this folder of the image.")
@common
def command(
    *,
    image: str,
    arguments: tuple[str, ...],
    variant: str,
    ports: tuple[str, ...],
    variables: tuple[str, ...],
    env_file: Path | None,
    volumes: tuple[str, ...],
    workdir: str,
    output: Output,
) -> int:
    """Start an image in a sandbox, without Docker.

    IMAGE is a name in the local store, or a project's folder. ARGUMENTS, if any, replace its command.

    The root is read-only, /tmp is in memory, the network is the host's. Needs bubblewrap, but not root.
    """
    from lightship.build.sandbox import RunRequest, Sandbox
    from lightship.build.store import find_image

    surroundings = machine(output)
    sandbox = Sandbox.find(surroundings.environ.get("PATH", ""))
    name, found = find_image(image, variant, surroundings)
    request = RunRequest(
        root=_root(found, surroundings),
        execution=found.config.config,
        argv=arguments,
        env=_environment(env_file, variables, surroundings),
        publish=tuple(_publish(text) for text in ports),
        volumes=tuple(_volume(text) for text in volumes),
        workdir=workdir,
        name=name.partition(":")[0].rpartition("/")[2],
    )
    return sandbox.start(request).supervise()


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
