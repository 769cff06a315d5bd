"""The command line: the only place that prints, exits, and reads the process's environment."""

from lightship.cli.main import main

__all__ = ["main"]
