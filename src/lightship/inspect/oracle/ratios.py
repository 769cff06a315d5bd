"""What can only be estimated, as ratios.

They were measured on the wheels and images of `docs/compare.md`, which says how far off they are.
"""

from __future__ import annotations

RULES = 2
"""Part of every key under which predictions are remembered: raised when one of these changes."""
HEADER = 12.0
"""Compressed bytes of a tar header beside others, with what pads the content before it."""
GATHERED = 0.88
"""Small files compressed beside others by libdeflate, against each alone in its wheel, where none is read."""
STORED = 0.6
"""Files that a wheel holds as they are, once compressed."""
RECOMPRESSED = 0.99
"""Libraries compressed by libdeflate, against the wheel's own compression."""
SYMBOLS = 0.095
"""Symbols for debuggers, compressed."""
CODE = 0.42
"""Code and data of a library, compressed, at most: what was more was debug information."""
SOURCE, PACKED_SOURCE = 0.72, 1.92
"""Bytes of bytecode for a byte of a module, and for one of the module compressed."""
PACKED_PART = 0.245
"""A module compressed, where its archive does not say."""
BYTECODE = 0.36
"""Bytecode, compressed."""
IMPORTED = 0.4
"""Part of the modules' bytes that a start imports, where none is recorded."""
DEB_UNPACKED, DEB_COMPRESSED = 3.45, 1.18
"""A Debian package's files as a layer's, against the package (which is compressed by xz)."""
