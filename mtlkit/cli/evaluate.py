"""The verb that scores archives: evaluate."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtlkit.cli.experiment_source import Include
from mtlkit.cli.options import (
    ArchiveFiles,
    Device,
    Limit,
    OtherData,
    ScoringSize,
    archive_path,
    other_data,
    torch_device,
)

if TYPE_CHECKING:
    import torch

    from mtlkit.plugins import Plugin
    from mtlkit.runs import Evaluation, Wanted


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
    limit: Limit = None,
    batch_size: ScoringSize = None,
    device: Device = "auto",
    include_package: Include = [],
) -> None:
    """Score archives on a split, or on other files; several of them side by side."""
    from mtlkit.cli.console import show_figures, show_side_by_side
    from mtlkit.cli.outputs import writable_file
    from mtlkit.errors import ConfigError
    from mtlkit.experiment import SPLITS
    from mtlkit.files import write_atomically
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import Wanted
    from mtlkit.runs.predictions import write_predictions

    if split not in SPLITS:
        raise ConfigError(f"--split {split}: no such split; use {', '.join(SPLITS)}")
    if file is not None and data:
        raise ConfigError("--file and --data both say which data are scored; give one of them")
    if predictions is not None and len(archives) > 1:
        raise ConfigError("--predictions takes the answers of one archive; give each archive a folder of its own")
    target = None if output is None else writable_file(output)
    if predictions is not None:
        _keep_own_answers(archive_path(archives[0]), predictions, limit, is_own=file is None and not data)
        predictions.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(split, task, file, *other_data(data), limit, batch_size)
    evaluations = _scored(archives, wanted, torch_device(device), load_plugins(include_package))
    figures = {name: evaluation.figures for name, evaluation in evaluations.items()}
    title = split if file is None else file
    if len(archives) > 1:
        show_side_by_side(figures, title)
        found: Any = figures
    else:
        ((name, found),) = figures.items()
        show_figures(found, title)
        if predictions is not None:
            write_predictions(predictions, {split: evaluations[name].predictions})
    if target is not None:
        write_atomically(target, json.dumps(found, indent=2).encode() + b"\n")


def _keep_own_answers(archive: Path, predictions: Path, limit: int | None, *, is_own: bool) -> None:
    """Makes sure that no answers to other texts take the place of those that a run has left."""
    from mtlkit.errors import ConfigError
    from mtlkit.runs import RunDirectory

    run = RunDirectory(archive.resolve().parent)
    if not run.is_run or predictions.resolve() != run.predictions:
        return
    if not is_own:
        raise ConfigError(f"--predictions {predictions}: keeps the run's answers to its own data; give another folder")
    if (own := run.read_meta().get("limit")) != limit:
        remedy = "leave --limit out" if own is None else f"give --limit {own}"
        raise ConfigError(f"--predictions {predictions}: keeps answers to as many texts as the run had; {remedy}")


def _scored(
    archives: Sequence[Path], wanted: "Wanted", device: "torch.device", plugins: "Sequence[Plugin]"
) -> "dict[str, Evaluation]":
    """What each archive comes to; whatever is wrong with one of them comes out before any is scored."""
    from mtlkit.archive import open_archive
    from mtlkit.cli.console import say
    from mtlkit.runs import evaluate_archive, tasks_to_score

    names, evaluations = _names(archives), {}
    with ExitStack() as stack:
        opened = [stack.enter_context(open_archive(archive_path(path), device, plugins)) for path in archives]
        for archive in opened if len(opened) > 1 else []:
            tasks_to_score(archive, wanted)
        for name in names:
            if len(names) > 1:
                say(f"archive {name}")
            evaluations[name] = evaluate_archive(opened.pop(0), wanted, say)  # nothing holds its models any more
    return evaluations


def _names(archives: Sequence[Path]) -> list[str]:
    """What the archives are called: by their runs, or by their paths where two runs have the same name."""
    from mtlkit.errors import ConfigError

    files = [archive_path(path).resolve() for path in archives]
    own = [file.parent.name if file.name == "archive.tar.gz" else file.name for file in files]
    names = own if len(set(own)) == len(own) else [str(path) for path in archives]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{twice[0]}: is given twice; give it once")
    return names
