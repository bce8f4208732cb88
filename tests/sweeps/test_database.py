"""The database of `--storage`: its URL, what has to be installed, its lock, and a server that goes away."""

import sys
import threading
from collections.abc import Iterator

import pytest

from mtlkit.errors import ConfigError
from mtlkit.sweeps.database import Database, StorageLostError, is_postgresql, open_storage
from tests.postgresql_server import Server, missing, running_server

needs_server = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        yield started


@pytest.fixture
def url(server: Server) -> str:
    return server.new_database()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://host/db", True),
        ("postgres://host/db", True),
        ("postgresql+psycopg://me@host:5432/db", True),
        ("mysql+pymysql://host/db", False),
        ("sqlite:///postgresql", False),
        ("postgresqlite", False),
    ],
)
def test_which_databases_have_a_lock(url: str, expected: bool) -> None:
    assert is_postgresql(url) == expected


def test_postgresql_needs_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sqlalchemy")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        ConfigError, match=r"PostgreSQL needs psycopg; install it with: pip install 'mtlkit\[postgresql\]'"
    ):
        Database("postgresql://me:hunter2@host/db")


@pytest.mark.parametrize("url", ["postgresql://me:hunter2@host:port/db", "nosuch://me:hunter2@host/db", "study.db"])
def test_what_is_no_url_is_told_without_its_password(url: str) -> None:
    pytest.importorskip("optuna")
    with pytest.raises(ConfigError, match=r"^--storage: cannot be used \(.*\); give the URL of a database, or") as told:
        open_storage(url)
    assert "hunter2" not in str(told.value)


@needs_server
def test_a_server_that_is_away_for_a_while_ends_no_sweep(server: Server, url: str) -> None:
    """It is asked again until time is up; what was inside the lock then is told to have been lost."""
    database = Database(url)
    server.stop()
    started = threading.Timer(1.0, server.start)
    started.start()
    with database.held("sweep", patience=120):
        pass
    started.join()
    lost = pytest.raises(StorageLostError, match=r"cannot be reached any more \(.*; no finished run is lost")
    with lost, database.held("sweep", patience=120):
        server.stop()
        server.start()
    server.stop()
    try:
        with pytest.raises(StorageLostError), database.held("sweep", patience=0):
            pass
    finally:
        server.start()


@needs_server
def test_only_one_holds_the_lock_of_a_name(server: Server, url: str) -> None:
    order: list[str] = []

    def wait() -> None:
        with Database(url).held("sweep", patience=0):
            order.append("second")

    second = threading.Thread(target=wait)
    with Database(url).held("sweep", patience=0):
        second.start()
        with Database(url).held("another", patience=0):
            order.append("another")
        second.join(0.5)
        order.append("first")
    second.join()
    assert order == ["another", "first", "second"]
