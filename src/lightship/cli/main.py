"""`lightship`: the group of commands, and what happens to errors."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

import click

from lightship import __version__

COMMANDS = {
    "lock": "Resolve every package to pylock.VARIANT.toml.",
    "plan": "Say what the image will hold, layer by layer.",
    "build": "Make the image.",
    "run": "Start an image in a sandbox, without Docker.",
    "verify": "Prove what an image holds, and what it does not.",
    "images": "List the images in the local store.",
    "cache": "Show or empty the cache.",
}
"""Each has a module of its name in this package, imported only when it is called."""
BUG = 70


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
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    from lightship.errors import LightshipError

    try:
        result = cli.main(arguments, prog_name="lightship", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: nothing to tell
        return 141
    except LightshipError as error:
        if "--debug" in arguments:
            raise
        from lightship.cli.terminal import show_error

        show_error(error, as_json="--json" in arguments)
        return error.exit_code
    except Exception as error:  # the last stop: whatever gets here is a bug
        if "--debug" in arguments:
            raise
        from lightship.cli.terminal import show_bug

        show_bug(error)
        return BUG
    return result if isinstance(result, int) else 0
