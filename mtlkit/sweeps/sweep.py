"""A sweep: what to vary, and the runs that it consists of."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from mtlkit.errors import ConfigError
from mtlkit.experiment import LoadedExperiment
from mtlkit.runs import RunDirectory
from mtlkit.runs.checks import check_experiment
from mtlkit.sweeps.axes import Axis, Grid, Option, Range, axes_of
from mtlkit.sweeps.outcomes import DirectoryOutcomes, Outcomes, RunResult, failure_file
from mtlkit.sweeps.points import Point, points_of
from mtlkit.sweeps.scores import can_be_scored, scores_of

Load = Callable[[Sequence[Option]], LoadedExperiment]
"""Loads the experiment with further options of `mtlkit train`."""


@final
@dataclass(frozen=True)
class SweepRun:
    """The run of one point with one seed."""

    point: Point
    seed: int
    directory: RunDirectory
    outcomes: Outcomes = field(default=DirectoryOutcomes(), compare=False, repr=False)

    @property
    def failure_file(self) -> Path:
        """The file that holds the error of a failed run. Without it the run is tried again."""
        return failure_file(self.directory)

    @property
    def is_finished(self) -> bool:
        """Whether the run has a result."""
        return self.outcomes.is_finished(self.directory)

    @property
    def failure(self) -> str | None:
        """The error of the run if it failed, otherwise None. Raises RunError if what keeps the error is damaged."""
        return self.outcomes.failure(self.directory)

    @property
    def is_settled(self) -> bool:
        """Whether the run has finished or failed."""
        return self.is_finished or self.failure is not None

    @property
    def in_use(self) -> bool:
        """Whether a process is at it."""
        return self.outcomes.in_use(self.directory)

    @property
    def state(self) -> str:
        """The state of the run: finished, failed, at work, begun or open."""
        if self.is_finished:
            return "finished"
        if self.failure is not None:
            return "failed"
        if self.in_use:
            return "at work"
        return "begun" if self.directory.is_run else "open"

    def claim(self) -> bool:
        """Takes the run for this process, inside `Sweep.held()`; False if another one has it."""
        return self.outcomes.claim(self.directory)

    def fail(self, error: str) -> str | None:
        """Marks the run as failed, with its error. Returns how it can be tried again, if it can."""
        return self.outcomes.fail(self.directory, error)


@final
@dataclass(frozen=True)
class Sweep:
    """What a sweep varies, and where its runs are.

    Attributes:
        directory: the directory of the sweep, with a folder for each run.
        grids: axes with the values to try.
        ranges: axes to draw values from.
        trials: the number of points to draw from ranges and grids; only used where there are ranges.
        seeds: the seeds of each point.
        seed_axis: the argument or setting that holds the seed.
        load: loads the experiment with further options.
        limit: the most texts to read of each split; None for all.
        outcomes: what is known of its runs.
    """

    directory: Path
    grids: tuple[Grid, ...]
    ranges: tuple[Range, ...]
    trials: int
    seeds: tuple[int, ...]
    seed_axis: Axis
    load: Load
    limit: int | None = None
    outcomes: Outcomes = field(default=DirectoryOutcomes(), repr=False)
    _loaded: dict[tuple[str, int | None], LoadedExperiment] = field(default_factory=dict)

    @property
    def axes(self) -> dict[str, Axis]:
        """The arguments and settings that are varied, by name."""
        return {axis.name: axis for axis in axes_of(self.grids, self.ranges)}

    @property
    def grid_points(self) -> list[Point]:
        """Every point of the grids; empty where there are ranges, whose points are drawn one by one."""
        return [] if self.ranges else points_of(self.grids)

    @property
    def some_point(self) -> Point:
        """Some point of the sweep: the first of the grids, at the low end of all ranges."""
        ends = {each.axis.name: each.low for each in self.ranges}
        return Point({**points_of(self.grids)[0].values, **ends})

    def runs(self, point: Point) -> list[SweepRun]:
        """The runs of a point, one for each seed."""
        return [
            SweepRun(point, seed, RunDirectory(self.directory / f"{point.name}-{seed}"), self.outcomes)
            for seed in self.seeds
        ]

    def result(self, run: SweepRun) -> RunResult:
        """What a finished run has come to."""
        return run.outcomes.result(run.directory, lambda: self.result_here(run))

    def result_here(self, run: SweepRun) -> RunResult:
        """What the directory of a finished run says that it has come to."""
        experiment = self.experiment(run.point, run.seed).experiment
        scores = scores_of(experiment, run.directory.read_metrics())
        return RunResult(scores, run.directory.read_meta()["data"])

    def options(self, point: Point, seed: int | None = None) -> list[Option]:
        """The options that `mtlkit train` needs for a point, and for a seed if one is given."""
        axes = self.axes
        options = [axes[name].option(value) for name, value in point.values.items()]
        return options if seed is None else [*options, self.seed_axis.option(seed)]

    def experiment(self, point: Point, seed: int | None = None) -> LoadedExperiment:
        """The experiment at a point, with `seed` or its own, after every check that needs no data.

        Raises:
            ConfigError: the experiment is wrong at this point; the message has every error, each with the point.
        """
        key = (point.name, seed)
        if key not in self._loaded:
            try:
                loaded = self.load(self.options(point, seed))
                check_experiment(loaded.experiment, str(loaded.file))
                if not can_be_scored(loaded.experiment):
                    remedy = "set a task's dev, or its resplit: { dev: N }"
                    raise ConfigError(f"{loaded.file}: no task has dev data to choose a point by; {remedy}")
            except ConfigError as error:
                where = f"at {point.label}: " if point.values else ""
                raise ConfigError(*(f"{where}{line}" for line in error.args)) from None
            self._loaded[key] = loaded
        return self._loaded[key]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the sweep's lock for the block, so that only one of its processes at a time chooses what to run."""
        with self.outcomes.held(self.directory):
            yield

    def asked(self) -> dict[str, Any]:
        """What the sweep is asked to do, as `sweep.json` keeps it."""
        return {
            "grid": {grid.axis.name: list(grid.values) for grid in self.grids},
            "ranges": {each.axis.name: [each.low, each.high, each.log] for each in self.ranges},
            "trials": self.trials if self.ranges else None,
            "seeds": list(self.seeds),
            "limit": self.limit,
        }
