"""The verb `evaluate`, which scores archives."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mtlkit.cli.experiment_source import Include
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import (
    ArchiveFiles,
    Device,
    Limit,
    OtherData,
    Precision,
    ScoringSize,
    other_data,
    torch_device,
)
from mtlkit.cli.outputs import check_output
from mtlkit.cli.processes import check_processes, interrupted_once, is_first_process, run_in_processes
from mtlkit.process.freed_memory import keep_freed_memory

AGAIN = "give the command again"
"""What to do where one of several processes is lost."""


def evaluate(
    archives: ArchiveFiles,
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    task: Annotated[list[str], typer.Option(help="Only this task; may be given again.")] = [],
    data: OtherData = [],
    file: Annotated[str | None, typer.Option(help="Score this file instead; needs --task.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the answer to each text to DIR/SPLIT/TASK.jsonl.gz.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also several archives that were trained or scored on different data.")
    ] = False,
    limit: Limit = None,
    batch_size: ScoringSize = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Share the texts among so many processes; default: 1.")
    ] = None,
    device: Device = "auto",
    precision: Precision = None,
    include_package: Include = [],
) -> None:
    """Score archives on a split, or on other files; several of them side by side.

    Under torchrun the processes that it has started share the texts. See docs/scale.md.
    """
    from mtlkit.on_disk.archives import check_archive

    others = other_data(data)
    for archive in archives:
        check_archive(archive)
    check_output(output)
    load_libraries()
    from mtlkit.cli.console import say, show_figures, show_side_by_side
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import Wanted, archives_given, evaluate_archives, output_of_verb
    from mtlkit.runs.older_outputs import is_figures
    from mtlkit.runs.processes import processes_of_run
    from mtlkit.types import silent

    wanted = Wanted(split, task, file, *others, limit, batch_size, precision)
    named = {f"--file {file}": file, **{f"--data {task}={each}": each for task, each in wanted.files.items()}}
    reads = {name: Path(each) for name, each in named.items() if each is not None}
    given = archives_given(archives, packages=include_package)
    target = None if output is None else output_of_verb(output, {**given, **reads}, is_figures)
    keep_freed_memory()
    where, plugins = torch_device(device), load_plugins(include_package)
    if processes is not None and check_processes(processes):
        run_in_processes(processes, AGAIN)
        return
    with interrupted_once(), processes_of_run(where, AGAIN) as (ranks, own):
        evaluations = evaluate_archives(
            *(archives, wanted, own, plugins, predictions, say if ranks.is_first else silent),
            anyway=anyway,
            output=target,
            ranks=ranks,
        )
    if not is_first_process():
        return
    figures = {name: evaluation.figures for name, evaluation in evaluations.items()}
    title = split if file is None else file
    found: Any = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
    single = next(iter(figures)) if len(archives) == 1 else None
    if target is not None:  # before anything is shown, since nobody may read that
        target.write(json.dumps(found if single is None else found[single], indent=2).encode() + b"\n")
    if single is None:
        show_side_by_side(figures, title)
    else:
        show_figures(figures[single], title)
