"""Bad input gets a 4xx with a reason, and none of it comes back."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from support.azure_server import AzureServer

_TEXT = {"drug": "Ibuprofen", "text": "One tablet."}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/embed", {}, "body.texts"),
        ("/embed", {"texts": []}, "body.texts"),
        ("/embed", {"texts": ["a"] * 65}, "body.texts"),
        ("/embed", {"texts": ["a" * 2001]}, "body.texts.0"),
        ("/embed", {"texts": ["  "]}, "body.texts.0"),
        ("/embed", {"texts": [7]}, "body.texts.0"),
        ("/documents", _TEXT | {"text": "a" * 100_001}, "body.text"),
        ("/documents", _TEXT | {"drug": "a" * 201}, "body.drug"),
        ("/documents", _TEXT | {"text": "nul \0 inside"}, "body.text"),
        ("/documents", _TEXT | {"title": "misnamed"}, "body.title"),
        ("/search", {"query": "dose", "limit": 0}, "body.limit"),
        ("/search", {"query": "dose", "limit": 21}, "body.limit"),
        ("/ask", {"question": ""}, "body.question"),
        ("/ask", ["question"], "body"),
    ],
)
def test_a_field_that_is_wrong_is_named(client: TestClient, path: str, body: Any, field: str) -> None:
    response = client.post(path, json=body)
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "invalid_request"
    assert [detail["field"] for detail in error["details"]] == [field]
    assert error["details"][0]["message"]


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff", b'{"question": "\\ud800"}', b'{"\\ud800": 1}', b"[" * 50_000]
)
def test_what_is_not_json_is_refused(client: TestClient, body: bytes) -> None:
    response = client.post("/ask", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500
    assert response.json()["error"]["message"]


def test_what_was_sent_does_not_come_back(client: TestClient) -> None:
    response = client.post("/ask", json={"question": "patient Doe " * 1000})
    assert "Doe" not in response.text


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    response = client.post("/documents", json=_TEXT | {"text": "a" * 1_100_000})
    assert response.status_code == 413
    assert "1048576 bytes" in response.json()["error"]["message"]


def test_a_body_that_hides_its_size_is_refused(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b"a" * 100_000] * 11

    assert client.post("/documents", content=chunks()).status_code == 413


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/ask", 405)])
def test_unknown_paths_and_methods(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.json()["error"]["message"]


def test_a_text_that_the_content_filter_refuses(client: TestClient, azure: AzureServer) -> None:
    azure.script.failure = (
        400,
        {"error": {"code": "content_filter", "message": "The response was filtered"}},
    )
    response = client.post("/embed", json={"texts": ["something vile"]})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "refused"
