"""A process of a sweep: takes what is open, run by run, until nothing is.

A run belongs to whoever holds the lock of its directory, which a killed process does not. So a run that has been begun
and that nobody holds is open again, and whoever takes it goes on from its checkpoint.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from mtlkit.errors import DivergedError, OutOfMemoryError, RunInUseError
from mtlkit.runs import Interrupts, Listener, TrainOptions, train
from mtlkit.sweeps.points import Point
from mtlkit.sweeps.scores import scores_of
from mtlkit.sweeps.sweep import Sweep, SweepRun
from mtlkit.sweeps.trials import Trials
from mtlkit.types import Say

POLL_SECONDS = 0.1
LOOK_SECONDS = 2.0
"""Between two looks at whether a run of another process is open again."""


def work(
    sweep: Sweep, trials: Trials, options: TrainOptions, listeners: Callable[[], Sequence[Listener]], say: Say
) -> None:
    """Trains until every run is finished or has failed, also those that other processes are at.

    A run that fails by itself is noted, and the rest goes on.

    Args:
        sweep: says which runs there are.
        trials: its points.
        options: of each run.
        listeners: makes those that follow a run.
        say: told what goes on.

    Raises:
        ConfigError, DataError, RunError: something is wrong that a user can mend.
        Interrupted: SIGINT or SIGTERM came; a checkpoint has been written.
    """
    waiting = False
    while True:
        with Interrupts() as interrupts:
            run, others = take(sweep, trials)
            interrupts.raise_if_received()
        if run is not None:
            waiting = False
            _attempt(sweep, run, options, listeners(), say)
        elif not others:
            return
        else:
            if not waiting:
                say(f"nothing is open; waiting for {', '.join(each.directory.path.name for each in others)}")
            waiting = True
            _wait()


def take(sweep: Sweep, trials: Trials) -> tuple[SweepRun | None, list[SweepRun]]:
    """Chooses what to do next: the first open run of a point that has been handed out, or else of the next point.

    Returns:
        The run, which is not locked yet; and those runs that other processes are at.
    """
    others: list[SweepRun] = []
    with sweep.held():
        for point in trials.running():
            unsettled = [run for run in sweep.runs(point) if not run.is_settled]
            if not unsettled:
                trials.tell(point, score_of(sweep, point))
            for run in unsettled:
                if not run.directory.in_use:
                    return run, others
                others.append(run)
        while (new := trials.next()) is not None:
            for run in sweep.runs(new):
                if not run.is_settled:
                    return run, others
            trials.tell(new, score_of(sweep, new))
    return None, others


def score_of(sweep: Sweep, point: Point) -> float | None:
    """The mean over its seeds of the dev score; None if a seed has failed."""
    scores = []
    for run in sweep.runs(point):
        if run.failure is not None:
            return None
        experiment = sweep.experiment(point, run.seed).experiment
        score = scores_of(experiment, run.directory.read_metrics()).dev
        assert score is not None, "an experiment of a sweep has dev data"
        scores.append(score)
    return fmean(scores)


def _attempt(sweep: Sweep, run: SweepRun, options: TrainOptions, listeners: Sequence[Listener], say: Say) -> None:
    """Trains it to its end, if nobody else has just taken it."""
    name = run.directory.path.name
    loaded = sweep.experiment(run.point, run.seed)
    options = replace(options, limit=sweep.limit, go_on=True)
    try:
        train(loaded, run.directory.path, options, listeners, _announcing(run, say))
    except RunInUseError:
        say(f"{name}: another process was faster")
    except (DivergedError, OutOfMemoryError) as error:
        run.fail(str(error))
        say(f"{name}: failed: {error}")
        say(f"to try it again, delete {run.failure_file}")


def _announcing(run: SweepRun, say: Say) -> Say:
    """As `say`, but before the first line it tells which run this is about: training says nothing before it has the
    lock, so whoever is told to be at a run is."""
    announced = False

    def say_of_run(line: str) -> None:
        nonlocal announced
        if not announced:
            say(f"{run.directory.path.name}: {'goes on' if run.directory.is_run else 'begins'}")
            announced = True
        say(line)

    return say_of_run


def _wait() -> None:
    with Interrupts() as interrupts:
        end = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < end:
            time.sleep(POLL_SECONDS)
            interrupts.raise_if_received()
