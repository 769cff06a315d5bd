"""Predicted sizes against built ones, for well-known AI packages. Run it with `make bench-compare`.

Each project is built in a home of its own, and told from another one that has no layer and no wheel: with the
lock and the recorded start of the build, and in a folder without them. Packages come from where pip and apt
are configured to look. Names after `python -m bench.predicted` choose projects; `cuda`, which takes 3 GB of
downloads and 11 GB of disk, must be named.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.harness import LIGHTSHIP

PROJECTS: Mapping[str, tuple[str, str]] = {
    "onnxruntime": ("fastapi uvicorn onnxruntime", "fastapi, uvicorn, onnxruntime"),
    "faiss": ("faiss-cpu fastapi uvicorn openai", "faiss, fastapi, openai"),
    "opencv": ("opencv-python-headless pillow fastapi uvicorn", "cv2, PIL.Image, fastapi"),
    "scikit-learn": ("scikit-learn pandas flask", "sklearn.ensemble, pandas, flask"),
    "transformers": ("transformers sentencepiece", "transformers, sentencepiece"),
    "langchain": ("langchain langchain-openai", "langchain, langchain_openai"),
    "lightgbm": ("lightgbm scipy polars", "lightgbm, polars"),
    "spacy": ("spacy", "spacy"),
    "gradio": ("gradio", "gradio"),
    "chromadb": ("chromadb", "chromadb"),
    "xgboost": ("xgboost pandas", "xgboost, pandas"),
    "cuda": ("torch", "torch"),
}
"""Requirements, and what the service imports."""
BIG = ("cuda",)
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "pharmabot"
VARIANTS = {f"pharmabot-{name}": name for name in ("none", "cpu", "onnx")}
"""The example's, by the names that choose them."""
_CONFIG = """\
python = "3.11"
command = ["python", "-m", "app.main"]
sources = ["app/"]
ports = [8000]
health = "http://:8000/"
variant = "none"
[variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""
_SERVICE = """\
import {modules}
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")


HTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""


def main(names: list[str]) -> None:
    print("| project | built | predicted | error | fetched | error without lock and record |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name in names or [name for name in (*VARIANTS, *PROJECTS) if name not in BIG]:
            print(measure(name, Path(scratch)), flush=True)


def measure(name: str, scratch: Path) -> str:
    """Build a project, predict it twice, and give the row of a table in Markdown.

    What stages made is kept for the first prediction: nothing else tells how big it is.
    """
    plain, folder, home = scratch / name / "plain", scratch / name / "built", scratch / name / "home"
    options: tuple[str, ...] = ()
    if name in VARIANTS:
        shutil.copytree(EXAMPLE, plain, ignore=shutil.ignore_patterns("pylock.*", "start.*"))
        title, options = f"pharmabot, `{VARIANTS[name]}`", ("--variant", VARIANTS[name])
    else:
        write(plain, *PROJECTS[name])
        title = PROJECTS[name][0].replace(" ", ", ")
    shutil.copytree(plain, folder)
    built = call("build", folder, home, *options)
    if (stages := home / "cache" / "stages").is_dir():
        shutil.copytree(stages, scratch / "locked" / "cache" / "stages", symlinks=True)
    shutil.rmtree(home)
    predicted = call("compare", folder, scratch / "locked", "--locked", *options)
    unlocked = call("compare", plain, scratch / "unlocked", *options)
    image = predicted["images"][0]
    cells = (
        title,
        sizes(built),
        sizes(image),
        errors(image, built),
        f"{predicted['fetched'] / 1e6:.1f}",
        errors(unlocked["images"][0], built),
    )
    return f"| {' | '.join(cells)} |"


def write(folder: Path, requirements: str, modules: str) -> None:
    (folder / "app").mkdir(parents=True)
    (folder / "requirements.txt").write_text("\n".join(requirements.split()) + "\n")
    (folder / "lightship.toml").write_text(_CONFIG)
    (folder / "app" / "__init__.py").touch()
    (folder / "app" / "main.py").write_text(_SERVICE.format(modules=modules))


def call(command: str, folder: Path, home: Path, *options: str) -> Any:
    environ = {**os.environ, "LIGHTSHIP_HOME": str(home)}
    asked = [str(LIGHTSHIP), command, str(folder), "--json", "-q", *options]
    return json.loads(subprocess.run(asked, check=True, env=environ, stdout=subprocess.PIPE).stdout)


def sizes(image: Mapping[str, int]) -> str:
    return f"{image['unpacked'] / 1e6:.1f} / {image['compressed'] / 1e6:.1f}"


def errors(told: Mapping[str, int], built: Mapping[str, int]) -> str:
    parts = (f"{told[key] / built[key] - 1:.1%}" for key in ("unpacked", "compressed"))
    return " / ".join(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
