"""Request ids, log lines, and exceptions that nobody foresaw."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from app.middleware import RequestContext


def _app() -> FastAPI:
    app = FastAPI()
    app.add_middleware(RequestContext)

    @app.get("/bug")
    def bug() -> None:
        message = "the inside of the service"
        raise KeyError(message)

    return app


def test_a_sane_request_id_is_kept(client: TestClient) -> None:
    response = client.get("/health", headers={"X-Request-ID": "order-17.a_B"})
    assert response.headers["X-Request-ID"] == "order-17.a_B"


@pytest.mark.parametrize("given", [None, "", "two words", "a" * 129, '{"forged": 1}'])
def test_any_other_is_replaced(client: TestClient, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given}
    ids = {client.get("/health", headers=headers).headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", request_id) for request_id in ids)


def test_errors_carry_the_request_id(client: TestClient) -> None:
    response = client.post("/ask", json={}, headers={"X-Request-ID": "bad-one"})
    assert (response.status_code, response.headers["X-Request-ID"]) == (422, "bad-one")


def test_each_request_is_logged_but_probes_only_for_debugging(client: TestClient) -> None:
    with capture_logs() as logs:
        client.get("/health")
        client.post("/embed?texts=secret", json={"texts": ["fever"]})
    lines = [line for line in logs if line["event"] == "request"]
    assert [(line["log_level"], line["path"], line["status"]) for line in lines] == [
        ("debug", "/health", 200),
        ("info", "/embed", 200),
    ]
    assert all(line["duration_ms"] >= 0 for line in lines)


def test_an_unforeseen_exception_stays_in_the_log() -> None:
    with TestClient(_app()) as client, capture_logs() as logs:
        response = client.get("/bug", headers={"X-Request-ID": "r1"})
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] == "r1"
    assert response.json()["error"]["code"] == "internal_error"
    assert "inside" not in response.text
    assert [line["event"] for line in logs] == ["request_failed", "request"]
    assert logs[0]["exc_info"]
