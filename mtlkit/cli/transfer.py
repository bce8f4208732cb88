"""The verb that hands what tasks have learned together to a task that was left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtlkit.cli.experiment_source import ExperimentSource, takes_experiment
from mtlkit.cli.options import Anyway, Device, Limit, command_to_go_on, torch_device

if TYPE_CHECKING:
    from mtlkit.experiment import Experiment
    from mtlkit.runs import TransferTable

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
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is not done in the directory.")] = False,
    resume_anyway: Anyway = False,
    force: Annotated[bool, typer.Option("--force", help="Delete the runs of these folds first.")] = False,
    limit: Limit = None,
    device: Device = "auto",
) -> None:
    """Leave a task out: train the others, freeze the layer they share, and train the new task on top of it.

    Each fold is an ordinary run in two stages. With --leave-out all, DIR/transfer.json and transfer.md hold the table.
    """
    from mtlkit.cli.console import ConsoleListener, say
    from mtlkit.errors import ConfigError
    from mtlkit.runs import (
        FoldOptions,
        Interrupted,
        RunDirectory,
        TrainOptions,
        TransferSettings,
        about,
        baseline_figures,
        fold_of,
        train,
        train_folds,
    )

    leave_out, every = _left_out(left_out, fold)
    resume = resume or resume_anyway
    if resume and force:
        raise ConfigError("--resume goes on with folds and --force deletes them; give one of them")
    if processes is not None and not every:
        raise ConfigError("--processes is about several folds, and this is one; give --leave-out all, or leave it out")
    loaded, plugins = source.load()
    where, tasks = torch_device(device), list(loaded.experiment.tasks) if every else [leave_out]
    settings = TransferSettings(scope, embeddings)
    folds = {task: fold_of(loaded, task, settings) for task in tasks}
    figures = None if baseline is None else baseline_figures(baseline, loaded.experiment, tasks, limit)
    directory = serialization_dir or Path("runs") / f"transfer-{loaded.name}"
    if RunDirectory(directory).is_run:
        raise ConfigError(f"-s {directory}: is itself a run; give a directory for the runs of folds")
    try:
        if every:
            same = [*source.arguments(), *_options(directory, scope, embeddings, limit, device)]
            commands = {task: ["transfer", *same, f"--fold={task}"] for task in tasks}
            options = FoldOptions(limit, resume, force, resume_anyway)
            train_folds(folds, directory, options, commands, processes or 1, say)
        else:
            of_one = TrainOptions(where, limit, resume, force, plugins, resume_anyway=resume_anyway)
            train(folds[leave_out], directory / leave_out, of_one, [ConsoleListener()], say)
    except Interrupted as interrupted:
        begun = directory.is_dir() if every else RunDirectory(directory / leave_out).is_run
        say(f"interrupted; go on with: {command_to_go_on(begun)}")
        raise typer.Exit(interrupted.exit_code) from None
    table = _shown_table(loaded.experiment, directory, tasks, figures)
    if every:
        table.write(directory, about(folds, limit, baseline))
        say(f"table: {directory / 'transfer.json'} and transfer.md")
    else:
        say(f"archive: {directory / leave_out / 'archive.tar.gz'}")


def _left_out(given: Sequence[str], fold: str | None) -> tuple[str, bool]:
    """The task to leave out, and whether each is to be left out in turn.

    Children are told their task by `--fold`, which takes no word for all tasks: should a task ever be named like one,
    the child of its fold still does not become a parent.
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


def _shown_table(
    experiment: "Experiment", directory: Path, tasks: Sequence[str], baseline: Mapping[str, float] | None
) -> "TransferTable":
    """The table of these folds, which is shown."""
    from mtlkit.cli.console import show_rows
    from mtlkit.runs import RunDirectory, transfer_table

    metrics = {task: RunDirectory(directory / task).read_metrics() for task in tasks}
    table = transfer_table(experiment, metrics, baseline)
    show_rows(table.header, table.lines)
    return table


def _options(directory: Path, scope: str | None, embeddings: Embeddings, limit: int | None, device: str) -> list[str]:
    """What all folds have in common, as words of a command line; the device is left open where it is not named."""
    words = ["-s", str(directory), "--embeddings", embeddings]
    words += ["--scope", scope] if scope is not None else []
    words += ["--limit", str(limit)] if limit is not None else []
    return words + (["--device", device] if device != "auto" else [])
