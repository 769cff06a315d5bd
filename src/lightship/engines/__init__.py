"""External container engines."""
