"""Base scores of CVSS 3.0 and 3.1 vectors (first.org/cvss/v3.1/specification-document, section 7)."""

from __future__ import annotations

from collections.abc import Mapping

_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES_ELSEWHERE: Mapping[str, float] = {"N": 0.85, "L": 0.68, "H": 0.5}
"""What privileges weigh where another authority's resources are reached (`S:C`)."""


def base_score(vector: str) -> float | None:
    """Give a vector's base score, 0 to 10; None for other versions and for what is none."""
    version, _, rest = vector.partition("/")
    metrics = dict(part.partition(":")[::2] for part in rest.split("/"))
    scope = metrics.get("S")
    if version not in ("CVSS:3.0", "CVSS:3.1") or scope not in ("U", "C"):
        return None
    weights = dict(_WEIGHTS) | ({"PR": _PRIVILEGES_ELSEWHERE} if scope == "C" else {})
    try:
        found = {name: values[metrics[name]] for name, values in weights.items()}
    except KeyError:
        return None
    return _score(found, elsewhere=scope == "C")


def _score(found: Mapping[str, float], *, elsewhere: bool) -> float:
    missed = (1 - found["C"]) * (1 - found["I"]) * (1 - found["A"])
    base = 1 - missed
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if elsewhere else 6.42 * base
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * found["AV"] * found["AC"] * found["PR"] * found["UI"]
    return _round_up(min((1.08 if elsewhere else 1.0) * (impact + exploitability), 10.0))


def _round_up(value: float) -> float:
    """Round to the next tenth, as appendix A does: floating point must not add one."""
    scaled = round(value * 100_000)
    return scaled / 100_000 if scaled % 10_000 == 0 else (scaled // 10_000 + 1) / 10
