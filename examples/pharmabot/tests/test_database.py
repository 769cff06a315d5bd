"""The pool and the schema under several users at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from app.database import Database
from app.errors import UnavailableError
from support.postgres import PostgresServer

_WORKERS = 8


def test_workers_that_start_together_create_one_schema(postgres_server: PostgresServer) -> None:
    barrier = Barrier(_WORKERS)

    def work(_: int) -> None:
        with closing(Database(postgres_server.url, size=1, timeout=5)) as database:
            barrier.wait()
            database.check()

    with ThreadPoolExecutor(_WORKERS) as threads:
        list(threads.map(work, range(_WORKERS)))
    rows = postgres_server.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    assert rows == [(2,)]


def test_more_threads_than_connections_take_turns(postgres_server: PostgresServer) -> None:
    with closing(Database(postgres_server.url, size=2, timeout=5)) as database:
        with ThreadPoolExecutor(_WORKERS) as threads:
            list(threads.map(lambda _: database.check(), range(100)))
        rows = postgres_server.query(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    assert rows[0][0] in (1, 2)


def test_a_pool_that_stays_exhausted_gives_up(postgres_server: PostgresServer) -> None:
    with closing(Database(postgres_server.url, size=1, timeout=0.1)) as database, database.transaction():  # noqa: SIM117
        with pytest.raises(UnavailableError, match="too busy"):
            database.check()


def test_an_error_rolls_back(postgres_server: PostgresServer) -> None:
    def fail() -> None:
        with database.transaction() as cursor:
            cursor.execute("INSERT INTO leaflets (drug, section, body) VALUES ('a', 'b', 'c')")
            raise KeyError

    with closing(Database(postgres_server.url, size=1, timeout=5)) as database:
        with pytest.raises(KeyError):
            fail()
        database.check()
    assert postgres_server.query("SELECT count(*) FROM leaflets") == [(0,)]
