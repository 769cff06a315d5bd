"""The service as it is deployed: under gunicorn, told by the environment, logging JSON."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from support.processes import accepts_connections, free_port, stop, wait_until
from support.redis_server import RedisServer

_PATIENCE = 60.0  # the first request imports what it needs, which no bytecode speeds up in a new environment
_COMMAND = [
    *(sys.executable, "-B", "-m", "gunicorn", "app.main:app"),
    *("--config", "python:app.gunicorn_conf", "--worker-class", "uvicorn.workers.UvicornWorker"),
]
_ROOT = Path(__file__).parents[1]


def _environment(settings: Settings, port: int) -> dict[str, str]:
    key = settings.azure_openai_api_key
    assert key is not None
    return os.environ | {
        "PORT": str(port),
        "WORKERS": "2",
        "TIMEOUT": "30",
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "AZURE_OPENAI_ENDPOINT": str(settings.azure_openai_endpoint),
        "AZURE_OPENAI_API_KEY": key.get_secret_value(),
        "EMBEDDING_BACKEND": "azure",
    }


@pytest.fixture
def served(settings: Settings, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the address of a running service and the file that takes its output."""
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _COMMAND, cwd=_ROOT, env=_environment(settings, port), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_until(lambda: accepts_connections(port), "gunicorn", process)
            yield f"http://127.0.0.1:{port}", log
        finally:
            status = stop(process, signal.SIGTERM)
    assert status == 0


def test_every_line_of_the_log_is_json_with_the_request_id(served: tuple[str, Path]) -> None:
    address, log = served
    with httpx.Client(base_url=address, timeout=_PATIENCE) as client:
        assert client.get("/ready").json()["status"] == "ready"
        headers = {"X-Request-ID": "from-the-client"}
        assert client.post("/embed", json={"texts": ["fever"]}, headers=headers).status_code == 200
    wait_until(lambda: '"from-the-client"' in log.read_text(), "the request's log line")
    wait_until(lambda: log.read_text().count('"event": "started"') == 2, "the second worker")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (request,) = [line for line in lines if line.get("request_id") == "from-the-client"]
    assert (request["event"], request["path"], request["status"]) == ("request", "/embed", 200)
    assert {"timestamp", "level", "logger"} <= request.keys()


def test_what_a_probe_finds_is_logged_with_its_id(
    served: tuple[str, Path], redis_server: RedisServer
) -> None:
    address, log = served
    redis_server.stop()
    response = httpx.get(f"{address}/ready", headers={"X-Request-ID": "probe-1"}, timeout=_PATIENCE)
    assert response.json()["status"] == "degraded"
    (line,) = [json.loads(line) for line in log.read_text().splitlines() if '"probe-1"' in line]
    assert (line["event"], line["dependency"]) == ("dependency_unavailable", "redis")


def test_no_secret_is_logged_at_any_level(settings: Settings, served: tuple[str, Path]) -> None:
    address, log = served
    httpx.post(f"{address}/embed", json={"texts": ["fever"]}, timeout=_PATIENCE)
    assert settings.azure_openai_api_key is not None
    assert settings.azure_openai_api_key.get_secret_value() not in log.read_text()


@pytest.mark.parametrize(("name", "value"), [("WORKERS", "four"), ("TIMEOUT", "0"), ("PORT", "-1")])
def test_a_bad_number_is_named(name: str, value: str) -> None:
    process = subprocess.run(
        [*_COMMAND, "--check-config"],
        cwd=_ROOT,
        env=os.environ | {name: value},
        check=False,
        capture_output=True,
    )
    assert process.returncode != 0
    assert f"{name} must be a whole number" in process.stderr.decode()
