"""A PostgreSQL server of the tests' own, in a temporary folder, as a user without privileges."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

PASSWORD = "hunter2" * 3
PROGRAMS = [Path(found).parent for found in [shutil.which("initdb")] if found] + sorted(
    Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name)
)
"""Where PostgreSQL's programs are; Debian has those of a server on no search path."""


def missing() -> str | None:
    """What is missing for a server, as the reason for which a test is skipped."""
    if not any((folder / "initdb").exists() for folder in PROGRAMS):
        return "PostgreSQL is not installed (Debian's package postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed (mtlkit[postgresql])"
    return None


@final
class Server:
    """A server on a free port of this machine, for the user `mtlkit` with a password."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.databases = folder, 0
        self.bin = next(each for each in PROGRAMS if (each / "initdb").exists())
        self.user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(folder, self.user)
            shutil.chown(folder / "password", self.user)
        options = ("--auth=scram-sha-256", "--username=mtlkit", f"--pwfile={folder / 'password'}", "--no-sync")
        self._run("initdb", *options)
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "start", "--wait", f"--log={self.folder / 'log'}", f"--options={settings}")

    def stop(self) -> None:
        """Stops it at once; what was committed stays."""
        self._run("pg_ctl", "stop", "--mode=fast")

    def new_database(self) -> str:
        """The URL of a database that is empty."""
        self.databases += 1
        name = f"sweeps{self.databases}"
        self.execute(f"CREATE DATABASE {name}", "postgres")
        return self.url(name)

    def url(self, name: str, password: str = PASSWORD) -> str:
        """The URL of a database."""
        return f"postgresql://mtlkit:{password}@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str, database: str) -> list[Any]:
        """Runs SQL; the rows that it gives."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *options: str) -> None:
        command = [str(self.bin / program), f"--pgdata={self.folder / 'data'}", *options]
        result = subprocess.run(
            command,
            user=self.user if os.geteuid() == 0 else None,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a server that has started keeps what it has inherited
            stderr=subprocess.DEVNULL,
        )
        assert result.returncode == 0, f"{program} has failed; see {self.folder / 'log'}"


@contextmanager
def running_server() -> Iterator[Server]:
    """A server for the duration of the block. Its folder is not pytest's, into which others may not look."""
    with tempfile.TemporaryDirectory(prefix="mtlkit-postgresql-") as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.stop()
