"""The verbs that compute: train and predict."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mtlkit.cli.experiment_source import ExperimentSource, Include, takes_experiment
from mtlkit.cli.options import Anyway, ArchiveFile, Device, Limit, archive_path, command_to_go_on, torch_device


@takes_experiment
def train(
    source: ExperimentSource,
    serialization_dir: Annotated[
        Path | None, typer.Option("-s", "--serialization-dir", help="Run directory; default: runs/<experiment's name>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the directory.")] = False,
    resume_anyway: Anyway = False,
    force: Annotated[bool, typer.Option("--force", help="Delete the run in the directory first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, read the data, train nothing.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time went; profile.json and trace.json keep it.")
    ] = False,
    limit: Limit = None,
    device: Device = "auto",
) -> None:
    """Train an experiment; leaves a run directory with an archive in it."""
    from mtlkit.cli.console import ConsoleListener, say, show_figures, show_inspection, show_profile
    from mtlkit.errors import ConfigError
    from mtlkit.runs import Interrupted, Profiler, RunDirectory, TrainOptions
    from mtlkit.runs import train as run_train
    from mtlkit.runs.inspection import inspect_experiment

    resume = resume or resume_anyway
    if resume and force:
        raise ConfigError("--resume goes on with a run and --force deletes it; give one of them")
    loaded, plugins = source.load()
    where = torch_device(device)
    directory = serialization_dir or Path("runs") / loaded.name
    if dry_run:
        if not resume:
            RunDirectory(directory).check_new(force)
        show_inspection(inspect_experiment(loaded, where, limit=limit, say=say))
        return
    options = TrainOptions(where, limit, resume, force, plugins, resume_anyway=resume_anyway)
    profilers = [Profiler(directory, where)] if profile else []
    try:
        result = run_train(loaded, directory, options, [ConsoleListener(), *profilers], say)
    except Interrupted as interrupted:
        say(f"interrupted; go on with: {command_to_go_on(RunDirectory(directory).is_run)}")
        raise typer.Exit(interrupted.exit_code) from None
    for found in (found for profiler in profilers for found in profiler.profiles):
        show_profile(found, directory)
    for split in ("dev", "test"):
        show_figures(result.metrics[split], split)
    say(f"archive: {directory / 'archive.tar.gz'}")


def predict(
    archive: ArchiveFile,
    inputs: Annotated[str, typer.Argument(help="Text file, .jsonl file, or - for standard input.", metavar="INPUT")],
    task: Annotated[list[str], typer.Option(help="Whose head answers; default: all tasks.")] = [],
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Lines are JSON objects (a .jsonl file's are anyway).")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="Write records here instead of standard output.")] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Lines read before answers are given; default: 64 of a file, 1 of standard input."),
    ] = None,
    device: Device = "auto",
    include_package: Include = [],
) -> None:
    """Predict for raw text, a line at a time; writes a JSON record per line and task. Labels are not needed.

    A line that cannot be answered, such as an empty one, gets a record with an `error`; the exit code is then 1.
    """
    from mtlkit.archive import open_archive
    from mtlkit.cli.console import say
    from mtlkit.runs.inputs import STANDARD_INPUT, noting_labels, open_inputs
    from mtlkit.cli.outputs import open_output
    from mtlkit.errors import ConfigError
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import predict as run_predict
    from mtlkit.text import visible

    where, plugins = torch_device(device), load_plugins(include_package)
    bad, size = 0, batch_size or (1 if inputs == STANDARD_INPUT else 64)
    with open_inputs(inputs, jsonl) as lines, open_archive(archive_path(archive), where, plugins) as opened:
        known = list(opened.experiment.tasks)
        if unknown := [name for name in task if name not in known]:
            raise ConfigError(f"--task {unknown[0]}: the archive's tasks are {', '.join(known)}")
        labels = {label for name in known for label in opened.labels_in_files(name)}
        with open_output(output) as target:
            for record in run_predict(opened, noting_labels(lines, labels, say), task or known, size):
                bad += "error" in record
                print(visible(json.dumps(record, ensure_ascii=False)), file=target, flush=True)
    if bad:
        say(f"{bad} of the records hold an error instead of an answer")
        raise typer.Exit(1)
