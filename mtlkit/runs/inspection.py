"""Inspection of an experiment's model, by building it and running one batch of each task through it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mtlkit.data import Batch, TaskSplit
from mtlkit.embedders import Embedder
from mtlkit.encoders import Encoder
from mtlkit.experiment import (
    Corpora,
    Experiment,
    LoadedExperiment,
    experiment_of,
    load_corpora,
    make_vocabulary,
    read_vectors,
    stages_of,
    with_metrics_that_fit,
)
from mtlkit.kernels.compute import hand_down
from mtlkit.model import MultiTaskModel
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.runs.checks import check_experiment
from mtlkit.runs.new_model import new_model
from mtlkit.runs.processes import check_stages_shareable
from mtlkit.sharing import SharingScheme
from mtlkit.training import Optimization, Trainer, TrainerSettings, computing_as
from mtlkit.types import Say, silent


@dataclass(frozen=True)
class Part:
    """A part of the model that a task's batch goes through, and the shape of its output, with B texts and T words."""

    name: str
    shape: str


@dataclass(frozen=True)
class TaskInspection:
    """One task's way through the model. Its parameters are those that get a gradient from its loss."""

    name: str
    sizes: dict[str, int]
    path: list[Part]
    parameters: int
    shared_parameters: int
    """The number of the task's parameters that another task trains as well."""

    @property
    def private_parameters(self) -> int:
        """The number of the task's parameters that no other task trains."""
        return self.parameters - self.shared_parameters


@dataclass(frozen=True)
class Inspection:
    """The facts about a model that `check --data` reports."""

    tasks: list[TaskInspection]
    parameters: int
    steps_per_epoch: int
    state_bytes: int
    """The size of weights, gradients and the optimiser's state, in bytes."""
    activation_bytes: int
    """The size of what a batch of the longest texts saves for the backward pass, in bytes."""

    @property
    def memory_bytes(self) -> int:
        """The memory that training needs in addition to PyTorch and the data, in bytes."""
        return self.state_bytes + self.activation_bytes


def inspect_experiment(
    loaded: LoadedExperiment,
    device: torch.device,
    *,
    limit: int | None = None,
    say: Say = silent,
    ranks: Ranks = ONE,
) -> Inspection:
    """Reads the data, builds the model and runs a batch of each task forward and backward; trains nothing.

    For an experiment in stages, the first stage is inspected. Of several processes all call this function; each
    returns the memory that it needs itself.

    Args:
        loaded: the experiment.
        device: the device of the model.
        limit: the largest number of texts of each split; None for all.
        say: receives a line about each thing that is done.
        ranks: the processes that would train together.

    Raises:
        ConfigError, DataError: as for `train`, before its first step.
    """
    check_experiment(loaded.experiment, str(loaded.file))
    check_stages_shareable(loaded.experiment, ranks)
    experiment = experiment_of(loaded.experiment, stages_of(loaded.experiment)[0])
    with computing_as(experiment.trainer):  # so that measurements are those of training
        return _inspected(loaded, experiment, device, limit, say, ranks)


def _inspected(
    loaded: LoadedExperiment, experiment: Experiment, device: torch.device, limit: int | None, say: Say, ranks: Ranks
) -> Inspection:
    # The vocabulary is that of all stages.
    corpora = ranks.first_then_all(partial(load_corpora, loaded.experiment, limit=limit, say=say))
    with_metrics_that_fit(loaded.experiment, corpora, say)
    vectors = read_vectors(experiment, say)
    vocabulary = make_vocabulary(loaded.experiment, corpora, vectors, say)
    model = new_model(experiment, vocabulary, vectors, say).to(device)
    hand_down(model, replace(model.compute, ranks=ranks))
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}  # which a trainer may cut
    splits = {
        task: TaskSplit(
            task,
            corpus,
            vocabulary,
            columns=model.embedder(task).tables,
            costs=model.embedder(task).costs,
            device=device,
        )
        for task, corpus in corpora.of_split("train").items()
        if task in experiment.tasks
    }
    selection = experiment.trainer.selection.build(tasks=list(experiment.tasks))
    trainer = Trainer(model, splits, [], [], selection, experiment.trainer, experiment.seed)
    activations = _activation_bytes(model, _longest_batch(splits, experiment.trainer))
    tasks = _inspect_tasks(model, sizes, splits, corpora, trainer.optimization)
    return Inspection(
        tasks,
        sum(sizes.values()),
        trainer.steps_per_epoch,
        _state_bytes(model, trainer.optimization),
        activations,
    )


def _inspect_tasks(
    model: MultiTaskModel,
    sizes: Mapping[str, int],
    splits: dict[str, TaskSplit],
    corpora: Corpora,
    optimization: Optimization,
) -> list[TaskInspection]:
    paths: dict[str, list[Part]] = {}
    trained: dict[str, set[str]] = {}
    for task, split in splits.items():
        model.zero_grad(set_to_none=True)
        with _recorded_parts(model) as parts:
            optimization.backward(model.loss(split.batch(split.costs.argsort()[-2:])).total)
        head = model.head(task)
        paths[task] = [*parts, Part(f"{head.registered_name} head", "")]
        trained[task] = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    found = []
    for task, mine in trained.items():
        others = set().union(*(names for other, names in trained.items() if other != task))
        lengths = {split: len(corpus) for split, corpus in corpora.by_task[task].items()}
        all_mine, shared = (sum(sizes[name] for name in names) for names in (mine, mine & others))
        found.append(TaskInspection(task, lengths, paths[task], all_mine, shared))
    return found


@contextmanager
def _recorded_parts(model: MultiTaskModel) -> Iterator[list[Part]]:
    """Gives a list to which the parts that map whole sentences are added, in the order in which they finish."""
    parts: list[Part] = []

    def record(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            parts.append(Part(name, _shape(output)))

        return hook

    handles = [module.register_forward_hook(record(name)) for name, module in _sentence_modules(model)]
    try:
        yield parts
    finally:
        for handle in handles:
            handle.remove()


def _sentence_modules(model: MultiTaskModel) -> Iterator[tuple[str, nn.Module]]:
    """Embedders, the sharing scheme, and the encoders and recurrences in it that are not inside another one."""
    outer = ""
    for name, module in model.named_modules():
        if outer and name.startswith(outer):
            continue
        if isinstance(module, Embedder | Encoder | nn.RNNBase):
            outer = f"{name}."
            yield name, module
        elif isinstance(module, SharingScheme):
            yield f"{name} ({module.registered_name})", module


def _shape(output: Any) -> str:
    """The shape of a module's output as text, such as `(B, T, 100)`."""
    tensor = getattr(output, "states_BTD", output[0] if isinstance(output, tuple) else output)
    return f"(B, T, {tensor.shape[-1]})" if isinstance(tensor, Tensor) and tensor.dim() == 3 else ""


def _longest_batch(splits: dict[str, TaskSplit], settings: TrainerSettings) -> Batch:
    split = max(splits.values(), key=lambda candidate: int(candidate.costs.max()))
    size = settings.batch_size
    if settings.batch_tokens is not None:
        size = max(1, min(size, settings.batch_tokens // int(split.costs.max())))
    return split.batch(split.costs.argsort()[-size:])


def _activation_bytes(model: MultiTaskModel, batch: Batch) -> int:
    """The bytes that autograd keeps for the backward pass; each storage counts once, parameters do not count."""
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model.loss(batch.shared_by(model.compute.ranks))
    del loss
    return sum(kept.values())


def _state_bytes(model: MultiTaskModel, optimization: Optimization) -> int:
    for parameter in optimization.parameters:  # state appears with the first gradient, so all get one here
        parameter.grad = torch.zeros_like(parameter)
    optimization.apply()
    weights: int = sum(tensor.nbytes for tensor in model.state_dict().values())
    gradients = sum(parameter.nbytes for parameter in model.parameters())
    kept = [value for entry in optimization.optimizer.state.values() for value in entry.values()]
    state = sum(value.nbytes for value in kept if isinstance(value, Tensor))
    return weights + gradients + state
