"""Workers that machines share a sweep with show that they are alive, and learn when they count as lost."""

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, final

from mtlkit.errors import ClaimLostError, ConfigError
from mtlkit.training import EpochEnd, Step

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

SECONDS, TIMEOUT = 120, "MTLKIT_SWEEP_TIMEOUT"
BEATS = 4
"""How many heartbeats would have come in that time."""


def timeout_seconds() -> int:
    """After how many seconds without a word a worker counts as lost.

    Raises:
        ConfigError: the variable has another value than a whole number from 4 on.
    """
    given = os.environ.get(TIMEOUT, str(SECONDS))
    if not given.isdecimal() or int(given) < BEATS:
        raise ConfigError(f"{TIMEOUT}: is '{given}'; give seconds, as a whole number from {BEATS} on")
    return int(given)


@final
class Heartbeat:
    """Shows that this process is at a run for the duration of a `with` block; as a listener, it ends training that is
    no longer wanted.
    """

    def __init__(self, storage: "RDBStorage", trial: int, name: str, seconds: int) -> None:
        self._storage = storage
        self._trial, self._name, self._seconds = trial, name, seconds
        self._over, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def stage(self, name: str | None, epochs: int) -> None:
        """Nothing to do."""

    def step(self, step: Step) -> None:
        """Raises ClaimLostError if another worker has the run."""
        if self._lost.is_set():
            raise taken_over(self._name, self._seconds)

    def epoch(self, end: EpochEnd) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def _beat(self) -> None:
        while not self._over.wait(self._seconds / BEATS):
            # A database that is away for a while ends no training: what counts is whether it has given the run away.
            with suppress(Exception):
                if self._storage.get_trial(self._trial).state.is_finished():
                    self._lost.set()
                    return
                self._storage.record_heartbeat(self._trial)


def taken_over(name: str, seconds: int) -> ClaimLostError:
    """The error for a run that is another worker's by now."""
    return ClaimLostError(
        f"{name}: another worker has taken it over, since this one had not been heard of for {seconds} seconds; "
        f"set {TIMEOUT} on all machines where that is too short"
    )
