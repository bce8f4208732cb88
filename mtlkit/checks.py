"""What can be wrong with a valid experiment before any data are read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import torch

from mtlkit.config import Component, nearest
from mtlkit.data import DatasetReader, Vectors, Vocabulary
from mtlkit.errors import ConfigError, MtlkitError
from mtlkit.experiment import Experiment, TaskSettings, build_model
from mtlkit.models import MultiTaskModel
from mtlkit.sharing import SearchableScheme, SharingScheme
from mtlkit.stages import TaskPaths, experiment_of, stages_of, tasks_of
from mtlkit.training import StageSettings, UpdateStrategy, freeze, taken_over

T = TypeVar("T")

TARGETS = {"label": "one label per text", "tags": "one tag per word"}


def check_experiment(experiment: Experiment, file: str) -> None:
    """Checks how the parts fit each other and the tasks, that every file is there, and that nothing is set in vain.

    Of data it reads the first line of a file of vectors, for their size.

    Raises:
        ConfigError: with every error in it.
    """
    problems = [*_task_problems(experiment), *_vector_problems(experiment), *_stage_problems(experiment)]
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in dict.fromkeys(problems)))


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


def _stage_problems(experiment: Experiment) -> Iterator[str]:
    """Each stage's trainer and model, and how they follow from the stage before."""
    paths: TaskPaths | None = None
    before: _Checked | None = None
    if experiment.stages and (wrong := [*_task_list_problems(experiment)]):
        yield from wrong
        return
    for number, stage in enumerate(stages_of(experiment)):
        place = f"stages.{number}." if experiment.stages else ""
        if wrong := [*_derivation_problems(experiment, stage, place, before)]:
            yield from wrong
            return
        if stage.derive is not None:  # which paths these will be is not known, and does not matter here
            paths = dict.fromkeys(tasks_of(experiment, stage), (0,))
        if stage.sharing is not None:
            paths = None
        trained = experiment_of(experiment, stage, paths)
        problems: list[str] = [*_trainer_problems(trained, f"{place}trainer")]
        model = _built_model(trained, problems, f"{place}sharing" if stage.sharing else "model.sharing")
        if model is not None:
            problems += _search_problems(trained, model.sharing, f"{place}trainer")
            problems += _frozen_problems(trained, model, f"{place}trainer")
        yield from problems
        if model is None or problems:
            return
        yield from _keep_problems(stage, place, model, before)
        before = _Checked(trained, model)


@dataclass(frozen=True)
class _Checked:
    """A stage's experiment, and its model without memory for parameters."""

    experiment: Experiment
    model: MultiTaskModel


def _task_list_problems(experiment: Experiment) -> Iterator[str]:
    known = list(experiment.tasks)
    for number, stage in enumerate(experiment.stages):
        for name in stage.tasks or ():
            if name not in known:
                hint = nearest(name, known) or f" (the tasks: {', '.join(known)})"
                yield f"stages.{number}.tasks: no task is named '{name}'{hint}"
    trained = {task for stage in experiment.stages for task in tasks_of(experiment, stage)}
    if left_out := [name for name in known if name not in trained]:
        yield f"stages: none of them trains {', '.join(left_out)}; name the task in a stage's tasks, or remove it"


def _derivation_problems(
    experiment: Experiment, stage: StageSettings, place: str, before: _Checked | None
) -> Iterator[str]:
    if stage.derive is None:
        return
    if before is None:
        yield f"{place}derive: no stage before this one has searched; remove it, or put a search first"
        return
    if stage.sharing is not None:
        yield f"{place}derive: paths are for the model's own scheme, not for the stage's; remove one of the two"
    scheme, tasks = before.experiment.model.sharing, tasks_of(experiment, stage)
    if not issubclass(scheme.component, SearchableScheme):
        yield f"{place}derive: the sharing scheme '{scheme.type}' has no paths; remove it, or take a scheme with paths"
    if new := [task for task in tasks if task not in before.experiment.tasks]:
        yield f"{place}derive: the stage before has searched no path for {', '.join(new)}; give both the same tasks"
    without = [task for task in tasks if experiment.tasks[task].dev is None]
    if stage.derive.component.needs_dev and without:
        yield (
            f"{place}derive: '{stage.derive.type}' scores paths on dev data, which {', '.join(without)} has not got; "
            "set the task's dev"
        )


def _keep_problems(stage: StageSettings, place: str, model: MultiTaskModel, before: _Checked | None) -> Iterator[str]:
    if before is None:
        if stage.keep is not None:
            yield f"{place}keep: there is no stage before this one; remove it"
        return
    selection = before.experiment.trainer.selection
    built = selection.build(tasks=list(before.experiment.tasks))
    if stage.keep != [] and len({built.weights_for(task) for task in before.experiment.tasks}) > 1:
        yield (
            f"{place}keep: the stage before keeps weights for each task by itself ('{selection.type}'), so there is no "
            "one model to go on with; give it another selection, or begin anew with keep: []"
        )
    try:
        taken_over(model, before.model.state_dict(), stage.keep)
    except ConfigError as error:
        yield f"{place}keep.{error}"


def _trainer_problems(experiment: Experiment, place: str) -> Iterator[str]:
    trainer, tasks = experiment.trainer, experiment.tasks
    with_dev = [name for name, task in tasks.items() if task.dev is not None]
    if trainer.patience is not None and not with_dev:
        yield f"{place}.patience: has nothing to wait for, since no task has dev data; set one's dev or leave it out"
    if trainer.test_every_epoch and not any(task.test is not None for task in tasks.values()):
        yield f"{place}.test_every_epoch: no task has test data; set one's test or leave it out"
    for index, logger in enumerate(trainer.loggers):
        for package in logger.component.needs:
            if find_spec(package) is None:
                remedy = f"run: pip install 'mtlkit[{logger.type}]'"
                yield f"{place}.loggers.{index}: '{logger.type}' needs the package {package}; {remedy}"
    yield from _strategy_problems(experiment, place, with_dev)
    try:
        selection = trainer.selection.build(tasks=list(tasks))
    except ConfigError as error:
        yield f"{place}.selection: {error}"
    else:
        if with_dev and not selection.scores(dict.fromkeys(with_dev, 0.0)):
            yield f"{place}.selection: takes no task with dev data into account ({', '.join(with_dev)} have some)"


def _frozen_problems(experiment: Experiment, model: MultiTaskModel, place: str) -> Iterator[str]:
    try:
        freeze(model, experiment.trainer.frozen)
    except ConfigError as error:
        yield f"{place}.frozen{error}"


def _strategy_problems(experiment: Experiment, place: str, with_dev: list[str]) -> Iterator[str]:
    lazy = experiment.trainer.update_strategy
    try:
        strategy = lazy.build()
    except ConfigError as error:
        yield f"{place}.update_strategy: {error}"
        return
    without = [name for name in experiment.tasks if name not in with_dev]
    if strategy.needs_dev and without:
        needs = f"'{lazy.type}' takes rewards on dev data, as it is set, which {', '.join(without)} has not got"
        yield f"{place}.update_strategy: {needs}; set the task's dev"


def _built_model(experiment: Experiment, problems: list[str], sharing_place: str) -> MultiTaskModel | None:
    """The model without memory for its parameters, over a vocabulary of one word; or None, and what is wrong with it
    is added to `problems`."""
    vocabulary = Vocabulary.of(
        words=["a"],
        characters=["a"],
        labels={name: ["O", "B-X", "I-X"] for name in experiment.tasks},
        lowercase=experiment.vocabulary.lowercase,
    )
    settings = experiment.model
    found: list[str] = []
    embedder = _built(
        "model.embedder",
        lambda: settings.embedder.build(vocabulary=vocabulary, vectors=_first_vector(experiment)),
        found,
    )
    if embedder is not None:  # whether a scheme can be built may hang on the size of its input
        _built(
            sharing_place,
            lambda: settings.sharing.build(input_dim=embedder.output_dim, tasks=list(experiment.tasks)),
            found,
        )
    model = None if found else _built("model", lambda: build_model(experiment, vocabulary, None), found)
    problems += found
    return model


def _search_problems(experiment: Experiment, sharing: SharingScheme, place: str) -> Iterator[str]:
    """How the update strategy fits the scheme and the data."""
    lazy, scheme = experiment.trainer.update_strategy, experiment.model.sharing.type
    strategy = lazy.component
    if strategy.searches and not isinstance(sharing, SearchableScheme):
        with_paths = _names(SharingScheme, lambda other: issubclass(other, SearchableScheme))
        yield (
            f"{place}.update_strategy: '{lazy.type}' searches for paths, and the sharing scheme '{scheme}' has none; "
            f"take another strategy, such as 'joint', or a scheme with paths ({with_paths})"
        )
    if not strategy.searches and isinstance(sharing, SearchableScheme) and sharing.search_parameters():
        searching = _names(UpdateStrategy, lambda other: other.searches)
        yield (
            f"{place}.update_strategy: '{lazy.type}' would never train what chooses the paths of '{scheme}'; take one "
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
