"""The command line: the only place that prints, exits, and reads the process's environment."""

import gc

# What is imported stays: the collector would look through thousands of objects again and again.
gc.set_threshold(50_000, 20, 100)

from lightship.cli.main import main  # noqa: E402 - it imports most of it

__all__ = ["main"]
