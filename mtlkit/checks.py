"""What can be wrong with a valid experiment before any data are read."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import torch

from mtlkit.config import Component
from mtlkit.data import DatasetReader, Vectors, Vocabulary
from mtlkit.errors import ConfigError, MtlkitError
from mtlkit.experiment import Experiment, TaskSettings, build_model
from mtlkit.sharing import SearchableScheme, SharingScheme
from mtlkit.training import UpdateStrategy

T = TypeVar("T")

TARGETS = {"label": "one label per text", "tags": "one tag per word"}


def check_experiment(experiment: Experiment, file: str) -> None:
    """Checks how the parts fit each other and the tasks, that every file is there, and that nothing is set in vain.

    Of data it reads the first line of a file of vectors, for their size.

    Raises:
        ConfigError: with every error in it.
    """
    problems = [
        *_task_problems(experiment),
        *_vector_problems(experiment),
        *_trainer_problems(experiment),
        *_model_problems(experiment),
    ]
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in problems))


def _task_problems(experiment: Experiment) -> Iterator[str]:
    for name, task in experiment.tasks.items():
        place = f"tasks.{name}"
        try:
            reader = task.reader.build()
        except MtlkitError as error:
            yield f"{place}.reader: {error}"
            continue
        yield from _target_problems(place, task, reader)
        yield from _file_problems(place, task, reader)


def _target_problems(place: str, task: TaskSettings, reader: DatasetReader) -> Iterator[str]:
    given = f"the reader '{task.reader.type}' gives {TARGETS[reader.target_kind]}"
    head = task.head.component
    if head.target_kind != reader.target_kind:
        yield f"{place}.head: '{task.head.type}' needs {TARGETS[head.target_kind]}, {given}"
    for index, metric in enumerate(task.metrics):
        wanted = metric.component.target_kind
        if wanted != reader.target_kind:
            yield f"{place}.metrics.{index}: '{metric.type}' scores {TARGETS[wanted]}, {given}"


def _file_problems(place: str, task: TaskSettings, reader: DatasetReader) -> Iterator[str]:
    for split, source in task.sources().items():
        try:
            missing = [path for path in reader.files(source) if not path.is_file()]
        except MtlkitError as error:
            yield f"{place}.{split}: {error}"
            continue
        if missing and not reader.fetches:
            yield f"{place}.{split}: {_missing(missing[0])}"


def _vector_problems(experiment: Experiment) -> Iterator[str]:
    pretrained = experiment.vocabulary.pretrained
    if pretrained is not None and not pretrained.is_file():
        yield f"vocabulary.pretrained: {_missing(pretrained)}"


def _missing(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a directory; name a file in it"
    return f"no file {path}; give a path from the current folder ({Path.cwd()})"


def _trainer_problems(experiment: Experiment) -> Iterator[str]:
    trainer, tasks = experiment.trainer, experiment.tasks
    with_dev = [name for name, task in tasks.items() if task.dev is not None]
    if trainer.patience is not None and not with_dev:
        yield "trainer.patience: has nothing to wait for, since no task has dev data; set one's dev or leave it out"
    if trainer.test_every_epoch and not any(task.test is not None for task in tasks.values()):
        yield "trainer.test_every_epoch: no task has test data; set one's test or leave it out"
    for index, logger in enumerate(trainer.loggers):
        for package in logger.component.needs:
            if find_spec(package) is None:
                remedy = f"run: pip install 'mtlkit[{logger.type}]'"
                yield f"trainer.loggers.{index}: '{logger.type}' needs the package {package}; {remedy}"
    yield from _strategy_problems(experiment, with_dev)
    try:
        selection = trainer.selection.build(tasks=list(tasks))
    except ConfigError as error:
        yield f"trainer.selection: {error}"
    else:
        if with_dev and not selection.scores(dict.fromkeys(with_dev, 0.0)):
            yield f"trainer.selection: takes no task with dev data into account ({', '.join(with_dev)} have some)"


def _strategy_problems(experiment: Experiment, with_dev: list[str]) -> Iterator[str]:
    lazy = experiment.trainer.update_strategy
    try:
        strategy = lazy.build()
    except ConfigError as error:
        yield f"trainer.update_strategy: {error}"
        return
    without = [name for name in experiment.tasks if name not in with_dev]
    if strategy.needs_dev and without:
        needs = f"'{lazy.type}' takes rewards on dev data, as it is set, which {', '.join(without)} has not got"
        yield f"trainer.update_strategy: {needs}; set the task's dev"


def _model_problems(experiment: Experiment) -> Iterator[str]:
    """Builds the parts of the model without memory for their parameters, over a vocabulary of one word."""
    vocabulary = Vocabulary.of(
        words=["a"],
        characters=["a"],
        labels={name: ["O", "B-X", "I-X"] for name in experiment.tasks},
        lowercase=experiment.vocabulary.lowercase,
    )
    settings = experiment.model
    problems: list[str] = []
    embedder = _built(
        "model.embedder",
        lambda: settings.embedder.build(vocabulary=vocabulary, vectors=_first_vector(experiment)),
        problems,
    )
    if embedder is not None:  # whether a scheme can be built may hang on the size of its input
        sharing = _built(
            "model.sharing",
            lambda: settings.sharing.build(input_dim=embedder.output_dim, tasks=list(experiment.tasks)),
            problems,
        )
        if sharing is not None:
            problems += _search_problems(experiment, sharing)
    if not problems:
        _built("model", lambda: build_model(experiment, vocabulary, None), problems)
    yield from problems


def _search_problems(experiment: Experiment, sharing: SharingScheme) -> Iterator[str]:
    """How the update strategy fits the scheme and the data."""
    lazy, scheme = experiment.trainer.update_strategy, experiment.model.sharing.type
    strategy = lazy.component
    if strategy.searches and not isinstance(sharing, SearchableScheme):
        with_paths = _names(SharingScheme, lambda other: issubclass(other, SearchableScheme))
        yield (
            f"trainer.update_strategy: '{lazy.type}' searches for paths, and the sharing scheme '{scheme}' has none; "
            f"take another strategy, such as 'joint', or a scheme with paths ({with_paths})"
        )
    if not strategy.searches and isinstance(sharing, SearchableScheme) and sharing.search_parameters():
        searching = _names(UpdateStrategy, lambda other: other.searches)
        yield (
            f"trainer.update_strategy: '{lazy.type}' would never train what chooses the paths of '{scheme}'; take one "
            f"that searches ({searching}), or a selector that has nothing to learn"
        )


def _names(interface: type[Component], chosen: Callable[[Any], bool]) -> str:
    """Which components of an interface are of some kind."""
    return ", ".join(name for name in interface.list_available() if chosen(interface.by_name(name)))


def _built(place: str, build: Callable[[], T], problems: list[str]) -> T | None:
    """The part on the meta device; or None, and what is wrong with it is added to `problems`."""
    try:
        with torch.device("meta"):
            return build()
    except MtlkitError as error:
        problems.append(f"{place}: {error}")
        return None


def _first_vector(experiment: Experiment) -> Vectors | None:
    """The first of the pretrained vectors, which tells how long they are."""
    pretrained = experiment.vocabulary.pretrained
    if pretrained is None or not pretrained.is_file():
        return None
    first = Vectors.read(pretrained, limit=1)
    return Vectors(["no such word in the vocabulary"], first.matrix)
