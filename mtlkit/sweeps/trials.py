"""Which points of a sweep are trained next: the interface, and its form for grids, which reads the runs alone."""

from abc import ABC, abstractmethod
from typing import final

from mtlkit.sweeps.points import Point
from mtlkit.sweeps.sweep import Sweep


class Trials(ABC):
    """The points of a sweep as its processes take them.

    Methods must be called inside `Sweep.held()`, so that asking whether there is more to do and taking it are one step.
    Whether a run is taken, finished or has failed is read from its directory alone, so every implementation can be
    killed at any moment, and processes with different ones can work in one directory.
    """

    @abstractmethod
    def enqueue(self) -> None:
        """Queues what has not been tried yet."""

    @abstractmethod
    def points(self) -> list[Point]:
        """Every point that is known so far, each once."""

    @abstractmethod
    def running(self) -> list[Point]:
        """Points that have been handed out and may have runs that are open."""

    @abstractmethod
    def next(self) -> Point | None:
        """Hands out another point; None if there are no more."""

    @abstractmethod
    def tell(self, point: Point, score: float | None) -> None:
        """Reports that all runs of a point are settled.

        Args:
            point: whose runs they are.
            score: the mean of its scores on dev data over the seeds; None if a run has failed.
        """


@final
class GridTrials(Trials):
    """The points of a grid, all of which are known from the start: what is open is told by the directories of the runs.

    Args:
        sweep: without ranges.
    """

    def __init__(self, sweep: Sweep) -> None:
        assert not sweep.ranges
        self.sweep = sweep

    def enqueue(self) -> None:
        """Does nothing: a point without runs is open."""

    def points(self) -> list[Point]:
        """Every point of the grid."""
        return self.sweep.grid_points

    def running(self) -> list[Point]:
        """Points that have an unsettled run, in the order of the grid."""
        return [point for point in self.points() if not all(run.is_settled for run in self.sweep.runs(point))]

    def next(self) -> Point | None:
        """None, since all points are handed out from the start."""
        return None

    def tell(self, point: Point, score: float | None) -> None:
        """Does nothing: scores are read from the runs."""
