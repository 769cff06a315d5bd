"""What the endpoints do when everything works, with Azure's embeddings."""

import math

import pytest
from fastapi.testclient import TestClient

from support.azure_server import AzureServer, embedding
from support.leaflets import CETIRIZINE, IBUPROFEN, METFORMIN, store


def test_health_asks_nobody(client: TestClient) -> None:
    response = client.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_ready_names_every_dependency(client: TestClient) -> None:
    response = client.get("/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"postgresql": "ok", "azure-openai": "ok", "embeddings": "ok", "redis": "ok"},
    }


def test_embed_returns_vectors_of_length_one_in_order(client: TestClient) -> None:
    texts = ["fever", "cough", "fever and cough"]
    body = client.post("/embed", json={"texts": texts}).json()
    assert (body["model"], body["dimensions"]) == ("azure/text-embedding-3-small", 256)
    for text, vector in zip(texts, body["embeddings"], strict=True):
        raw = embedding(text)
        assert vector == pytest.approx([value / math.hypot(*raw) for value in raw])


def test_search_puts_the_nearest_leaflet_first(client: TestClient) -> None:
    store(client, IBUPROFEN, METFORMIN, CETIRIZINE)
    hits = client.post("/search", json={"query": "ibuprofen tablet with food", "limit": 2}).json()["hits"]
    assert hits[0]["drug"] == "Ibuprofen 400 mg"
    assert hits[0]["passage"] == IBUPROFEN["text"]
    assert len(hits) == 2
    assert 1 >= hits[0]["score"] > hits[1]["score"]


def test_a_text_is_nearest_to_itself_with_a_cosine_of_one(client: TestClient) -> None:
    store(client, METFORMIN, CETIRIZINE)
    hits = client.post("/search", json={"query": METFORMIN["text"]}).json()["hits"]
    assert hits[0]["score"] == pytest.approx(1, abs=1e-6)


def test_a_section_that_is_stored_again_replaces_itself(client: TestClient) -> None:
    first = client.post("/documents", json=IBUPROFEN).json()
    again = client.post("/documents", json=IBUPROFEN | {"text": "Not for children."}).json()
    assert again == {"id": first["id"], "passages": 1}
    hits = client.post("/search", json={"query": "ibuprofen", "limit": 20}).json()["hits"]
    assert [hit["passage"] for hit in hits] == ["Not for children."]


def test_a_long_leaflet_is_found_by_its_end(client: TestClient) -> None:
    text = "Keep this leaflet, you may need it. " * 200 + "Store below 25 degrees."
    response = client.post("/documents", json={"drug": "Paracetamol", "text": text})
    assert response.json()["passages"] > 5
    hits = client.post("/search", json={"query": "store below 25 degrees", "limit": 1}).json()["hits"]
    assert hits[0]["passage"].endswith("Store below 25 degrees.")
    assert hits[0]["section"] == "Leaflet"


def test_ask_answers_from_the_nearest_passages(client: TestClient, azure: AzureServer) -> None:
    store(client, IBUPROFEN, METFORMIN)
    question = "How often may adults swallow ibuprofen?"
    body = client.post("/ask", json={"question": question, "limit": 1}).json()
    assert body["answer"] == f"{IBUPROFEN['text']} [1]"
    assert [source["drug"] for source in body["sources"]] == ["Ibuprofen 400 mg"]
    system, user = azure.script.prompts[0]["messages"]
    assert "passages" in system["content"]
    assert user["content"].endswith(f"Question: {question}")
    assert METFORMIN["text"] not in user["content"]


def test_ask_without_leaflets_says_so_and_generates_nothing(client: TestClient, azure: AzureServer) -> None:
    body = client.post("/ask", json={"question": "What is the dose?"}).json()
    assert body == {"answer": "No stored leaflet bears on this question.", "cached": False, "sources": []}
    assert azure.script.prompts == []


def test_the_second_answer_comes_from_the_cache(client: TestClient, azure: AzureServer) -> None:
    store(client, IBUPROFEN)
    answers = [client.post("/ask", json={"question": "Ibuprofen dose?"}).json() for _ in range(2)]
    assert [answer["cached"] for answer in answers] == [False, True]
    assert answers[0]["answer"] == answers[1]["answer"]
    assert len(azure.script.prompts) == 1


def test_a_changed_leaflet_is_answered_afresh(client: TestClient) -> None:
    store(client, IBUPROFEN)
    client.post("/ask", json={"question": "Ibuprofen dose?"})
    store(client, IBUPROFEN | {"text": "The dose of ibuprofen has changed."})
    body = client.post("/ask", json={"question": "Ibuprofen dose?"}).json()
    assert (body["cached"], body["answer"]) == (False, "The dose of ibuprofen has changed. [1]")
