"""What is known of the runs of a sweep: the interface, and its form that reads the directories of the runs."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from mtlkit.config import Spec
from mtlkit.files import held_lock, write_atomically
from mtlkit.runs import Listener, RunDirectory
from mtlkit.runs.documents import read_document
from mtlkit.sweeps.scores import RunScores

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


class Failure(Spec):
    """The content of `POINT-SEED.failed.json`."""

    error: str


@final
@dataclass(frozen=True)
class RunResult:
    """What a finished run has come to.

    Attributes:
        scores: one number for each split.
        data: the sha256 of each data file, by its path.
    """

    scores: RunScores
    data: Mapping[str, str]


class Outcomes(ABC):
    """Where the processes of a sweep read which runs are settled and which are at work, and where they note it.

    A run is named by its directory, `POINT-SEED` in the directory of the sweep. What `claim` does is atomic only inside
    `held`.
    """

    identity: str | None = None
    """The name of the sweep that is shared; None where each directory is a sweep of its own."""
    look_seconds: float = 2.0
    """Seconds between two looks whether a run of another process is open again."""

    @abstractmethod
    def held(self, directory: Path) -> AbstractContextManager[None]:
        """Holds the lock of the sweep in a directory, so that one process at a time chooses what to run."""

    @abstractmethod
    def is_finished(self, run: RunDirectory) -> bool:
        """Whether the run has a result."""

    @abstractmethod
    def result(self, run: RunDirectory, read: Callable[[], RunResult]) -> RunResult:
        """The result of a finished run; `read` reads it from the run's directory."""

    @abstractmethod
    def failure(self, run: RunDirectory) -> str | None:
        """The error of a run that failed; None for any other. Raises RunError if it is damaged."""

    @abstractmethod
    def in_use(self, run: RunDirectory) -> bool:
        """Whether a process is training it."""

    @abstractmethod
    def claim(self, run: RunDirectory) -> bool:
        """Takes an open run for this process; False if another one has it."""

    @abstractmethod
    def attempt(self, run: RunDirectory) -> AbstractContextManager[Sequence[Listener]]:
        """The time in which this process trains a run that it has claimed, with listeners for the training.

        What is neither finished nor failed at the end of the block is open again.
        """

    @abstractmethod
    def finish(self, run: RunDirectory, read: Callable[[], RunResult]) -> None:
        """Notes that a run has come to its end; `read` reads its result from the run's directory."""

    @abstractmethod
    def fail(self, run: RunDirectory, error: str) -> str | None:
        """Notes the error of a run, which is not tried again. Returns how it can be all the same, if it can."""

    def record(self) -> dict[str, Any] | None:
        """What the shared sweep was asked to do, as `sweep.json` says it; None where nobody has begun it."""
        return None

    def keep_record(self, record: dict[str, Any]) -> None:
        """Keeps for the others what the shared sweep is asked to do, if it is shared."""
        return None

    def storage(self) -> "BaseStorage | None":
        """The database that says it all; None where none does."""
        return None


def failure_file(run: RunDirectory) -> Path:
    """The file that holds the error of a failed run. Without it the run is tried again."""
    return run.path.with_name(f"{run.path.name}.failed.json")


@final
class DirectoryOutcomes(Outcomes):
    """The directories say it all, on one machine or on a disk that several share. See docs/decisions/0017-sweeps.md."""

    def held(self, directory: Path) -> AbstractContextManager[None]:
        """Holds a lock in the directory, which the system releases when the process ends."""
        return held_lock(directory / ".sweep.lock")

    def is_finished(self, run: RunDirectory) -> bool:
        """Whether its `meta.json` says so."""
        return run.is_finished

    def result(self, run: RunDirectory, read: Callable[[], RunResult]) -> RunResult:
        """What its directory says."""
        return read()

    def failure(self, run: RunDirectory) -> str | None:
        """What the file beside it says."""
        if not failure_file(run).exists():
            return None
        return str(read_document(failure_file(run), Failure, "delete it to try the run again")["error"])

    def in_use(self, run: RunDirectory) -> bool:
        """Whether a process holds the lock of the directory."""
        return run.in_use

    def claim(self, run: RunDirectory) -> bool:
        """Does nothing: training takes the lock of the directory, and is refused where another process was faster."""
        return True

    def attempt(self, run: RunDirectory) -> AbstractContextManager[Sequence[Listener]]:
        """Does nothing: the lock ends with its process."""
        return nullcontext(())

    def finish(self, run: RunDirectory, read: Callable[[], RunResult]) -> None:
        """Does nothing: training has marked the directory."""

    def fail(self, run: RunDirectory, error: str) -> str | None:
        """Writes the file beside it."""
        write_atomically(failure_file(run), (json.dumps({"error": error}) + "\n").encode())
        return f"delete {failure_file(run)}"
