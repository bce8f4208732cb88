"""`evaluate`: scores of an archive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtlkit.archive import Archive
from mtlkit.errors import ConfigError, DataError
from mtlkit.experiment import TaskSettings, load_split, say_counts
from mtlkit.figures import with_averages
from mtlkit.files import is_file
from mtlkit.model import MultiTaskModel
from mtlkit.runs.finiteness import watching
from mtlkit.runs.predict import NO_NUMBER
from mtlkit.runs.scoring import evaluation_tasks, majority
from mtlkit.text import on_one_line
from mtlkit.training import EvaluationTask, Predictions, predictions_of
from mtlkit.types import Say, silent


@dataclass(frozen=True)
class Wanted:
    """What is to be scored."""

    split: str = "test"
    """`train`, `dev` or `test`; clean figures stand beside the standard ones of `test`."""
    tasks: Sequence[str] = ()
    """None for all that have the split."""
    file: str | None = None
    """Data of the one task, instead of those that the experiment names."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The same by task; the other tasks keep their own."""
    folders: Sequence[Path] = ()
    """Where all other data lie, if not where the experiment says: under the same names, with folders or without."""
    limit: int | None = None
    """At most so many texts of each task."""
    batch_size: int | None = None
    """Texts that are scored at once; None for as many as the experiment says."""


@dataclass(frozen=True)
class Evaluation:
    """What an archive comes to."""

    figures: dict[str, float]
    """`task/metric`, and averages."""
    predictions: list[Predictions]
    """The answers to single texts, by task."""


def evaluate_archive(archive: Archive, wanted: Wanted, say: Say = silent) -> Evaluation:
    """Scores an archive.

    Args:
        archive: the trained model.
        wanted: what is to be scored.
        say: told what is being scored.

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
    """What is said of figures of a model that comes to no finite numbers."""
    return f"{task}: {NO_NUMBER}; these figures are worth nothing"


def scored_tasks(
    archive: Archive, wanted: Wanted, say: Say = silent
) -> Iterator[tuple[MultiTaskModel, EvaluationTask]]:
    """Each task that is scored, with its model; one corpus is read after the other.

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
    """The tasks that are scored, with the data that they are scored on. Reads none of them.

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
    """The task with the data that it is scored on, which are there."""
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
    """Where a file lies in one of the folders: with as much of its path as is there, or its name alone.

    Raises:
        DataError: it is in none of them; `place` says whose data it is.
    """
    parts = [part for part in Path(source).parts if part != Path(source).anchor]
    for folder in folders:
        for start in range(len(parts)):
            if is_file(file := folder.joinpath(*parts[start:])):
                return str(file)
    where = " or ".join(map(str, folders))
    raise DataError(f"{place}: no {on_one_line(parts[-1])} in {where}; say where it is with --data TASK=FILE")
