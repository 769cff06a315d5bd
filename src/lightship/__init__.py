"""Lightship: small, verified, reproducible container images for Python AI services."""

__version__ = "0.1.0"
