"""The database of `--storage`, in which Optuna keeps studies; in PostgreSQL, with a lock that all machines see."""

import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, final

from mtlkit.errors import ConfigError, RunError
from mtlkit.text import on_one_line

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage
    from sqlalchemy import URL, Connection

CONNECT_SECONDS = 10
SILENT_SECONDS = 60
HELD_SECONDS = 300
"""The longest that a process may hold the lock: the server ends the session of a machine that has vanished with it."""
RETRY_SECONDS = 1.0
DRIVER = "postgresql+psycopg"


def open_storage(url: str) -> "BaseStorage":
    """Opens a database of any kind for Optuna, which makes its tables there.

    Raises:
        ConfigError: it cannot be reached or used.
    """
    from optuna.storages import get_storage

    if is_postgresql(url):
        return get_storage(Database(url).storage())
    with refusing():
        return get_storage(url)


def is_postgresql(url: str) -> bool:
    """Whether the URL names a PostgreSQL database, with whatever driver."""
    return url.partition(":")[0].partition("+")[0] in ("postgresql", "postgres")


@contextmanager
def refusing() -> Iterator[None]:
    """Turns what SQLAlchemy, Optuna or a driver raises about a database into a sentence.

    Raises:
        ConfigError: the database cannot be used.
    """
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except OperationalError as error:
        remedy = "correct the URL, or start the server and give the same command again"
        raise ConfigError(f"--storage: cannot be used: {_reason(error)}; {remedy}") from None
    except RuntimeError as error:
        if "table schema" not in str(error):
            raise ConfigError(f"--storage: {_unusable(error)}") from None
        raise ConfigError(
            f"--storage: its tables are of another version of Optuna ({_reason(error)}); name another database, as in "
            "postgresql://HOST/OTHER, or let all processes use the version of Optuna that has made them"
        ) from None
    except Exception as error:  # of whatever driver there is
        raise ConfigError(f"--storage: {_unusable(error)}") from None


def _unusable(error: Exception) -> str:
    return f"cannot be used ({_reason(error)}); give the URL of a database, or leave it out"


def _reason(error: Exception) -> str:
    """The first sentence of an error; all of them are shown without passwords, like every error of mtlkit."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return on_one_line(lines[0].split(". ")[0].strip().rstrip(".")) if lines else type(error).__name__


@final
class Database:
    """A PostgreSQL database. Nothing is connected before it is needed.

    Args:
        url: its URL. A password may also come from PGPASSWORD or `~/.pgpass`, as for all of PostgreSQL's programs.

    Raises:
        ConfigError: the URL is none, or psycopg is not installed.
    """

    def __init__(self, url: str) -> None:
        from sqlalchemy import NullPool, create_engine

        self._url = _url_of(url)
        # A machine that has lost its network learns of it in a minute, and not after the two hours of TCP.
        self._arguments = {
            "application_name": "mtlkit",
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 1000 * SILENT_SECONDS,
            "keepalives_idle": SILENT_SECONDS // 2,
            "keepalives_interval": SILENT_SECONDS // 6,
            "keepalives_count": 3,
        }
        try:
            self._engine = create_engine(self._url, poolclass=NullPool, connect_args=self._arguments)
        except ImportError:
            raise ConfigError(
                "--storage: PostgreSQL needs psycopg; install it with: pip install 'mtlkit[postgresql]'"
            ) from None

    def storage(self, heartbeat: int | None = None, grace: int | None = None) -> "RDBStorage":
        """Opens it for Optuna, which makes its tables there if there are none.

        Args:
            heartbeat: how often the trials that run are to show that they do, in seconds; None for never.
            grace: after how many seconds of silence a trial counts as lost and is queued again.

        Raises:
            ConfigError: it cannot be reached or used, or has the tables of another version of Optuna.
        """
        from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
        from sqlalchemy import NullPool

        with refusing(), self._making_tables(), without_experimental_warnings():
            return RDBStorage(
                self._url.render_as_string(hide_password=False),
                # A server has 100 connections by default, and a worker that trains needs none.
                {"poolclass": NullPool, "connect_args": self._arguments},
                heartbeat_interval=heartbeat,
                grace_period=grace,
                heartbeat_stale_trial_callback=None if heartbeat is None else RetryHeartbeatStaleTrialCallback(),
            )

    def has_studies(self) -> bool:
        """Whether Optuna has made its tables there.

        Raises:
            ConfigError: it cannot be reached.
        """
        with refusing():
            return self._has_tables()

    @contextmanager
    def held(self, name: str, patience: float) -> Iterator[None]:
        """Holds a lock of this name in the database for the block, for at most `HELD_SECONDS`.

        It ends with the transaction that took it, so also with the process or, some minutes later, the machine.

        Args:
            name: what is locked.
            patience: for how many seconds to try again where the server cannot be reached.

        Raises:
            RunError: the server cannot be reached, or was lost within the block.
        """
        end = time.monotonic() + patience
        while True:
            entered = False
            try:
                with reaching(), self._locked(f"sweep {name}"):
                    entered = True
                    yield
                return
            except StorageLostError:
                if entered or time.monotonic() >= end:
                    raise
            time.sleep(RETRY_SECONDS)

    def _has_tables(self) -> bool:
        """Whether all tables are there: that of the version is the last to be made, with its content."""
        from sqlalchemy import inspect

        with self._engine.connect() as connection:
            return inspect(connection).has_table("alembic_version")

    def _making_tables(self) -> "AbstractContextManager[object]":
        """Lets one process make the tables while others wait: at the same time, all but one would fail."""
        return nullcontext() if self._has_tables() else self._locked("tables")

    @contextmanager
    def _locked(self, name: str) -> "Iterator[Connection]":
        from sqlalchemy import text

        with self._engine.connect() as connection, connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = '{2 * HELD_SECONDS}s'"))
            connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{HELD_SECONDS}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
            yield connection


class StorageLostError(RunError):
    """The database of a sweep was there when the command began, and no longer is."""


@contextmanager
def reaching() -> Iterator[None]:
    """Turns the end of the connection to a database, within the block, into a sentence.

    Raises:
        StorageLostError: the database cannot be reached any more.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise StorageLostError(
            f"--storage: cannot be reached any more ({_reason(cause)}); no finished run is lost: the same command goes "
            "on as soon as the server is back"
        ) from None


@contextmanager
def without_experimental_warnings() -> Iterator[None]:
    """Keeps Optuna from warning that its heartbeats, which it has had since 2.5, may change."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def _url_of(text: str) -> "URL":
    """The URL, with the driver that mtlkit installs: SQLAlchemy before 2.1 would take psycopg2."""
    from sqlalchemy import make_url

    with refusing():
        url = make_url(text)
    return url.set(drivername=DRIVER) if url.drivername in ("postgresql", "postgres") else url
