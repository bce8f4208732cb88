"""Mistakes in trainers: settings that fit neither the data, nor the model, nor each other."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from mtlkit.config import Component
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import SearchableScheme, SharingScheme
from mtlkit.training import (
    SearchStrategy,
    Unfreezing,
    UpdateStrategy,
    build_records,
    freeze,
    group_parameters,
    named,
    parameters_by_role,
)


def trainer_problems(experiment: Experiment, place: str) -> Iterator[str]:
    trainer, tasks = experiment.trainer, experiment.tasks
    with_dev = [name for name, task in tasks.items() if "dev" in task.splits]
    if trainer.patience is not None and not with_dev:
        remedy = "set one's dev, or its resplit: { dev: N }, or leave it out"
        yield f"{place}.patience: has nothing to wait for, since no task has dev data; {remedy}"
    if trainer.test_every_epoch and not any("test" in task.splits for task in tasks.values()):
        remedy = "set one's test, or its resplit: { dev: N, test: M }, or leave it out"
        yield f"{place}.test_every_epoch: no task has test data; {remedy}"
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


def _strategy_problems(experiment: Experiment, place: str, with_dev: list[str]) -> Iterator[str]:
    lazy = experiment.trainer.update_strategy
    try:
        strategy = lazy.build()
    except ConfigError as error:
        yield f"{place}.update_strategy: {error}"
        return
    without = [name for name in experiment.tasks if name not in with_dev]
    if strategy.needs_dev and without:
        needs = f"'{lazy.type}' takes rewards on dev data, as it is set, which {', '.join(without)} does not have"
        yield f"{place}.update_strategy: {needs}; set the task's dev, or its resplit: {{ dev: N }}"


def search_problems(experiment: Experiment, sharing: SharingScheme, place: str) -> Iterator[str]:
    """Yields the problems of how the update strategy fits the sharing scheme and the data."""
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


def record_problems(experiment: Experiment, model: MultiTaskModel, place: str) -> Iterator[str]:
    """Yields the problems of records. The model's parameters must already be frozen as in training."""
    types: list[str] = []
    for number, lazy in enumerate(experiment.trainer.records):
        if lazy.type in types:
            yield f"{place}.records.{number}: '{lazy.type}' is there twice, and a line has it once; remove one of them"
        types.append(lazy.type)
        try:
            build_records(model, [lazy])
        except ConfigError as error:
            yield f"{place}.records.{number}: {error}"


def frozen_problems(experiment: Experiment, model: MultiTaskModel, place: str) -> Iterator[str]:
    try:
        freeze(model, experiment.trainer.frozen)
    except ConfigError as error:
        yield f"{place}.frozen{error}"
        return
    try:
        Unfreezing(model, experiment.trainer.unfreeze)
    except ConfigError as error:
        yield f"{place}.unfreeze{error}"


def optimizer_problems(experiment: Experiment, model: MultiTaskModel, place: str) -> Iterator[str]:
    """Yields a problem for each optimizer group without parameters. Frozen parameters of the model do not count."""
    trainer = experiment.trainer
    strategy = trainer.update_strategy.build()
    theta, phi = parameters_by_role(model, searches=strategy.searches)
    optimizers = [(f"{place}.optimizer", trainer.optimizer, theta)]
    if isinstance(strategy, SearchStrategy) and phi:
        optimizers.append((f"{place}.update_strategy.controller_optimizer", strategy.policy.optimizer, phi))
    for where, optimizer, parameters in optimizers:
        try:
            group_parameters(named(model, parameters), optimizer.build().groups)
        except ConfigError as error:
            yield f"{where}{error}"


def _names(interface: type[Component], chosen: Callable[[Any], bool]) -> str:
    """The names of the components of an interface that `chosen` accepts, for messages."""
    return ", ".join(name for name in interface.list_available() if chosen(interface.by_name(name)))
