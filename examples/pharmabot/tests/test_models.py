"""Vectors of different models are never compared."""

from conftest import MakeClient
from support.azure_server import AzureServer
from support.leaflets import IBUPROFEN, store


def test_only_passages_of_the_current_model_are_searched(make_client: MakeClient) -> None:
    old = make_client(azure_openai_embedding_deployment="old")
    new = make_client(azure_openai_embedding_deployment="new")
    store(old, IBUPROFEN)
    assert new.post("/search", json={"query": "ibuprofen"}).json() == {"model": "azure/new", "hits": []}
    store(new, IBUPROFEN)
    assert len(new.post("/search", json={"query": "ibuprofen"}).json()["hits"]) == 1
    assert old.post("/search", json={"query": "ibuprofen"}).json()["hits"] == []


def test_a_deployment_that_was_given_another_model(make_client: MakeClient, azure: AzureServer) -> None:
    client = make_client()
    store(client, IBUPROFEN)
    azure.script.dimensions = 8
    assert client.post("/search", json={"query": "ibuprofen"}).json()["hits"] == []
