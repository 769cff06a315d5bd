"""`lightship`: the group of commands, and what happens to errors."""

from __future__ import annotations

import gc
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from lightship import __version__

COMMANDS = {
    "init": "Look at the project, and write its configuration.",
    "lock": "Resolve every package to pylock.VARIANT.toml.",
    "plan": "Say what the image will hold, layer by layer.",
    "build": "Make the image.",
    "run": "Start an image in a sandbox, without Docker.",
    "verify": "Prove what an image holds, and what it does not.",
    "sbom": "Write the bill of materials of an image.",
    "compare": "Show the sizes of images side by side.",
    "inspect": "Say which package costs what in an image, and why it is there.",
    "diff": "Show what two images differ in.",
    "lint": "Check Dockerfiles, and mend them.",
    "migrate": "Turn a Dockerfile into configuration, and say what is left to do.",
    "dockerfile": "Write the plan as Dockerfile, Compose, bake and CI files.",
    "push": "Put an image into a registry.",
    "pull": "Fetch an image from a registry.",
    "images": "List the images in the local store.",
    "cache": "Show or empty the cache.",
}
"""Each has a module of its name in this package, imported only when it is called."""


class Commands(click.Group):
    """Finds commands by name, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"lightship.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="lightship")
def cli() -> None:
    """Turn a Python AI service into a small, verified, reproducible container image.

    \b
      lightship build     make the image of the project in this folder
      lightship run       start it, without Docker

    PATH is the project's folder, this one by default.
    """  # noqa: D301 - \b is click's mark for text that must not be rewrapped


def main() -> NoReturn:
    """Run the command line, and end the process with the exit code of what happened."""
    # Values by the hundred thousand without a cycle among them: looking through them took a third of a check.
    gc.set_threshold(50_000, 20, 100)
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="lightship", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except SystemExit:  # how click ends when whoever read our output has gone
        return 141
    except Exception as error:  # noqa: BLE001 - the last stop: nobody above could tell the person
        return _fail(error, arguments)
    return result if isinstance(result, int) else 0


def _fail(error: Exception, arguments: list[str]) -> int:
    """Say what happened, and give the exit code; what is no error of Lightship's is a bug."""
    from lightship.cli.terminal import bug, show_error
    from lightship.errors import LightshipError

    if "--debug" in arguments:
        traceback.print_exception(error)
    told = error if isinstance(error, LightshipError) else bug(error)
    show_error(told, as_json="--json" in arguments)
    return told.exit_code
