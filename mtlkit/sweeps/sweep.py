"""A sweep: what was asked for, and the runs that it consists of."""

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
"""The experiment with some options more."""


class Failure(Spec):
    """The content of `POINT-SEED.failed.json`."""

    error: str


@final
@dataclass(frozen=True)
class SweepRun:
    """One point with one seed."""

    point: Point
    seed: int
    directory: RunDirectory

    @property
    def failure_file(self) -> Path:
        """Where it is said why the run can come to nothing; without the file it is tried again."""
        return self.directory.path.with_name(f"{self.directory.path.name}.failed.json")

    @property
    def failure(self) -> str | None:
        """Why, if so. Raises RunError if the file that says it is damaged."""
        if not self.failure_file.exists():
            return None
        return str(read_document(self.failure_file, Failure, "delete it to try the run again")["error"])

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to do."""
        return self.directory.is_finished or self.failure_file.exists()

    @property
    def state(self) -> str:
        """How far it is, in a word or two."""
        if self.directory.is_finished:
            return "finished"
        if self.failure_file.exists():
            return "failed"
        if self.directory.in_use:
            return "at work"
        return "begun" if self.directory.is_run else "open"

    def fail(self, error: str) -> None:
        """Says why it can come to nothing."""
        write_atomically(self.failure_file, (json.dumps({"error": error}) + "\n").encode())


@final
@dataclass(frozen=True)
class Sweep:
    """What was asked for.

    Attributes:
        directory: where the runs are, each in a folder of its own.
        grids: axes with the values to try.
        ranges: axes to draw values from. Where there are any, `trials` points are drawn from them and from the grids.
        seeds: of each point.
        seed_axis: how an experiment is given its seed.
        load: reads the experiment.
        limit: at most so many texts of each split.
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
        """Everything that is varied, by name."""
        return {axis.name: axis for axis in axes_of(self.grids, self.ranges)}

    @property
    def grid_points(self) -> list[Point]:
        """Every point, where there are no ranges."""
        return [] if self.ranges else points_of(self.grids)

    @property
    def some_point(self) -> Point:
        """A point that the sweep has, or one just within all ranges."""
        ends = {each.axis.name: each.low for each in self.ranges}
        return Point({**points_of(self.grids)[0].values, **ends})

    def runs(self, point: Point) -> list[SweepRun]:
        """A run for each seed."""
        return [SweepRun(point, seed, RunDirectory(self.directory / f"{point.name}-{seed}")) for seed in self.seeds]

    def options(self, point: Point, seed: int | None = None) -> list[Option]:
        """What has to be added to the command line of `mtlkit train`."""
        axes = self.axes
        options = [axes[name].option(value) for name, value in point.values.items()]
        return options if seed is None else [*options, self.seed_axis.option(seed)]

    def experiment(self, point: Point, seed: int | None = None) -> LoadedExperiment:
        """The experiment at a point, with this seed or its own, checked as far as it can be without its data.

        Raises:
            ConfigError: with every error in it, and the point.
        """
        key = (point.name, seed)
        if key not in self._loaded:
            try:
                loaded = self.load(self.options(point, seed))
                check_experiment(loaded.experiment, str(loaded.file))
                if not can_be_scored(loaded.experiment):
                    raise ConfigError(f"{loaded.file}: no task has dev data to choose a point by; set a task's dev")
            except ConfigError as error:
                where = f"at {point.label}: " if point.values else ""
                raise ConfigError("\n".join(f"{where}{line}" for line in str(error).splitlines())) from None
            self._loaded[key] = loaded
        return self._loaded[key]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps the other processes of the sweep from choosing what to do, for the moment of the block."""
        with held_lock(self.directory / ".sweep.lock"):
            yield

    def asked(self) -> dict[str, Any]:
        """What is asked for, as JSON."""
        return {
            "grid": {grid.axis.name: list(grid.values) for grid in self.grids},
            "ranges": {each.axis.name: [each.low, each.high, each.log] for each in self.ranges},
            "trials": self.trials if self.ranges else None,
            "seeds": list(self.seeds),
            "limit": self.limit,
        }
