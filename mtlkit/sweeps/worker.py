"""A process of a sweep: takes one open run after another until none is left.

A run belongs to the process that holds the lock of its directory. A killed process holds no lock, so a run that was
begun and is not locked counts as open, and the process that takes it continues from its checkpoint.
"""

import time
from collections.abc import Callable, Sequence
from statistics import fmean

import torch

from mtlkit.errors import ClaimLostError, DivergedError, OutOfMemoryError, RunInUseError
from mtlkit.runs import Interrupts, Listener, train
from mtlkit.sweeps.points import Point
from mtlkit.sweeps.sweep import Sweep, SweepRun
from mtlkit.sweeps.trials import Trials
from mtlkit.types import Say

POLL_SECONDS = 0.1


def work(
    sweep: Sweep, trials: Trials, device: torch.device, listeners: Callable[[], Sequence[Listener]], say: Say
) -> None:
    """Trains until every run has finished or failed, including those that other processes are working on.

    A run that diverges or is out of memory is marked as failed, and the others continue.

    Args:
        sweep: the sweep, which knows its runs.
        trials: hands out the sweep's points.
        device: the device of every run.
        listeners: creates the listeners of a run.
        say: reports progress, one line at a time.

    Raises:
        ConfigError, DataError, RunError: something is wrong that a user can correct.
        Interrupted: SIGINT, SIGTERM or SIGHUP was received; a checkpoint has been written.
    """
    waiting = False
    while True:
        with Interrupts() as interrupts:
            run, others = take(sweep, trials)
            if run is not None and interrupts.received is not None:
                with run.outcomes.attempt(run.directory):
                    pass  # which gives it back
            interrupts.raise_if_received()
        if run is not None:
            waiting = False
            _attempt(sweep, run, device, listeners(), say)
        elif not others:
            return
        else:
            if not waiting:
                say(f"nothing is open; waiting for {', '.join(each.directory.path.name for each in others)}")
            waiting = True
            _wait(sweep.outcomes.look_seconds)


def take(sweep: Sweep, trials: Trials) -> tuple[SweepRun | None, list[SweepRun]]:
    """Chooses the next run: the first open one of a point that has been handed out, or else of a new point.

    Returns:
        The run, not locked yet, or None; and the runs that other processes are working on.
    """
    others: list[SweepRun] = []
    with sweep.held():
        for point in trials.running():
            unsettled = [run for run in sweep.runs(point) if not run.is_settled]
            if not unsettled:
                trials.tell(point, score_of(sweep, point))
            for run in unsettled:
                if not run.in_use and run.claim():
                    return run, others
                others.append(run)
        while (new := trials.next()) is not None:
            for run in sweep.runs(new):
                if not run.is_settled and run.claim():
                    return run, others
            trials.tell(new, score_of(sweep, new))
    return None, others


def score_of(sweep: Sweep, point: Point) -> float | None:
    """The mean dev score of a point over its seeds; None if a seed has failed."""
    scores = []
    for run in sweep.runs(point):
        if run.failure is not None:
            return None
        score = sweep.result(run).scores.dev
        assert score is not None, "an experiment of a sweep has dev data"
        scores.append(score)
    return fmean(scores)


def _attempt(sweep: Sweep, run: SweepRun, device: torch.device, listeners: Sequence[Listener], say: Say) -> None:
    """Trains a run to its end, unless another process has taken it in the meantime."""
    name = run.directory.path.name
    loaded = sweep.experiment(run.point, run.seed)
    announcing = _announcing(run, say)
    try:
        with run.outcomes.attempt(run.directory) as watching:
            try:
                train(
                    loaded,
                    run.directory.path,
                    device=device,
                    limit=sweep.limit,
                    resume="auto",
                    listeners=[*listeners, *watching],
                    say=announcing,
                )
            except (DivergedError, OutOfMemoryError) as error:
                again = run.fail(str(error))
                say(f"{name}: failed: {error}")
                if again is not None:
                    say(f"to try it again, {again}")
            else:
                run.outcomes.finish(run.directory, lambda: sweep.result_here(run))
    except ClaimLostError as error:
        say(str(error))
    except RunInUseError:
        say(f"{name}: another process was faster")


def _announcing(run: SweepRun, say: Say) -> Say:
    """A `say` that names the run before the first line.

    Training says nothing before it holds the run's lock, so the name appears only once this process has the run.
    """
    announced = False

    def say_of_run(line: str) -> None:
        nonlocal announced
        if not announced:
            say(f"{run.directory.path.name}: {'goes on' if run.directory.is_run else 'begins'}")
            announced = True
        say(line)

    return say_of_run


def _wait(seconds: float) -> None:
    with Interrupts() as interrupts:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(POLL_SECONDS)
            interrupts.raise_if_received()
