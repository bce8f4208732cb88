"""`evaluate`: scores one or several archives on a split or on other data."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mtlkit.archive import Archive, open_archive
from mtlkit.config import count_argument, names_argument, path_argument, say_argument
from mtlkit.data import has_span_tags
from mtlkit.errors import ConfigError
from mtlkit.experiment import check_known_labels, loader_of, say_counts
from mtlkit.figures import NOTES, with_averages
from mtlkit.files import Output, make_folder
from mtlkit.kernels.postponing import Postponed
from mtlkit.model import MultiTaskModel
from mtlkit.on_disk.runs import ARCHIVE
from mtlkit.plugins import Plugin, load_plugins
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.runs.archives_side_by_side import check_scored_texts, check_training
from mtlkit.runs.data_to_score import OtherData, Wanted, load_to_score, tasks_to_score
from mtlkit.runs.directory import archive_path
from mtlkit.runs.finiteness import watching
from mtlkit.runs.kept_answers import check_outputs, check_own_texts, is_own_folder, keep_own_answers
from mtlkit.runs.known_texts import MOST, notes_on_texts
from mtlkit.runs.outputs import archives_given, check_belongs_to_no_run, folder_of_verb
from mtlkit.runs.precision import compute_in, precision_argument
from mtlkit.runs.predict import NO_NUMBER
from mtlkit.runs.predictions import write_predictions
from mtlkit.runs.read_files import data_scored
from mtlkit.runs.scoring import evaluation_tasks, majority
from mtlkit.text import on_one_line
from mtlkit.training import EvaluationTask, Predictions, predictions_of
from mtlkit.training.devices import as_device
from mtlkit.types import Say, silent


@dataclass(frozen=True)
class Evaluation:
    """The scores of an archive."""

    figures: dict[str, float]
    """The scores by name (`task/metric`), with averages, as shares of 1."""
    predictions: list[Predictions]
    """The model's answers to single texts, one item for each task."""
    notes: list[str] = field(default_factory=list)
    """Sentences that a reader of the figures should know, such as that the data have changed since training."""

    def to_json(self) -> dict[str, Any]:
        """The figures by name and, if there are any, the notes under `notes`."""
        return {**self.figures, **({NOTES: self.notes} if self.notes else {})}


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
    precision: str | None = None,
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
        precision: what is computed in, fp32 or bf16; None for the precision of training.
        include_packages: modules or .py files with components, as for `--include-package`.
        say: receives a line about each thing that is done; `print` prints it.

    Raises:
        ArchiveError: the archive is missing or damaged.
        ConfigError: there is no such split, task or device, or an argument has a wrong type.
        DataError: a data file is wrong or missing.
    """
    path, say = path_argument(archive, "archive"), say_argument(say)
    names = names_argument(tasks, "tasks")
    limit, batch_size = count_argument(limit, "limit"), count_argument(batch_size, "batch_size")
    wanted = Wanted(split, names, None, *_other_data(data), limit, batch_size, precision_argument(precision))
    answers = None if predictions is None else path_argument(predictions, "predictions")
    plugins = load_plugins(names_argument(include_packages, "include_packages"))
    (found,) = evaluate_archives([path], wanted, as_device(device), plugins, answers, say).values()
    return found


def _other_data(data: OtherData) -> tuple[dict[str, str], list[Path]]:
    """The files by task, and the folders, that are given in place of an experiment's data."""
    if data is None:
        return {}, []
    if isinstance(data, Mapping):
        return {task: str(path_argument(file, f"data: {task}")) for task, file in data.items()}, []
    folder = path_argument(data, "data")
    if not folder.is_dir():
        raise ConfigError(f"data {folder}: no such folder; give a folder, or files by task")
    return {}, [folder]


def evaluate_archives(
    archives: Sequence[Path],
    wanted: Wanted,
    device: torch.device,
    plugins: Sequence[Plugin] = (),
    predictions: Path | None = None,
    say: Say = silent,
    *,
    anyway: bool = False,
    output: Output | None = None,
    ranks: Ranks = ONE,
) -> dict[str, Evaluation]:
    """Scores archives one after the other. Errors in any of them are reported before the first is scored.

    Of several processes each scores a share of the texts, and all return the same; the first one writes.

    Args:
        archives: paths, each of an archive.tar.gz or of the directory of a run.
        wanted: what to score.
        device: the device of the models.
        plugins: the plugins that were imported.
        predictions: a folder to which the answers to each text are written, if there is only one archive.
        say: receives a line about what is being scored.
        anyway: whether several archives may be trained or scored on different data; the notes then say so.
        output: the file to which the caller will write the figures, which is to be none that is read.
        ranks: the processes that share the texts.

    Returns:
        The evaluations by the names of the archives' runs, or by their paths if two runs have the same name.

    Raises:
        ArchiveError, ConfigError, DataError: as `evaluate`.
        RunError: several archives were trained or scored on different data, and `anyway` is false.
    """
    is_own = False
    if predictions is not None:
        if len(archives) > 1:
            raise ConfigError("--predictions takes the answers of one archive; give each archive a folder of its own")
        if is_own := is_own_folder(archives[0], predictions):
            keep_own_answers(archives[0], predictions, wanted)
        answers = folder_of_verb(predictions, "--predictions")
        if not is_own:
            check_belongs_to_no_run(answers, f"--predictions {predictions}")
        ranks.first(lambda: make_folder(answers))
    names = _names(archives)
    evaluations: dict[str, Evaluation] = {}
    with ExitStack() as stack:
        postponed = Postponed(say)
        opened = [
            stack.enter_context(open_archive(archive_path(path), device, plugins, postponed)) for path in archives
        ]
        for archive in opened:
            archive.ranks = ranks
        asked = [tasks_to_score(archive, wanted) for archive in opened]
        for archive, settings in zip(opened, asked, strict=True):
            reads = {**archives_given(archives), **data_scored(archive, settings)}
            check_outputs(reads, wanted.split, predictions, output, is_own=is_own)
        tasks = [list(settings) for settings in asked] if len(opened) > 1 else []
        if predictions is not None and is_own:
            check_own_texts(opened[0], predictions, wanted)
        common = [task for task in (tasks or [[]])[0] if all(task in others for others in tasks)]
        differing = check_training(opened, names, common, anyway)
        for name, sentence in zip(names, differing, strict=True):
            if len(names) > 1:
                say(f"archive {name}")
            found = evaluate_archive(opened.pop(0), wanted, say)  # popped, so that its models are freed
            first = evaluations.setdefault(names[0], found)
            answered = first.predictions, found.predictions
            scored = check_scored_texts(*answered, (names[0], name), wanted.split, anyway)
            more = [each for each in (sentence, scored) if each]
            for each in more:
                say(each)
            evaluations[name] = replace(found, notes=[*found.notes, *more])
    if predictions is not None:
        answered_by = {wanted.split: evaluations[names[0]].predictions}
        ranks.first(lambda: write_predictions(predictions, answered_by))
    return evaluations


def _names(archives: Sequence[Path]) -> list[str]:
    files = [archive_path(path).resolve() for path in archives]
    own = [file.parent.name if file.name == ARCHIVE else file.name for file in files]
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
    # Said by `scored_tasks`, whose notes are of single tasks; this one is of all.
    limited = _other_limit(archive, wanted)
    predictions, notes = [], [] if limited is None else [limited]
    computed = compute_in(wanted.precision, archive, say)

    def note(sentence: str) -> None:
        say(sentence)
        notes.append(sentence)

    if computed is not None:
        note(computed)
    for model, task in scored_tasks(archive, wanted, say, note):
        name, size = task.split.task, wanted.batch_size or trainer.evaluation_batch_size
        with watching(model, name) as is_finite:
            answers = predictions_of(model, task, size, archive.precision)
        if not archive.ranks.least(bool(is_finite)):
            note(worthless(name))
        predictions.append(answers)
        figures.update(answers.figures())
        figures.update(majority(name, task.split.corpus))
    return Evaluation(with_averages(figures), predictions, notes)


def worthless(task: str) -> str:
    """The warning about the figures of a task whose model computes values that are not finite."""
    return f"{task}: {NO_NUMBER}; these figures are worth nothing"


def _other_limit(archive: Archive, wanted: Wanted) -> str | None:
    trained_with = archive.meta.get("limit")
    if trained_with in (None, wanted.limit):
        return None
    return f"the run was trained with --limit {trained_with}; its own figures come again with the same option"


def scored_tasks(
    archive: Archive, wanted: Wanted, say: Say = silent, note: Say | None = None
) -> Iterator[tuple[MultiTaskModel, EvaluationTask]]:
    """Yields each task to score, with its model. Corpora are read one at a time.

    Args:
        archive: the trained model.
        wanted: what to score.
        say: receives a line about what is being scored.
        note: receives sentences that a reader of the figures should know; None for `say`.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is wrong or missing.
    """
    split, note = wanted.split, note or say
    if (limited := _other_limit(archive, wanted)) is not None:
        say(limited)
    tasks = tasks_to_score(archive, wanted)
    loader = loader_of(tasks.values(), [split], archive.experiment.normalization)
    for name, settings in tasks.items():
        say(f"scoring {name}: {settings.sources().get(split, f'{split} drawn from {settings.train}')}")
        # The others find what the first one has read in the cache.
        corpus = archive.ranks.first_then_all(partial(load_to_score, archive, name, settings, wanted, loader, say))
        say_counts(name, {split: corpus}, say)
        for sentence in notes_on_texts(archive, name, settings, corpus, wanted):
            note(sentence)
        known = archive.vocabulary.labels(name)
        check_known_labels(name, corpus, known, note)
        if unknown := [label for label in corpus.label_counts() if label not in known]:
            theirs = on_one_line(f"{', '.join(unknown)} (it knows {', '.join(known)})")
            note(f"{name}: labels that no model here can give: {theirs}")
        spans = any(metric.component.needs_spans for metric in settings.scorers())
        if spans and has_span_tags(known) and not has_span_tags(corpus.label_counts()):
            note(f"{name}: no tag marks a span, so scores of spans are 0 whatever the model gives")
        model = archive.model_for(name)
        (task,) = evaluation_tasks(
            {name: corpus},
            {name: settings.scorers()},
            archive.vocabulary,
            model=model,
            device=archive.device,
            seen=archive.seen if split == "test" else None,
        )
        seen = 0 if task.clean is None else len(task.clean) - int(task.clean.sum())
        if 0 < seen <= MOST * len(corpus):  # of more, there is a note
            say(f"{name}: {seen:,} of {len(corpus):,} texts are train or dev texts of the run, and not clean")
        yield model, task
