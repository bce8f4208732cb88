"""`evaluate`: scores one or several archives on a split or on other data."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch

from mtlkit.archive import Archive, open_archive
from mtlkit.errors import ConfigError, DataError
from mtlkit.experiment import SPLITS, TaskSettings, load_split, say_counts
from mtlkit.figures import with_averages
from mtlkit.files import is_file
from mtlkit.model import MultiTaskModel
from mtlkit.plugins import Plugin, load_plugins
from mtlkit.runs.directory import RunDirectory, archive_path
from mtlkit.runs.finiteness import watching
from mtlkit.runs.predict import NO_NUMBER
from mtlkit.runs.predictions import write_predictions
from mtlkit.runs.scoring import evaluation_tasks, majority
from mtlkit.text import on_one_line
from mtlkit.training import EvaluationTask, Predictions, predictions_of
from mtlkit.training.devices import as_device
from mtlkit.types import Say, silent

OtherData: TypeAlias = str | Path | Mapping[str, str | Path] | None
"""Data in place of those that an experiment names: a folder, or a mapping from tasks to files."""


@dataclass(frozen=True)
class Wanted:
    """What to score: a split, tasks and data.

    Raises:
        ConfigError: there is no such split, or data are given twice.
    """

    split: str = "test"
    """`train`, `dev` or `test`; for `test`, clean figures are reported beside the standard ones."""
    tasks: Sequence[str] = ()
    """The tasks to score; empty for all that have the split."""
    file: str | None = None
    """The data of the only task, in place of those that the experiment names."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Data by task, in place of those that the experiment names; the other tasks keep their own."""
    folders: Sequence[Path] = ()
    """Folders in which to look for all other data files, by their paths in the experiment or by their names alone.

    Empty if the files are where the experiment says.
    """
    limit: int | None = None
    """The largest number of texts of each task; None for all."""
    batch_size: int | None = None
    """The number of texts in a batch; None for the experiment's setting."""

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ConfigError(f"there is no split {self.split}; use {', '.join(SPLITS)}")
        if self.file is not None and (self.files or self.folders):
            raise ConfigError("--file and --data both say which data are scored; give one of them")


@dataclass(frozen=True)
class Evaluation:
    """The scores of an archive."""

    figures: dict[str, float]
    """The scores by name (`task/metric`), with averages, as shares of 1."""
    predictions: list[Predictions]
    """The model's answers to single texts, one item for each task."""


def evaluate(
    archive: str | os.PathLike[str],
    split: str = "test",
    *,
    tasks: Sequence[str] = (),
    data: OtherData = None,
    limit: int | None = None,
    batch_size: int | None = None,
    predictions: str | Path | None = None,
    device: torch.device | str = "auto",
    include_packages: Sequence[str] = (),
    say: Say = silent,
) -> Evaluation:
    """Scores an archive on a split, or on other data.

    Args:
        archive: an archive.tar.gz, the directory of a run, or a `Run`.
        split: train, dev or test; for test, clean figures are reported beside the standard ones.
        tasks: the tasks to score; empty for all that have the split.
        data: the folder that contains all data files, or a mapping from tasks to files.
        limit: the largest number of texts of each task; None for all.
        batch_size: the number of texts in a batch; None for the experiment's setting.
        predictions: a folder to which the answer to each text is written.
        device: auto, cpu, cuda, cuda:N, or a `torch.device`.
        include_packages: modules or .py files with components, as for `--include-package`.
        say: receives a line about each thing that is done; `print` prints it.

    Raises:
        ArchiveError: the archive is missing or damaged.
        ConfigError: there is no such split, task or device.
        DataError: a data file is wrong or missing.
    """
    files = {task: str(file) for task, file in data.items()} if isinstance(data, Mapping) else {}
    folders = [] if data is None or isinstance(data, Mapping) else [Path(data)]
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"--data {folder}: no such folder; give a folder, or files by task")
    wanted = Wanted(split, tasks, None, files, folders, limit, batch_size)
    answers = None if predictions is None else Path(predictions)
    plugins = load_plugins(include_packages)
    (found,) = evaluate_archives([Path(archive)], wanted, as_device(device), plugins, answers, say).values()
    return found


def evaluate_archives(
    archives: Sequence[Path],
    wanted: Wanted,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    predictions: Path | None = None,
    say: Say = silent,
) -> dict[str, Evaluation]:
    """Scores archives one after the other. Errors in any of them are reported before the first is scored.

    Args:
        archives: paths, each of an archive.tar.gz or of the directory of a run.
        wanted: what to score.
        device: the device of the models.
        plugins: the plugins that were imported.
        predictions: a folder to which the answers to each text are written, if there is only one archive.
        say: receives a line about what is being scored.

    Returns:
        The evaluations by the names of the archives' runs, or by their paths if two runs have the same name.

    Raises:
        ArchiveError, ConfigError, DataError: as `evaluate`.
    """
    if predictions is not None:
        if len(archives) > 1:
            raise ConfigError("--predictions takes the answers of one archive; give each archive a folder of its own")
        _keep_own_answers(archive_path(archives[0]), predictions, wanted)
        predictions.mkdir(parents=True, exist_ok=True)
    names, evaluations = _names(archives), {}
    with ExitStack() as stack:
        opened = [stack.enter_context(open_archive(archive_path(path), device, plugins)) for path in archives]
        for archive in opened if len(opened) > 1 else []:
            tasks_to_score(archive, wanted)
        for name in names:
            if len(names) > 1:
                say(f"archive {name}")
            evaluations[name] = evaluate_archive(opened.pop(0), wanted, say)  # popped, so that its models are freed
    if predictions is not None:
        write_predictions(predictions, {wanted.split: evaluations[names[0]].predictions})
    return evaluations


def _keep_own_answers(archive: Path, predictions: Path, wanted: Wanted) -> None:
    """Makes sure that a run's own predictions are not overwritten by answers to other texts."""
    run = RunDirectory(archive.resolve().parent)
    if not run.is_run or predictions.resolve() != run.predictions:
        return
    if wanted.file is not None or wanted.files or wanted.folders:
        raise ConfigError(f"--predictions {predictions}: keeps the run's answers to its own data; give another folder")
    if (own := run.read_meta().get("limit")) != wanted.limit:
        remedy = "leave --limit out" if own is None else f"give --limit {own}"
        raise ConfigError(f"--predictions {predictions}: keeps answers to as many texts as the run had; {remedy}")


def _names(archives: Sequence[Path]) -> list[str]:
    files = [archive_path(path).resolve() for path in archives]
    own = [file.parent.name if file.name == "archive.tar.gz" else file.name for file in files]
    names = own if len(set(own)) == len(own) else [str(path) for path in archives]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{twice[0]}: is given twice; give it once")
    return names


def evaluate_archive(archive: Archive, wanted: Wanted, say: Say = silent) -> Evaluation:
    """Scores an archive.

    Args:
        archive: the trained model.
        wanted: what to score.
        say: receives a line about what is being scored.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is wrong or missing.
    """
    trainer = archive.experiment.trainer
    figures: dict[str, float] = {}
    predictions = []
    for model, task in scored_tasks(archive, wanted, say):
        name, size = task.split.task, wanted.batch_size or trainer.evaluation_batch_size
        with watching(model, name) as is_finite:
            answers = predictions_of(model, task, size, trainer.precision)
        if not is_finite:
            say(worthless(name))
        predictions.append(answers)
        figures.update(answers.figures())
        figures.update(majority(name, task.split.corpus))
    return Evaluation(with_averages(figures), predictions)


def worthless(task: str) -> str:
    """The warning about the figures of a task whose model computes values that are not finite."""
    return f"{task}: {NO_NUMBER}; these figures are worth nothing"


def scored_tasks(
    archive: Archive, wanted: Wanted, say: Say = silent
) -> Iterator[tuple[MultiTaskModel, EvaluationTask]]:
    """Yields each task to score, with its model. Corpora are read one at a time.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is wrong or missing.
    """
    split = wanted.split
    trained_with = archive.meta.get("limit")
    if trained_with not in (None, wanted.limit):
        say(f"the run was trained with --limit {trained_with}; its own figures come again with the same option")
    for name, settings in tasks_to_score(archive, wanted).items():
        say(f"scoring {name}: {getattr(settings, split)}")
        corpus = load_split(name, settings, split, wanted.limit)
        say_counts(name, {split: corpus}, say)
        known = archive.vocabulary.labels(name)
        if unknown := [label for label in corpus.label_counts() if label not in known]:
            theirs = on_one_line(f"{', '.join(unknown)} (it knows {', '.join(known)})")
            say(f"{name}: labels that no model here can give: {theirs}")
        model = archive.model_for(name)
        (task,) = evaluation_tasks(
            {name: corpus},
            {name: settings.scorers()},
            archive.vocabulary,
            model=model,
            device=archive.device,
            seen=archive.seen if split == "test" else None,
        )
        yield model, task


def tasks_to_score(archive: Archive, wanted: Wanted) -> dict[str, TaskSettings]:
    """The settings of the tasks to score, with the data that they are scored on, which are not read.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is missing.
    """
    known, split = archive.experiment.tasks, wanted.split
    if unknown := [name for name in (*wanted.tasks, *wanted.files) if name not in known]:
        raise ConfigError(f"{archive.path}: no task '{unknown[0]}' in the archive; its tasks are {', '.join(known)}")
    chosen = {name: known[name] for name in wanted.tasks or known}
    files = dict(wanted.files)
    if wanted.file is not None:
        if len(chosen) != 1:
            raise ConfigError("--file holds one task's data; say whose with --task")
        files = dict.fromkeys(chosen, wanted.file)
    found = {
        name: _with_data(archive, name, settings, wanted, files.get(name))
        for name, settings in chosen.items()
        if name in files or split in settings.sources()
    }
    if not found:
        raise ConfigError(
            f"{archive.path}: no {split} split for {', '.join(chosen)}; give other data with --task NAME --file FILE"
        )
    return found


def _with_data(archive: Archive, name: str, settings: TaskSettings, wanted: Wanted, file: str | None) -> TaskSettings:
    """The settings of a task with the data that it is scored on, after a check that the file exists."""
    split, place = wanted.split, f"{archive.path}: tasks.{name}"
    needed = settings.resplit.splits if settings.resplit and split in settings.resplit.splits else (split,)
    if file is not None:
        settings = settings.model_copy(update={split: file, "resplit": None})
        needed = (split,)
    elif wanted.folders:
        moved = {each: relocated(getattr(settings, each), wanted.folders, f"{place}.{each}") for each in needed}
        settings = settings.model_copy(update=moved)
    reader = archive.reader_for(name)
    for each in needed:
        missing = [path for path in reader.files(getattr(settings, each)) if not is_file(path)]
        if missing and not reader.fetches:
            remedy = "say where it is with --data TASK=FILE or --data FOLDER"
            raise DataError(f"{place}.{each}: no file {on_one_line(str(missing[0]))}; {remedy}")
    return settings


def relocated(source: str, folders: Sequence[Path], place: str) -> str:
    """The path of a data file in the first folder that contains it, by the longest part of its path that exists there.

    Args:
        source: the path of the file in the experiment.
        folders: the folders to search.
        place: the place of the setting in the experiment, for messages.

    Raises:
        DataError: the file is in none of the folders.
    """
    parts = [part for part in Path(source).parts if part != Path(source).anchor]
    for folder in folders:
        for start in range(len(parts)):
            if is_file(file := folder.joinpath(*parts[start:])):
                return str(file)
    where = " or ".join(map(str, folders))
    raise DataError(f"{place}: no {on_one_line(parts[-1])} in {where}; say where it is with --data TASK=FILE")
