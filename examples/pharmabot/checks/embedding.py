"""Asks the started service for embeddings; run beside it when its start is recorded, and not shipped.

A variant without a model of its own asks Azure, which nobody can reach there: that it says so is enough.
"""

import json
import math
import sys
import urllib.error
import urllib.request

URL = "http://127.0.0.1:8000/embed"
TEXTS = ["Take one tablet a day.", "Swallow one pill daily.", "The bus leaves at nine."]
TIMEOUT = 120.0
DIMENSIONS = 384


def main() -> str:
    """Return what is wrong, or nothing."""
    data = json.dumps({"texts": TEXTS}).encode()
    request = urllib.request.Request(URL, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            vectors = json.load(response)["embeddings"]
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        return "" if error.code == 503 and "azure" in text else f"{error.code}: {text}"  # noqa: PLR2004
    pill, again, bus = vectors
    if any(len(vector) != DIMENSIONS or abs(math.hypot(*vector) - 1) > 1e-3 for vector in vectors):  # noqa: PLR2004
        return "the vectors are not what the model gives"
    if dot(pill, again) < dot(pill, bus):
        return "what means the same is further apart than what does not"
    return ""


def dot(one: list[float], other: list[float]) -> float:
    """Return the cosine of the angle between two vectors of length one."""
    return sum(a * b for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    sys.exit(main() or 0)
