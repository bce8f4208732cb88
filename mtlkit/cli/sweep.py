"""The verb `sweep`, which trains an experiment at many points, in any number of processes."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtlkit.cli.experiment_source import ExperimentSource, takes_experiment
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import Device, Limit, command_as_given, torch_device
from mtlkit.process.freed_memory import keep_freed_memory

if TYPE_CHECKING:
    import torch

    from mtlkit.sweeps import Point, Report, Sweep

Vary = Annotated[
    list[str],
    typer.Option("--grid", metavar="NAME=V1,V2", help="Values of an argument of the file, or of a setting."),
]
Draw = Annotated[
    list[str],
    typer.Option("--range", metavar="NAME=LOW:HIGH[:log]", help="Draw --trials points from such a range instead."),
]
Sampler = Literal["tpe", "random"]
SETTLED, FAILED = 0, 1


@takes_experiment
def sweep(
    source: ExperimentSource,
    grid: Vary = [],
    range_: Draw = [],
    trials: Annotated[int | None, typer.Option(min=1, help="Points to draw, with --range.")] = None,
    sampler: Annotated[Sampler, typer.Option(help="How they are drawn.")] = "tpe",
    seeds: Annotated[str, typer.Option(metavar="N", help="How many seeds each point has, or which: 13,14,15.")] = "1",
    serialization_dir: Annotated[
        Path | None, typer.Option("-s", "--serialization-dir", help="Default: runs/<experiment's name>-sweep.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(metavar="URL", help="A database for Optuna's study; default: a file in the directory.")
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker", help="Share the sweep with other machines by --storage, without a shared disk.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="Start so many processes that share the work.")] = 1,
    report: Annotated[bool, typer.Option("--report", help="Only show the results so far.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check everything and list the runs.")] = False,
    limit: Limit = None,
    device: Device = "auto",
) -> None:
    """Train an experiment at every point of a grid, under several seeds; dev data choose the best point.

    The same command, given again, goes on or joins in: processes and machines that share the directory share the work,
    and a run whose process was killed is taken over. With --worker they share no directory, but a PostgreSQL database.
    A run that fails leaves the exit code 1. --range and --storage need mtlkit[sweep], PostgreSQL mtlkit[postgresql].
    """
    arguments = source.file_arguments()
    load_libraries()
    from mtlkit.runs.processes import check_number, check_one_process
    from mtlkit.sweeps import check_joins, check_optuna, plan_sweep, reaching, shared

    check_one_process("sweep")
    check_number(processes)
    asked = plan_sweep(
        lambda options: source.with_options(options).load(),
        grid=grid,
        ranges=range_,
        trials=trials,
        seeds=seeds,
        arguments=arguments,
        given=source.given_names(),
        directory=serialization_dir,
        limit=limit,
    )
    check_optuna(asked, storage)
    if worker:
        asked = shared(asked, storage)
    command = [*source.arguments(), *(("--limit", str(limit)) if limit else ())]
    with nullcontext() if storage is None else reaching():
        check_joins(asked)
        for point in asked.grid_points:
            asked.experiment(point, asked.seeds[0])
        if dry_run:
            _show_plan(asked, _known_points(asked, storage))
        elif report:
            _show(_report(asked, storage, command))
        else:
            _run(asked, storage, processes, sampler, device, command)


def _run(
    asked: "Sweep", storage: str | None, processes: int, sampler: Sampler, device: str, command: Sequence[str]
) -> None:
    """Begins the sweep, goes on with it or joins in, and shows what it has come to."""
    from mtlkit.runs import Interrupted
    from mtlkit.sweeps import check_storage, join

    keep_freed_memory()
    where = torch_device(device)
    check_storage(storage)  # before anything is left behind
    identity = join(asked)
    try:
        if processes > 1:
            _start(asked, identity, storage, processes)
        else:
            _work(asked, identity, storage, sampler, where)
    except Interrupted as interrupted:
        _say_how_to_go_on("interrupted")
        raise typer.Exit(interrupted.exit_code) from None
    found = _report(asked, storage, command)
    found.write()
    _show(found)
    _end(found)


def _known_points(asked: "Sweep", storage: str | None) -> "Sequence[Point]":
    """The points of a grid, or the points that have been drawn so far from ranges."""
    from mtlkit.sweeps import identity_of, open_trials

    identity = identity_of(asked)
    is_begun = asked.outcomes.identity is None or asked.outcomes.record() is not None
    if asked.grid_points or identity is None or not is_begun:
        return asked.grid_points
    with asked.held():
        return open_trials(asked, identity, storage).points()


def _report(asked: "Sweep", storage: str | None, command: Sequence[str]) -> "Report":
    from mtlkit.sweeps import report

    return report(asked, _known_points(asked, storage), command)


def _start(asked: "Sweep", identity: str, storage: str | None, processes: int) -> None:
    """Starts processes with the same command and waits for them. If one is killed, the others do its work."""
    from mtlkit.cli.console import say
    from mtlkit.runs.transfer.jobs import run_jobs
    from mtlkit.runs.transfer.queues import Job
    from mtlkit.sweeps import open_trials

    with asked.held():
        open_trials(asked, identity, storage)  # what is wrong with the storage is reported once, not by each process
    say(f"{processes} processes are at work; what they say is in {asked.directory / 'process-N.log'}")
    arguments = _without_processes(sys.argv[1:])
    logs = [asked.directory / f"process-{number}.log" for number in range(1, processes + 1)]
    codes = run_jobs([Job(log.stem, arguments, log) for log in logs], processes, say)
    if wrong := [name for name, code in codes.items() if code not in (SETTLED, FAILED) and code > 0]:
        _say_how_to_go_on(f"stopped by what {wrong[0]} says")
        raise typer.Exit(codes[wrong[0]])


def _work(asked: "Sweep", identity: str, storage: str | None, sampler: Sampler, device: "torch.device") -> None:
    from mtlkit.cli.console import ConsoleListener, say
    from mtlkit.sweeps import open_trials, work

    with asked.held():
        trials = open_trials(asked, identity, storage, sampler)
        trials.enqueue()
    work(asked, trials, device, lambda: [ConsoleListener()], say)


def _show_plan(asked: "Sweep", points: "Sequence[Point]") -> None:
    from mtlkit.cli.console import show, show_rows

    rows = [(run.directory.path.name, run.state) for point in points for run in asked.runs(point)]
    if rows:
        show_rows(("run", "state"), rows)
    if asked.ranges:
        show(f"points drawn: {len(points)} of {asked.trials}")
    show(f"in {asked.directory}")


def _show(found: "Report") -> None:
    from mtlkit.cli.console import say, show, show_rows

    if not found.rows:
        say(f"{found.sweep.directory}: no point has been drawn there yet; give the command without --report to begin")
        return
    show_rows(found.header(), found.cells())
    if found.best is not None:
        show(f"best on dev data: {found.best.point.label}")
        show(found.command_of(found.best.point))
    for name, error in found.failures.items():
        say(f"{name} failed: {error}")
    for note in found.notes:
        say(note)


def _end(found: "Report") -> None:
    """Ends the command with the exit code for what the sweep has found."""
    from mtlkit.cli.console import say

    say(f"results: {found.sweep.directory / 'sweep.md'}")
    if not found.is_over:
        _say_how_to_go_on("some runs are not finished, for their processes were killed")
    if found.failures or not found.is_over:
        raise typer.Exit(FAILED)


def _say_how_to_go_on(why: str) -> None:
    from mtlkit.cli.console import say

    say(f"{why}; go on with: {command_as_given()}")


def _without_processes(arguments: Sequence[str]) -> tuple[str, ...]:
    """The command line of a single process, without `--processes`."""
    kept, drop = [], False
    for argument in arguments:
        if not drop and argument != "--processes" and not argument.startswith("--processes="):
            kept.append(argument)
        drop = argument == "--processes"
    return tuple(kept)
