"""The back end of ONNX Runtime, where what exports its model is installed."""

import subprocess
import sys
import textwrap
from importlib.util import find_spec
from operator import mul
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.azure import Azure
from app.embedding import create_embedder
from app.embedding.onnx import OnnxEmbedder
from app.errors import UnavailableError
from app.settings import Settings
from conftest import MakeClient
from support.leaflets import CETIRIZINE, IBUPROFEN, METFORMIN, store

onnx = pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxruntime", "torch"))), reason="what exports models is not installed"
)
_ROOT = Path(__file__).parents[1]
TEXTS = (
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
)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Export the model, and quantize it, as the image's stages do."""
    exact, quantized = tmp_path_factory.mktemp("exact"), tmp_path_factory.mktemp("quantized")
    for script, *arguments in (
        ("export_model.py", "--out", str(exact)),
        ("quantize_model.py", str(exact), "--out", str(quantized)),
    ):
        command = [sys.executable, str(_ROOT / "export" / script), *arguments]
        subprocess.run(command, check=True, capture_output=True)
    return {"exact": exact, "quantized": quantized}


@pytest.fixture
def onnx_client(make_client: MakeClient, exported: dict[str, Path]) -> TestClient:
    """Return a client of the application that embeds with the quantized model."""
    return make_client(embedding_backend="onnx", embedding_model_folder=exported["quantized"])


@onnx
@pytest.mark.parametrize(
    ("kind", "model", "least"),
    [("exact", "all-MiniLM-L6-v2", 0.999), ("quantized", "all-MiniLM-L6-v2-int8", 0.97)],
)
def test_the_vectors_are_near_those_of_torch(
    exported: dict[str, Path], kind: str, model: str, least: float
) -> None:
    from app.embedding.local import LocalEmbedder

    ours, theirs = OnnxEmbedder(exported[kind], 60), LocalEmbedder("cpu", 60)
    assert ours.model == model
    pairs = zip(ours.embed(TEXTS), theirs.embed(TEXTS), strict=True)
    cosines = [sum(map(mul, one, other)) for one, other in pairs]
    assert min(cosines) >= least
    ours.close()
    theirs.close()


@onnx
def test_a_vector_does_not_depend_on_the_texts_beside_it(exported: dict[str, Path]) -> None:
    embedder = OnnxEmbedder(exported["quantized"], 60)
    (alone,) = embedder.embed(TEXTS[:1])
    assert embedder.embed(TEXTS)[0] == alone
    embedder.close()


@onnx
def test_a_question_finds_a_leaflet_that_shares_no_word_with_it(onnx_client: TestClient) -> None:
    store(onnx_client, IBUPROFEN, METFORMIN, CETIRIZINE)
    body = onnx_client.post("/search", json={"query": "diabetes medication"}).json()
    assert body["model"] == "all-MiniLM-L6-v2-int8"
    assert body["hits"][0]["drug"] == "Metformin 500 mg"
    assert onnx_client.get("/ready").json()["status"] == "ready"


@onnx
def test_embedding_imports_no_torch(exported: dict[str, Path]) -> None:
    script = f"""
    import sys
    from pathlib import Path
    from app.embedding.onnx import OnnxEmbedder
    embedder = OnnxEmbedder(Path({str(exported["exact"])!r}), 60)
    print(len(embedder.embed(["fever"])[0]), "torch" in sys.modules, "transformers" in sys.modules)
    embedder.close()
    """
    command = [sys.executable, "-B", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "384 False False"


@onnx
def test_a_damaged_model_is_said_to_be_unavailable(exported: dict[str, Path], tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((exported["exact"] / name).read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"no model")
    embedder = OnnxEmbedder(tmp_path, 60)
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        embedder.embed(["fever"])
    with pytest.raises(UnavailableError, match="is not loaded"):
        embedder.check()
    embedder.close()


def test_without_a_model_the_back_end_is_refused(settings: Settings, tmp_path: Path) -> None:
    changes = {"embedding_backend": "onnx", "embedding_model_folder": tmp_path}
    with pytest.raises(RuntimeError, match="no model in EMBEDDING_MODEL_FOLDER"):
        create_embedder(settings.model_copy(update=changes), Azure(settings))
