"""A dependency that is down gets a 503 and a log line, or is done without."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from structlog.testing import capture_logs

from conftest import MakeClient
from support.azure_server import AzureServer
from support.leaflets import IBUPROFEN, store
from support.postgres import PostgresServer
from support.redis_server import RedisServer

_QUESTION = {"question": "How often may I take ibuprofen?"}
_FAILURES = [
    (500, {"error": {"code": "InternalServerError", "message": "boom"}}, "azure-openai failed"),
    (429, {"error": {"code": "429", "message": "slow down"}}, "azure-openai is at its rate limit"),
    (404, {"error": {"code": "DeploymentNotFound", "message": "?"}}, "azure-openai has no such deployment"),
    (400, {"error": {"code": "bad", "message": "?"}}, "azure-openai failed"),
]


def _assert_unavailable(
    response: Response, logs: Sequence[MutableMapping[str, Any]], dependency: str
) -> None:
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    error = response.json()["error"]
    assert (error["code"], error["dependency"]) == ("unavailable", dependency)
    assert "Traceback" not in response.text
    lines = [line for line in logs if line["event"] == "dependency_unavailable"]
    assert [(line["dependency"], line["log_level"]) for line in lines] == [(dependency, "error")]
    assert lines[0]["detail"]


@pytest.mark.parametrize(
    ("path", "body"), [("/documents", IBUPROFEN), ("/search", {"query": "dose"}), ("/ask", _QUESTION)]
)
def test_postgresql_down(
    client: TestClient, postgres_server: PostgresServer, path: str, body: dict[str, str]
) -> None:
    store(client, IBUPROFEN)
    postgres_server.stop()
    with capture_logs() as logs:
        response = client.post(path, json=body)
    _assert_unavailable(response, logs, "postgresql")
    assert client.get("/health").status_code == 200


def test_postgresql_down_is_not_ready(client: TestClient, postgres_server: PostgresServer) -> None:
    postgres_server.stop()
    with capture_logs() as logs:
        response = client.get("/ready")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert [line["dependency"] for line in logs if line["log_level"] == "warning"] == ["postgresql"]
    assert response.json()["checks"]["postgresql"] == "cannot be used"


def test_postgresql_restarted_is_used_again(client: TestClient, postgres_server: PostgresServer) -> None:
    store(client, IBUPROFEN)
    postgres_server.stop()
    assert client.get("/ready").status_code == 503
    postgres_server.start()
    response = client.post("/search", json={"query": "ibuprofen"})
    assert [hit["drug"] for hit in response.json()["hits"]] == ["Ibuprofen 400 mg"]


def test_postgresql_restarted_between_two_requests_costs_none(
    client: TestClient, postgres_server: PostgresServer
) -> None:
    store(client, IBUPROFEN)
    postgres_server.stop()
    postgres_server.start()
    assert client.post("/search", json={"query": "ibuprofen"}).status_code == 200


def test_tables_that_are_lost_are_made_again(client: TestClient, postgres_server: PostgresServer) -> None:
    store(client, IBUPROFEN)
    postgres_server.query("DROP TABLE passages, leaflets")
    assert client.post("/search", json={"query": "ibuprofen"}).status_code == 503
    assert client.post("/search", json={"query": "ibuprofen"}).json()["hits"] == []


def test_redis_down_costs_only_the_cache(client: TestClient, redis_server: RedisServer) -> None:
    store(client, IBUPROFEN)
    redis_server.stop()
    with capture_logs() as logs:
        responses = [client.post("/ask", json=_QUESTION) for _ in range(2)]
    assert [(response.status_code, response.json()["cached"]) for response in responses] == [(200, False)] * 2
    warnings = [line["operation"] for line in logs if line["event"] == "cache_unavailable"]
    assert warnings == ["get", "set", "get", "set"]


def test_redis_down_is_degraded_and_back_is_ready(client: TestClient, redis_server: RedisServer) -> None:
    redis_server.stop()
    response = client.get("/ready")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["redis"] == "cannot be reached"
    redis_server.start()
    assert client.get("/ready").json()["status"] == "ready"


@pytest.mark.parametrize(("status", "body", "message"), _FAILURES)
def test_azure_fails(
    client: TestClient, azure: AzureServer, status: int, body: dict[str, Any], message: str
) -> None:
    azure.script.failure = (status, body)
    with capture_logs() as logs:
        response = client.post("/embed", json={"texts": ["fever"]})
    _assert_unavailable(response, logs, "azure-openai")
    assert response.json()["error"]["message"] == message


def test_azure_does_not_answer_in_time(client: TestClient, azure: AzureServer) -> None:
    azure.script.hang = True
    with capture_logs() as logs:
        response = client.post("/ask", json=_QUESTION)
    _assert_unavailable(response, logs, "azure-openai")
    assert response.json()["error"]["message"] == "azure-openai did not answer in time"


def test_azure_cannot_be_reached(make_client: MakeClient) -> None:
    client = make_client(azure_openai_endpoint="http://127.0.0.1:1")
    with capture_logs() as logs:
        response = client.post("/ask", json=_QUESTION)
    _assert_unavailable(response, logs, "azure-openai")
    assert client.get("/ready").json()["checks"]["azure-openai"] == "cannot be reached"


def test_azure_does_not_take_the_key(make_client: MakeClient) -> None:
    client = make_client(azure_openai_api_key="a wrong key")
    with capture_logs() as logs:
        response = client.post("/ask", json=_QUESTION)
    _assert_unavailable(response, logs, "azure-openai")
    assert "a wrong key" not in response.text + str(logs)
    assert client.get("/ready").status_code == 503


def test_azure_gives_an_empty_answer(client: TestClient, azure: AzureServer) -> None:
    store(client, IBUPROFEN)
    azure.script.answer = ""
    response = client.post("/ask", json=_QUESTION)
    assert response.status_code == 503
    assert response.json()["error"]["message"] == "azure-openai gave no answer"


def test_azure_gives_a_vector_without_a_direction(client: TestClient) -> None:
    assert client.post("/embed", json={"texts": ["!?"]}).status_code == 503


def test_azure_not_configured(make_client: MakeClient) -> None:
    client = make_client(azure_openai_endpoint=None)
    assert client.get("/health").status_code == 200
    assert client.get("/ready").json()["checks"]["azure-openai"] == "is not configured"
    assert client.post("/ask", json=_QUESTION).status_code == 503
