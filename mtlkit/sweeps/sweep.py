"""A sweep: what to vary, and the runs that it consists of."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from mtlkit.config import Spec
from mtlkit.errors import ConfigError
from mtlkit.experiment import LoadedExperiment
from mtlkit.files import held_lock, write_atomically
from mtlkit.runs import RunDirectory
from mtlkit.runs.checks import check_experiment
from mtlkit.runs.documents import read_document
from mtlkit.sweeps.axes import Axis, Grid, Option, Range, axes_of
from mtlkit.sweeps.points import Point, points_of
from mtlkit.sweeps.scores import can_be_scored

Load = Callable[[Sequence[Option]], LoadedExperiment]
"""Loads the experiment with further options of `mtlkit train`."""


class Failure(Spec):
    """The content of `POINT-SEED.failed.json`."""

    error: str


@final
@dataclass(frozen=True)
class SweepRun:
    """The run of one point with one seed."""

    point: Point
    seed: int
    directory: RunDirectory

    @property
    def failure_file(self) -> Path:
        """The file that holds the error of a failed run. Without it the run is tried again."""
        return self.directory.path.with_name(f"{self.directory.path.name}.failed.json")

    @property
    def failure(self) -> str | None:
        """The error of the run if it failed, otherwise None. Raises RunError if the file with the error is damaged."""
        if not self.failure_file.exists():
            return None
        return str(read_document(self.failure_file, Failure, "delete it to try the run again")["error"])

    @property
    def is_settled(self) -> bool:
        """Whether the run has finished or failed."""
        return self.directory.is_finished or self.failure_file.exists()

    @property
    def state(self) -> str:
        """The state of the run: finished, failed, at work, begun or open."""
        if self.directory.is_finished:
            return "finished"
        if self.failure_file.exists():
            return "failed"
        if self.directory.in_use:
            return "at work"
        return "begun" if self.directory.is_run else "open"

    def fail(self, error: str) -> None:
        """Marks the run as failed, with its error."""
        write_atomically(self.failure_file, (json.dumps({"error": error}) + "\n").encode())


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
    """

    directory: Path
    grids: tuple[Grid, ...]
    ranges: tuple[Range, ...]
    trials: int
    seeds: tuple[int, ...]
    seed_axis: Axis
    load: Load
    limit: int | None = None
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
        return [SweepRun(point, seed, RunDirectory(self.directory / f"{point.name}-{seed}")) for seed in self.seeds]

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
        with held_lock(self.directory / ".sweep.lock"):
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
