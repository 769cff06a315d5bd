"""Sizes as people read them."""

from __future__ import annotations


def megabytes(size: int) -> str:
    """Write bytes in units of 1,000,000, as Docker and the configuration do."""
    return f"{size / 1e6:,.1f} MB"


def amount(size: int) -> str:
    """Write few bytes in units of 1,000, more in units of 1,000,000."""
    return megabytes(size) if size >= 100_000 else f"{size / 1e3:,.1f} kB"
