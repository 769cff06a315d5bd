"""Scanners that are installed beside Lightship: what each is given, and how its answer is read."""
