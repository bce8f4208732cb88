"""The points of a sweep as the trials of an Optuna study: handed out one by one, and told what came of each.

The study holds values and scores, for Optuna's samplers and dashboards. Drawing points from ranges and writing to a
database need it; a grid has one where Optuna is installed, and does without where it is not.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

from mtlkit.errors import ConfigError, RunError
from mtlkit.sweeps.axes import Range, text_of
from mtlkit.sweeps.database import open_storage
from mtlkit.sweeps.journal import open_journal
from mtlkit.sweeps.points import Point
from mtlkit.sweeps.sweep import Sweep
from mtlkit.sweeps.trials import GridTrials, Trials
from mtlkit.text import on_one_line

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

SamplerName = Literal["tpe", "random"]
AGAIN = "again"
"""The attribute of a trial whose point has had one before."""
POINT = "point"
"""The attribute of a trial that holds its point: a study's own parameters know no lists, and take 0 for 0.0."""


def check_optuna(sweep: Sweep, storage: str | None) -> None:
    """Makes sure that Optuna is installed if the sweep needs it.

    Raises:
        ConfigError: it is not, and there are ranges or a storage.
    """
    option = "--range" if sweep.ranges else "--storage" if storage is not None else None
    if option is not None and not _has_optuna():
        raise ConfigError(f"sweep: {option} needs Optuna; install it with: pip install 'mtlkit[sweep]'")


def check_storage(url: str | None) -> None:
    """Makes sure that a database can be used, if one is named.

    Raises:
        ConfigError: it cannot.
    """
    if url is not None:
        _storage(Path(), url)


def open_trials(sweep: Sweep, identity: str, storage: str | None = None, sampler: SamplerName = "tpe") -> Trials:
    """The points of a sweep; those of a grid are in no study where Optuna is not installed.

    Args:
        sweep: whose.
        identity: the sweep's own, in a storage that it may share with others.
        storage: URL of a database; None for a file in the sweep's directory.
        sampler: how values are drawn from ranges.

    Raises:
        ConfigError: Optuna is needed and not installed, or the storage cannot be used.
        RunError: the file in the directory is damaged.
    """
    check_optuna(sweep, storage)
    return Study(sweep, identity, storage, sampler) if _has_optuna() else GridTrials(sweep)


@final
class Study(Trials):
    """An Optuna study, as `mtlkit[sweep]` installs it.

    A study cannot take more values of a parameter in than it was made with. So every grid has a study of its own,
    all in one storage; points that have been run already are told to a new one without being run again.

    Args:
        sweep: whose.
        identity: the sweep's own, in a storage that it may share with others.
        storage: URL of a database; None for a file in the sweep's directory.
        sampler: how values are drawn from ranges.

    Raises:
        ConfigError: the storage cannot be used.
        RunError: the file in the directory is damaged.
    """

    def __init__(self, sweep: Sweep, identity: str, storage: str | None = None, sampler: SamplerName = "tpe") -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.sweep = sweep
        self.sampler = sampler
        self.distributions = _distributions(sweep)
        self.study = optuna.create_study(
            storage=sweep.outcomes.storage() or _storage(sweep.directory / "study.log", storage),
            study_name=f"{identity}-{_digest(sweep)}",
            direction="maximize",
            load_if_exists=True,
        )

    def enqueue(self) -> None:
        """Queues every point of a grid that has no trial yet, and every point whose trial is over and its runs gone."""
        tried: dict[str, Point] = {}
        valid = set()
        for trial in self._trials():
            if (point := self._point(trial)) is not None:
                tried[point.name] = point
                if not trial.state.is_finished() or all(run.is_settled for run in self.sweep.runs(point)):
                    valid.add(point.name)
        for name, point in {**tried, **{point.name: point for point in self.sweep.grid_points}}.items():
            if name not in valid:
                again = {AGAIN: True} if name in tried else {}
                self.study.enqueue_trial(self._parameters(point), {POINT: dict(point.values), **again})

    def points(self) -> list[Point]:
        """All of them: those of a grid, or those that have been drawn so far."""
        found = [point for trial in self._trials() if (point := self._point(trial)) is not None]
        return list({point.name: point for point in found}.values())

    def running(self) -> list[Point]:
        """The points that have been handed out and whose score has not been reported yet."""
        from optuna.trial import TrialState

        trials = self._trials(TrialState.RUNNING)
        return [point for trial in trials if (point := self._point(trial)) is not None]

    def next(self) -> Point | None:
        """Hands one out; None where there are no more."""
        from optuna.trial import TrialState

        if self.sweep.ranges:
            self.study.sampler = self._sampler()
        if not self._trials(TrialState.WAITING) and self._drawn() >= self.sweep.trials:
            return None
        trial = self.study.ask(self.distributions)
        if POINT not in trial.user_attrs:
            trial.set_user_attr(POINT, {name: self._value(name, found) for name, found in trial.params.items()})
        return Point(trial.user_attrs[POINT])

    def tell(self, point: Point, score: float | None) -> None:
        """Ends the trial of a point, with what it came to; None if it failed."""
        from optuna.trial import TrialState

        for trial in self._trials(TrialState.RUNNING):
            if (found := self._point(trial)) is not None and found.name == point.name:
                state = TrialState.FAIL if score is None else TrialState.COMPLETE
                self.study.tell(trial.number, score, state=state)

    def _drawn(self) -> int:
        """How many trials there have been, each point counted as often as it was drawn."""
        return sum(POINT in trial.user_attrs and AGAIN not in trial.user_attrs for trial in self._trials())

    def _trials(self, *states: Any) -> "list[FrozenTrial]":
        return self.study.get_trials(deepcopy=False, states=states or None)

    def _point(self, trial: "FrozenTrial") -> Point | None:
        """None where a process was killed as it drew the point: it was never handed out."""
        values = trial.user_attrs.get(POINT)
        if values is None:
            return None
        # A storage may come from a stranger, and what is in a point is trained: nothing but what is asked for.
        if not isinstance(values, dict) or values.keys() != self.distributions.keys() or not self._is_asked(values):
            raise RunError(
                f"{self.sweep.directory}: the study has a point that this sweep does not ask for "
                f"({on_one_line(json.dumps(values))}); give another directory with -s, or another --storage"
            )
        return Point(values)

    def _is_asked(self, values: Mapping[str, Any]) -> bool:
        """Whether each value of a point is one of its grid, or in its range."""
        return all(text_of(values[grid.axis.name]) in map(text_of, grid.values) for grid in self.sweep.grids) and all(
            type(value := values[each.axis.name]) in (int, float) and each.low <= value <= each.high
            for each in self.sweep.ranges
        )

    def _sampler(self) -> "BaseSampler":
        """A sampler that depends on nothing but the trials so far: it is the same whichever process draws."""
        from optuna.samplers import RandomSampler, TPESampler

        seed = self.sweep.seeds[0] % 2**31 + len(self._trials())
        return RandomSampler(seed) if self.sampler == "random" else TPESampler(seed=seed, constant_liar=True)

    def _parameters(self, point: Point) -> dict[str, Any]:
        return {
            name: text_of(value) if _is_category(self.distributions[name]) else value
            for name, value in point.values.items()
        }

    def _value(self, name: str, parameter: Any) -> Any:
        """The value that a drawn parameter stands for."""
        if not _is_category(self.distributions[name]):
            return parameter
        values = next(grid.values for grid in self.sweep.grids if grid.axis.name == name)
        return next(value for value in values if text_of(value) == parameter)


def _has_optuna() -> bool:
    """Whether Optuna can be imported, and is recent enough to have the storage that is used here."""
    try:
        import optuna  # noqa: F401
        from optuna.storages.journal import JournalFileBackend  # noqa: F401
    except ImportError:
        return False
    return True


def _storage(journal: Path, url: str | None) -> "BaseStorage":
    return open_journal(journal) if url is None else open_storage(url)


def _digest(sweep: Sweep) -> str:
    """Of what makes two studies of one sweep differ."""
    asked = {key: value for key, value in sweep.asked().items() if key != "trials"}
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]


def _distributions(sweep: Sweep) -> "dict[str, BaseDistribution]":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {}
    for grid in sweep.grids:
        numbers = [value for value in grid.values if isinstance(value, int | float) and not isinstance(value, bool)]
        if sweep.ranges or len(numbers) < len(grid.values):
            found[grid.axis.name] = CategoricalDistribution([text_of(value) for value in grid.values])
        elif all(isinstance(number, int) for number in numbers):
            found[grid.axis.name] = IntDistribution(int(min(numbers)), int(max(numbers)))
        else:
            found[grid.axis.name] = FloatDistribution(min(numbers), max(numbers))
    return found | {each.axis.name: _of_range(each) for each in sweep.ranges}


def _of_range(given: Range) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    if given.is_whole:
        return IntDistribution(int(given.low), int(given.high), log=given.log)
    return FloatDistribution(given.low, given.high, log=given.log)


def _is_category(distribution: "BaseDistribution") -> bool:
    from optuna.distributions import CategoricalDistribution

    return isinstance(distribution, CategoricalDistribution)
