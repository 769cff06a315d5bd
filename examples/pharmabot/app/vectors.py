"""Vectors of length one, so that a dot product is a cosine."""

import math
from collections.abc import Iterable

Vector = list[float]


def normalised(values: Iterable[float]) -> Vector:
    """Scale `values` to length one; a vector without a direction is a `ValueError`."""
    vector = list(values)
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0:
        message = f"a vector of length {length} has no direction"
        raise ValueError(message)
    return [value / length for value in vector]
