"""PostgreSQL: a pool that survives restarts of the server, and the schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its classes in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.pool import ThreadedConnectionPool

from app.errors import UnavailableError

_NAME = "postgresql"
_SCHEMA_LOCK = 0x7068_6172_6D61  # any number, as long as every worker takes the same one
_SCHEMA = """
CREATE TABLE IF NOT EXISTS leaflets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drug text NOT NULL,
    section text NOT NULL,
    body text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (drug, section)
);
CREATE TABLE IF NOT EXISTS passages (
    leaflet_id bigint NOT NULL REFERENCES leaflets ON DELETE CASCADE,
    position integer NOT NULL,
    body text NOT NULL,
    model text NOT NULL,
    embedding real[] NOT NULL,
    PRIMARY KEY (leaflet_id, position)
);
CREATE INDEX IF NOT EXISTS passages_by_model ON passages (model);
"""


class _Pool(ThreadedConnectionPool):
    """Opens nothing until it is asked to, then keeps every connection it has opened.

    The base class opens `minconn` connections at once, which would stop the service from starting before
    its database, and closes what is returned beyond that number.
    """

    def __init__(self, size: int, dsn: str, timeout: float) -> None:
        milliseconds = round(timeout * 1000)
        super().__init__(
            0,
            size,
            dsn,
            connect_timeout=max(2, round(timeout)),
            tcp_user_timeout=milliseconds,
            options=f"-c statement_timeout={milliseconds}",
        )
        self.minconn = size


class Database:
    """Lends transactions on a PostgreSQL database, whose schema it creates at first use."""

    def __init__(self, dsn: str, size: int, timeout: float) -> None:
        self._pool = _Pool(size, dsn, timeout)
        self._size = size
        self._timeout = timeout
        self._free = BoundedSemaphore(size)
        self._schema_created = False

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Lend a cursor; commit at the end, roll back on any error."""
        with self._connection() as connection:
            try:
                self._create_schema(connection)
                with connection, connection.cursor() as cursor:
                    yield cursor
            except psycopg2.Error:
                # Perhaps the database was restored or replaced: look at the schema again next time.
                self._schema_created = False
                raise

    def check(self) -> None:
        """Raise `UnavailableError` unless a query is answered."""
        with self.transaction() as cursor:
            cursor.execute("SELECT 1")

    def close(self) -> None:
        """Close the connections."""
        self._pool.closeall()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        # The pool refuses when it is exhausted; requests should rather wait for their turn.
        if not self._free.acquire(timeout=self._timeout):
            raise UnavailableError(_NAME, "is too busy", "no free connection in the pool")
        try:
            connection = self._live_connection()
            try:
                yield connection
            finally:
                self._pool.putconn(connection)
        except psycopg2.Error as error:
            # A server that is down, a missing privilege, a standby that takes no writes: to the client these
            # are the same outage, and the log has PostgreSQL's own words.
            raise UnavailableError(_NAME, "cannot be used", str(error).strip()) from error
        finally:
            self._free.release()

    def _live_connection(self) -> Connection:
        """Skip the connections that died in the pool; a new one either lives or raises."""
        for _ in range(self._size):
            connection: Connection = self._pool.getconn()
            if _is_alive(connection):
                return connection
            self._pool.putconn(connection, close=True)
        return self._pool.getconn()

    def _create_schema(self, connection: Connection) -> None:
        if self._schema_created:
            return
        with connection, connection.cursor() as cursor:
            # CREATE ... IF NOT EXISTS fails when two workers start it at the same moment.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            cursor.execute(_SCHEMA)
        self._schema_created = True


def _is_alive(connection: Connection) -> bool:
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        return False
    return True
