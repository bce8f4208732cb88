"""The verbs that compute: train and predict."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mtlkit.cli.experiment_source import ExperimentSource, Include, takes_experiment
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import Anyway, ArchiveFile, Device, Limit, Precision, command_to_go_on, torch_device
from mtlkit.cli.outputs import check_output, files_given, open_output
from mtlkit.cli.processes import check_processes, is_first_process, run_in_processes
from mtlkit.process.freed_memory import keep_freed_memory

Format = Literal["auto", "text", "ids", "jsonl", "reader"]


@takes_experiment
def train(
    source: ExperimentSource,
    serialization_dir: Annotated[
        Path | None, typer.Option("-s", "--serialization-dir", help="Run directory; default: runs/<experiment's name>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the directory.")] = False,
    resume_anyway: Anyway = False,
    force: Annotated[bool, typer.Option("--force", help="Delete the run in the directory first.")] = False,
    trial: Annotated[bool, typer.Option("--dry-run", help="Check everything, read the data, train nothing.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time went; profile.json and trace.json keep it.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Share every batch among so many processes; default: 1.")
    ] = None,
    limit: Limit = None,
    device: Device = "auto",
) -> None:
    """Train an experiment; leaves a run directory with an archive in it.

    Under torchrun the processes that it has started train together. See docs/scale.md.
    """
    from mtlkit.errors import ConfigError
    from mtlkit.on_disk.runs import RUNS, TWO_WISHES, check_begun, name_of_experiment

    keep_freed_memory()
    if force and (resume or resume_anyway):
        raise ConfigError(TWO_WISHES)
    evaluated = source.evaluate()
    if resume or resume_anyway:
        check_begun(serialization_dir or Path(RUNS) / name_of_experiment(evaluated.sources))
    loaded, where = source.load(evaluated), torch_device(device)
    from mtlkit.cli.console import ConsoleListener, say, show_figures, show_inspection, show_profile
    from mtlkit.runs import Interrupted, RunDirectory, dry_run, run_directory, train

    directory = run_directory(loaded, serialization_dir)
    if processes is not None and check_processes(processes):
        from mtlkit.runs.processes import RESUME

        run_in_processes(processes, RESUME)
        return
    if trial:
        resume = resume or resume_anyway
        inspection = dry_run(loaded, directory, device=where, limit=limit, resume=resume, force=force, say=say)
        if is_first_process():
            show_inspection(inspection)
        return
    try:
        run = train(
            loaded,
            directory,
            device=where,
            limit=limit,
            resume=resume,
            resume_anyway=resume_anyway,
            force=force,
            profile=profile,
            listeners=[ConsoleListener()],
            say=say,
        )
    except Interrupted as interrupted:
        if is_first_process():
            say(f"interrupted; go on with: {command_to_go_on(RunDirectory(directory).is_run)}")
        raise typer.Exit(interrupted.exit_code) from None
    if not is_first_process():
        return
    for found in run.profiles:
        show_profile(found, directory)
    for split in ("dev", "test"):
        show_figures(run.metrics[split], split)
    say(f"archive: {run.archive}")


def predict(
    archive: ArchiveFile,
    inputs: Annotated[str, typer.Argument(help="Text file, .jsonl file, or - for standard input.", metavar="INPUT")],
    task: Annotated[list[str], typer.Option(help="Whose head answers; default: all tasks.")] = [],
    format_: Annotated[
        Format, typer.Option("--format", help="How INPUT is read; auto decides by its first lines, and says so.")
    ] = "auto",
    jsonl: Annotated[bool, typer.Option("--jsonl", help="The same as --format jsonl.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write records here instead of standard output.")] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Texts answered together; default: 64 of a file, 1 of standard input."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Have so many processes answer; with --output, the same command then goes on."),
    ] = None,
    device: Device = "auto",
    precision: Precision = None,
    include_package: Include = [],
) -> None:
    """Predict for texts; writes a JSON record per text and task. Labels are not needed.

    With --format text each line is a text, with ids a line is ID<TAB>TEXT, and with jsonl it is a JSON object. With
    reader the task's reader reads INPUT as it read the data of training: one token per line, LABEL<TAB>TEXT, or a
    format of its own. The default tells by the first lines: it says what is not plain text, and refuses what it cannot
    tell. Compressed files are unpacked.

    A record has the number of the text. Ids and the other fields of a JSON object come back in it, and a target in the
    input as `target`. A line that cannot be answered, such as an empty one, gets a record with an `error`; the exit
    code is then 1.

    With --processes the output of a file is the same, and faster. If it is interrupted, what --output has come to is
    kept; the same command goes on after it, with any number of processes. See docs/scale.md.
    """
    from mtlkit.errors import ConfigError
    from mtlkit.on_disk.archives import check_archive

    if jsonl and format_ not in ("auto", "jsonl"):
        raise ConfigError(f"--jsonl and --format {format_} disagree; give one of them")
    if jsonl:
        format_ = "jsonl"
    check_archive(archive)
    check_output(output)
    load_libraries()
    from mtlkit.cli.console import say
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import as_line, open_answers, output_of_verb, write_answers
    from mtlkit.runs.older_outputs import is_records

    reads = files_given(inputs, archive, include_package)
    target = None if output is None else output_of_verb(output, reads, is_records)
    keep_freed_memory()
    bad, where, plugins = 0, torch_device(device), load_plugins(include_package)
    options: dict[str, Any] = {"format_": format_, "batch_size": batch_size, "precision": precision, "say": say}
    options |= {"device": where, "plugins": plugins}
    if processes is not None:
        lines = sys.stdout.buffer if target is None else target
        bad = write_answers(archive, inputs, lines, task, processes=processes, **options).errors
    else:
        with open_answers(archive, inputs, task, **options) as opened, open_output(target) as stream:
            is_live = target is None or target.is_stream
            for record in opened.answers():
                bad += "error" in record
                print(as_line(record), file=stream, flush=is_live)
    if bad:
        say(f"{bad} of the records hold an error instead of an answer")
        raise typer.Exit(1)
