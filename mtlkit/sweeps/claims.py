"""The runs of a sweep as trials of an Optuna study, by which machines share them that share nothing but a database.

Each attempt at a run is a trial of the study `NAME: runs`, which has the name of the run as an attribute. The latest
trial of a run says how it stands: one that waits is open, one that runs is somebody's, a complete one has the result,
and one that failed has the error, or else was given up.
"""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from mtlkit.config import Spec
from mtlkit.errors import ConfigError
from mtlkit.runs import Listener, RunDirectory
from mtlkit.runs.documents import checked
from mtlkit.sweeps.database import Database, is_postgresql, without_experimental_warnings
from mtlkit.sweeps.heartbeat import BEATS, Heartbeat, taken_over, timeout_seconds
from mtlkit.sweeps.outcomes import Failure, Outcomes, RunResult
from mtlkit.sweeps.record import name_of
from mtlkit.sweeps.scores import RunScores
from mtlkit.sweeps.sweep import Sweep

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage, RDBStorage
    from optuna.trial import FrozenTrial

RUN, HOST, RESULT, FAILURE, RECORD = "run", "host", "result", "failure", "sweep"
"""The attributes of trials, and the one of the study."""
REMEDY = "begin a new sweep with another -s DIR"


class StoredScores(Spec):
    """Scores in an attribute of a trial."""

    dev: float
    test: float | None
    clean_test: float | None


class StoredResult(Spec):
    """The attribute `result` of a trial."""

    scores: StoredScores
    data: dict[str, str]


def shared(sweep: Sweep, storage: str | None) -> Sweep:
    """The sweep as one that machines share by a database: the newest word on its runs is there.

    Args:
        sweep: the sweep, whose directory gives it its name in the database.
        storage: the URL of the database.

    Raises:
        ConfigError: it is no URL of a PostgreSQL database, or that needs what is not installed.
    """
    return replace(sweep, outcomes=StorageOutcomes(storage, name_of(sweep.directory)))


@final
class StorageOutcomes(Outcomes):
    """A PostgreSQL database says it all; the directories of the runs need not be shared.

    A worker shows in the database that it is alive, by the clock of the server. One that has been silent for too long
    loses its run to another, and learns of it before its next step or at the latest before its result would count.

    Args:
        url: the URL of the database.
        identity: the name of the sweep there.

    Raises:
        ConfigError: it is no URL of a PostgreSQL database, or that needs what is not installed.
    """

    def __init__(self, url: str | None, identity: str) -> None:
        if url is None or not is_postgresql(url):
            raise ConfigError(
                "--worker: machines share a sweep by a PostgreSQL database; give --storage postgresql://HOST/DATABASE, "
                "or leave --worker out where all share the directory"
            )
        self.identity: str = identity
        self.seconds = timeout_seconds()
        self.look_seconds = max(self.look_seconds, self.seconds / BEATS**2)
        self.database = Database(url)
        self._opened: tuple[RDBStorage, Study] | None = None
        self._latest: dict[str, FrozenTrial] | None = None
        self._claimed: dict[str, int] = {}

    @contextmanager
    def held(self, directory: Path) -> Iterator[None]:
        """Holds a lock in the database, and hands the runs of lost workers back."""
        self._open()  # before, since it takes long the first time
        with self.database.held(self.identity, self.seconds):
            self._look()
            yield

    def is_finished(self, run: RunDirectory) -> bool:
        """Whether its latest trial is complete."""
        return self._state(run) == "COMPLETE"

    def result(self, run: RunDirectory, read: Callable[[], RunResult]) -> RunResult:
        """What its trial says."""
        kept = self._trials()[run.path.name].user_attrs.get(RESULT)
        content = {**kept} if isinstance(kept, dict) else {}
        found = checked(self._place(run), StoredResult, content, REMEDY)
        return RunResult(RunScores(**found["scores"]), found["data"])

    def failure(self, run: RunDirectory) -> str | None:
        """The error that its trial has."""
        attributes = self._trials()[run.path.name].user_attrs if self._state(run) == "FAIL" else {}
        if FAILURE not in attributes:
            return None
        return str(checked(self._place(run), Failure, {"error": attributes[FAILURE]}, REMEDY)["error"])

    def in_use(self, run: RunDirectory) -> bool:
        """Whether its trial runs, or a process is in its directory here: one that is no longer heard of elsewhere."""
        return self._state(run) == "RUNNING" or run.in_use

    def claim(self, run: RunDirectory) -> bool:
        """Takes the trial that waits, or a new one."""
        from optuna.trial import TrialState, create_trial

        storage, study = self._open()
        found = self._trials().get(run.path.name)
        study_id = storage.get_study_id_from_name(study.study_name)
        if found is not None and found.state == TrialState.WAITING:
            trial = storage.get_trial_id_from_study_id_trial_number(study_id, found.number)
        else:
            template = create_trial(state=TrialState.WAITING, user_attrs={RUN: run.path.name})
            trial = storage.create_new_trial(study_id, template)
        storage.set_trial_user_attr(trial, HOST, platform.node())
        storage.record_heartbeat(trial)  # first, since a trial that runs without any never counts as lost
        if not storage.set_trial_state_values(trial, TrialState.RUNNING):
            return False
        self._claimed[run.path.name] = trial
        return True

    @contextmanager
    def attempt(self, run: RunDirectory) -> Iterator[Sequence[Listener]]:
        """Sends heartbeats, and gives the run back if it is not settled at the end."""
        from optuna.trial import TrialState

        storage, _ = self._open()
        trial = self._claimed[run.path.name]
        try:
            with Heartbeat(storage, trial, run.path.name, self.seconds) as heartbeat:
                yield [heartbeat]
        finally:
            del self._claimed[run.path.name]
            with suppress(Exception):  # it is settled, or another's, or nobody can be told: then the silence tells it
                storage.set_trial_state_values(trial, TrialState.FAIL)

    def finish(self, run: RunDirectory, read: Callable[[], RunResult]) -> None:
        """Completes its trial."""
        from optuna.trial import TrialState

        result = read()
        dev = result.scores.dev
        assert dev is not None, "an experiment of a sweep has dev data"
        content = {"scores": asdict(result.scores), "data": dict(result.data)}
        self._settle(run, RESULT, content, TrialState.COMPLETE, [dev])

    def fail(self, run: RunDirectory, error: str) -> str | None:
        """Fails its trial, for all machines."""
        from optuna.trial import TrialState

        self._settle(run, FAILURE, error, TrialState.FAIL, None)
        return None

    def record(self) -> dict[str, Any] | None:
        """What the study says."""
        found = self._find()
        kept = None if found is None else found[1].user_attrs.get(RECORD)
        return None if kept is None else {**kept} if isinstance(kept, dict) else {}

    def storage(self) -> "BaseStorage":
        """The database, for the study of the points, whose trials send no heartbeats."""
        return self.database.storage()

    def keep_record(self, record: dict[str, Any]) -> None:
        """Notes it in the study."""
        self._open()[1].set_user_attr(RECORD, record)

    def _settle(self, run: RunDirectory, name: str, content: Any, state: Any, values: list[float] | None) -> None:
        from optuna.exceptions import UpdateFinishedTrialError

        storage, _ = self._open()
        trial = self._claimed[run.path.name]
        with self.database.held(self.identity, self.seconds):
            try:
                storage.set_trial_user_attr(trial, name, content)
                storage.set_trial_state_values(trial, state, values)
            except UpdateFinishedTrialError:
                raise taken_over(run.path.name, self.seconds) from None

    def _open(self) -> "tuple[RDBStorage, Study]":
        found = self._find(create=True)
        assert found is not None
        return found

    def _find(self, create: bool = False) -> "tuple[RDBStorage, Study] | None":
        """The database and the study of the runs; None where nobody has begun the sweep, unless it is to be begun."""
        import optuna

        if self._opened is None and (create or self.database.has_studies()):
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            storage = self.database.storage(self.seconds // BEATS, self.seconds)
            name = f"{self.identity}: runs"
            if create or name in optuna.get_all_study_names(storage):
                study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
                self._opened = storage, study
        return self._opened

    def _look(self) -> None:
        """Reads how all runs stand, after those of workers that have not been heard of have been queued again."""
        from optuna.storages import fail_stale_trials

        study = self._open()[1]
        with without_experimental_warnings():
            fail_stale_trials(study)
        self._latest = {
            name: trial
            for trial in study.get_trials(deepcopy=False)
            if isinstance(name := trial.user_attrs.get(RUN), str)
        }

    def _trials(self) -> "dict[str, FrozenTrial]":
        if self._latest is None:
            if self._find() is None:
                return {}
            with self.held(Path()):
                pass
        assert self._latest is not None
        return self._latest

    def _state(self, run: RunDirectory) -> str | None:
        trial = self._trials().get(run.path.name)
        return None if trial is None else trial.state.name

    def _place(self, run: RunDirectory) -> Path:
        return Path(f"--storage: {self.identity}: {run.path.name}")
