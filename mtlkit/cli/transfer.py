"""The verb `transfer`, which hands the layer that tasks have learned together to a task that was left out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from mtlkit.cli.experiment_source import ExperimentSource, takes_experiment
from mtlkit.cli.options import Anyway, Device, Limit, command_to_go_on, torch_device
from mtlkit.process.freed_memory import keep_freed_memory

ALL = "all"
Embeddings = Literal["fresh", "copy"]


@takes_experiment
def transfer(
    source: ExperimentSource,
    left_out: Annotated[
        list[str], typer.Option("--leave-out", metavar="TASK", help="The new task; all for a fold with each of them.")
    ] = [],
    fold: Annotated[
        str | None, typer.Option(hidden=True, help="One task, by its name alone: the job of a child.")
    ] = None,
    serialization_dir: Annotated[
        Path | None,
        typer.Option(
            "-s", "--serialization-dir", help="A fold is a run in DIR/TASK; default: runs/transfer-<experiment's name>."
        ),
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="What is the shared layer, as the sharing scheme names it; default: its usual.")
    ] = None,
    embeddings: Annotated[
        Embeddings,
        typer.Option(
            metavar="HOW", help="The new task's word vectors: fresh ones, or a copy of what the others have learned."
        ),
    ] = "fresh",
    baseline: Annotated[
        Path | None, typer.Option(help="Run, or JSON file of test figures, to show the gain over; not for training.")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="Folds at the same time; default: 1.")] = None,
    worker: Annotated[
        bool, typer.Option("--worker", help="Divide the folds with other machines that have the same directory.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is not done in the directory.")] = False,
    resume_anyway: Anyway = False,
    force: Annotated[bool, typer.Option("--force", help="Delete the runs of these folds first.")] = False,
    limit: Limit = None,
    device: Device = "auto",
) -> None:
    """Leave a task out: train the others, freeze the layer they share, and train the new task on top of it.

    Each fold is an ordinary run in two stages. With --leave-out all, DIR/transfer.json and transfer.md hold the table.
    """
    from mtlkit.errors import ConfigError

    leave_out, every = _left_out(left_out, fold)
    resume = resume or resume_anyway
    if resume and force:
        raise ConfigError("--resume goes on with folds and --force deletes them; give one of them")
    if processes is not None and not every:
        raise ConfigError("--processes is about several folds, and this is one; give --leave-out all, or leave it out")
    if worker and (force or not every):
        why = "--force would delete what other machines are at" if force else "it is about several folds"
        raise ConfigError(f"--worker: {why}; give --leave-out all without --force, or leave --worker out")
    keep_freed_memory()
    loaded, where = source.load(), torch_device(device)
    from mtlkit.cli.console import ConsoleListener, say, show_rows
    from mtlkit.runs import FoldOptions, Interrupted, TransferSettings, plan_transfer, train, train_folds
    from mtlkit.runs.processes import check_number, check_one_process

    check_one_process("transfer")
    check_number(processes)
    settings, left = TransferSettings(scope, embeddings), None if every else leave_out
    plan = plan_transfer(loaded, left, settings, directory=serialization_dir, limit=limit, baseline=baseline)
    options = FoldOptions(limit, resume, force, resume_anyway)
    try:
        if every:
            same = [*source.arguments(), *_options(plan.directory, scope, embeddings, limit, device)]
            commands = {task: ["transfer", *same, f"--fold={task}"] for task in plan.folds}
            train_folds(plan.folds, plan.directory, options, commands, processes or 1, say, worker=worker)
        else:
            directory, listeners = plan.run(leave_out).path, [ConsoleListener()]
            train(plan.folds[leave_out], directory, device=where, listeners=listeners, say=say, **asdict(options))
    except Interrupted as interrupted:
        begun = plan.directory.is_dir() if every else plan.run(leave_out).is_run
        say(f"interrupted; go on with: {command_to_go_on(begun)}")
        raise typer.Exit(interrupted.exit_code) from None
    table = plan.table()
    if every:  # before anything is shown, since nobody may read that
        plan.write(table)
    show_rows(table.header, table.lines)
    if every:
        say(f"table: {plan.directory / 'transfer.json'} and transfer.md")
    else:
        say(f"archive: {plan.run(leave_out).archive}")


def _left_out(given: Sequence[str], fold: str | None) -> tuple[str, bool]:
    """The task to leave out, and whether each is to be left out in turn.

    Child processes are given their task by `--fold`, for which no name means all tasks: even if a task were named
    `all`, the child for its fold would not become a parent itself.
    """
    from mtlkit.errors import ConfigError

    if fold is not None:
        return fold, False
    if len(given) != 1:
        raise ConfigError(
            f"--leave-out {given[1]}: is a second one; give one task, or all"
            if given
            else "--leave-out: is missing; give a task, or all"
        )
    return given[0], given[0] == ALL


def _options(directory: Path, scope: str | None, embeddings: Embeddings, limit: int | None, device: str) -> list[str]:
    """The command-line options that all folds have in common; without a device if the user named none."""
    words = ["-s", str(directory), "--embeddings", embeddings]
    words += ["--scope", scope] if scope is not None else []
    words += ["--limit", str(limit)] if limit is not None else []
    return words + (["--device", device] if device != "auto" else [])
