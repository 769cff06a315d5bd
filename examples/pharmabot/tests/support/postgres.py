"""A real PostgreSQL server with its data in a temporary folder."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg2

from support.processes import free_port, is_running, stop, wait_until

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def binary(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs; Debian keeps them off the PATH."""
    return str(_DEBIAN[-1].with_name(name)) if _DEBIAN else shutil.which(name)


class PostgresServer:
    """A server that can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = free_port()
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(folder, self._user)
        self._initialise()

    @property
    def url(self) -> str:
        """Return the connection string of its database."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if is_running(self._process):
            return
        options = ["-c", "fsync=off", "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(binary("postgres")), "-D", str(self._data), "-p", str(self._port), *options],
                user=self._user,
                cwd=self._data,
                stderr=log,
            )
        wait_until(self._answers, "PostgreSQL", self._process)

    def stop(self) -> None:
        """Stop it, cutting off its clients."""
        if is_running(self._process):
            stop(self._process, signal.SIGINT)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement behind the service's back; return its rows, if it has any."""
        connection = psycopg2.connect(self.url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _initialise(self) -> None:
        subprocess.run(
            [
                str(binary("initdb")),
                "-D",
                str(self._data),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-N",
                "-E",
                "UTF8",
            ],
            user=self._user,
            cwd=self._data.parent,
            env=os.environ | {"LC_ALL": "C"},
            check=True,
            capture_output=True,
        )

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True
