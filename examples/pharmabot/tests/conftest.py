"""Servers once for all tests, an application for each."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.factory import create_app
from app.settings import Settings
from support import azure_server, postgres
from support.azure_server import AzureServer
from support.postgres import PostgresServer
from support.redis_server import RedisServer

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[PostgresServer]:
    if postgres.binary("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    # Not pytest's folder: each run of pytest closes that to the other user that PostgreSQL may run as.
    with TemporaryDirectory(prefix="pharmabot-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def _redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _azure_server() -> Iterator[AzureServer]:
    server = AzureServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_server(_postgres_server: PostgresServer) -> PostgresServer:
    """Lend PostgreSQL, running and without tables; a test may stop it."""
    _postgres_server.start()
    _postgres_server.query("DROP TABLE IF EXISTS passages, leaflets")
    return _postgres_server


@pytest.fixture
def redis_server(_redis_server: RedisServer) -> RedisServer:
    """Lend Redis, running and empty; a test may stop it."""
    _redis_server.start()
    _redis_server.empty()
    return _redis_server


@pytest.fixture
def azure(_azure_server: AzureServer) -> AzureServer:
    """Lend the stand-in for Azure OpenAI, well behaved until the test says otherwise."""
    _azure_server.reset()
    return _azure_server


@pytest.fixture
def settings(postgres_server: PostgresServer, redis_server: RedisServer, azure: AzureServer) -> Settings:
    """Return settings that name the test servers, with Azure's embeddings and short timeouts."""
    return Settings.model_validate(
        {
            "database_url": postgres_server.url,
            "redis_url": redis_server.url,
            "azure_openai_endpoint": azure.url,
            "azure_openai_api_key": azure_server.KEY,
            "azure_openai_timeout": 1,
            "azure_openai_max_retries": 0,
            "embedding_backend": "azure",
        }
    )


@pytest.fixture
def make_client(settings: Settings) -> Iterator[MakeClient]:
    """Return a function that starts the application, with some settings changed."""
    with ExitStack() as stack:

        def make(**changes: Any) -> TestClient:
            changed = Settings.model_validate(settings.model_dump() | changes)
            return stack.enter_context(TestClient(create_app(changed)))

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """Return a client of the application that embeds through Azure."""
    return make_client()
