"""What bytecode costs and saves: bytes, and seconds from the start to the first embedding."""

from __future__ import annotations

import json
import time
import urllib.request
from contextlib import suppress

from bench.harness import BENCH, Row, copy_example, lightship, megabytes, ratio, running, seconds
from scripts.ports import free_port

LEVELS = ("none", "imported", "all")
RUNS = 3
DIMENSIONS = 384
WITHIN = 240.0


def start_rows() -> list[Row]:
    """Start the cpu variant as in production, at each level in turn."""
    images = {level: _build(level) for level in LEVELS}
    times: dict[str, list[float]] = {level: [] for level in LEVELS}
    for _ in range(RUNS):
        for level in LEVELS:
            times[level].append(_first_embedding(f"bench:{level}"))
    rows: list[Row] = []
    for level in LEVELS:
        size = f"{megabytes(images[level][0])} / {megabytes(images[level][1])}"
        rows += [
            (f"bytecode {level}: start → first embedding", seconds(times[level]), ""),
            ("  unpacked / compressed", size, ""),
        ]
    for level in LEVELS[1:]:
        ratios = [one / none for one, none in zip(times[level], times["none"], strict=True)]
        rows.append((f"  {level}, as part of the time without", ratio(ratios), "≤ 0.55 x"))
    return rows


def _build(level: str) -> tuple[int, int]:
    folder = copy_example(BENCH / f"bytecode-{level}" / "pharmabot", bytecode=f'"{level}"')
    run = lightship("build", folder, "--variant", "cpu", "--tag", f"bench:{level}", "--json")
    image = json.loads(run.output)
    _first_embedding(f"bench:{level}")  # lays the image out, and reads it into memory
    return image["unpacked"], image["compressed"]


def _first_embedding(image: str) -> float:
    """Seconds from the start to the first answer, from any of the workers."""
    port = free_port()
    with running(image, "--env", f"PORT={port}", "--env", "EMBEDDING_TIMEOUT=200") as started:
        while time.perf_counter() < started + WITHIN:
            with suppress(OSError):
                _ask(f"http://127.0.0.1:{port}/embed")
                return time.perf_counter() - started
            time.sleep(0.05)
    raise SystemExit(f"{image} gave no embedding")


def _ask(url: str) -> None:
    body = json.dumps({"texts": ["Take one tablet a day."]}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - http
    with urllib.request.urlopen(request, timeout=WITHIN) as response:  # noqa: S310
        if len(json.load(response)["embeddings"][0]) != DIMENSIONS:
            raise SystemExit("that is no embedding")
