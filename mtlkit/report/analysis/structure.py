"""What tasks share by construction: which parameters of the sharing scheme their states are computed with.

Shapes: B texts, T words, E input size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch

from mtlkit.data import Vocabulary
from mtlkit.experiment import Experiment
from mtlkit.kernels.compute import Compute, hand_down
from mtlkit.report.analysis.strengths import Strengths, between_tasks
from mtlkit.sharing import Shared, SharingScheme


@final
@dataclass(frozen=True)
class Structure:
    """The parameters of a scheme by name, and those that serve each task."""

    sizes: Mapping[str, int]
    serving: Mapping[str, frozenset[str]]
    """The names of the parameters that each task's states send a gradient to."""
    is_all: bool
    """Whether that is all there is to know; otherwise the scheme's traces tell what it has learned to share."""

    def serve(self, *tasks: str) -> int:
        """The number of parameters that serve all of these tasks."""
        return sum(self.sizes[name] for name in frozenset.intersection(*(self.serving[task] for task in tasks)))

    def shared(self, task: str) -> int:
        """The number of the task's parameters that serve another task too."""
        others = frozenset().union(*(names for other, names in self.serving.items() if other != task))
        return sum(self.sizes[name] for name in self.serving[task] & others)


def structure_of(experiment: Experiment) -> Structure:
    """Builds the scheme again and sends one short text of each task forward and backward through it; needs no data, and
    leaves PyTorch's random state as it is."""
    tasks, settings = list(experiment.tasks), experiment.model
    vocabulary = Vocabulary.of(["word"], ["w"], {task: ["O", "B-x", "I-x"] for task in tasks})
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        embedder = settings.embedder.build(vocabulary=vocabulary, vectors=None, fresh=False, tasks=tasks)
        input_dim = embedder.output_dim
        scheme = settings.sharing.build(input_dim=input_dim, tasks=tasks, embedder=embedder)
        hand_down(scheme, Compute("pure"))  # two words are not worth a compiler, and gradients reach the same parts
        serving = {task: _serving(scheme, task, input_dim) for task in tasks}
        is_all = _run(scheme, tasks[0], input_dim, with_trace=True).trace is None
    return Structure({name: parameter.numel() for name, parameter in scheme.named_parameters()}, serving, is_all)


SHARE = "an arrow points at the task whose share it is"


def structural_strengths(structure: Structure) -> Strengths:
    """The share of a task's parameters in the scheme that serves the other task too, for each two tasks."""
    tasks = tuple(structure.serving)
    found = {
        one: {other: structure.serve(one, other) / (structure.serve(one) or 1) for other in tasks} for one in tasks
    }
    symmetric = all(found[one][other] == found[other][one] for one in tasks for other in tasks)
    title = "Which parameters tasks have in common"
    return between_tasks("parameters-in-common", title, found, "shares with", SHARE, symmetric=symmetric)


def _serving(scheme: SharingScheme, task: str, input_dim: int) -> frozenset[str]:
    trained = {name: parameter for name, parameter in scheme.named_parameters() if parameter.requires_grad}
    total = _run(scheme, task, input_dim).states_BTD.sum()
    gradients = torch.autograd.grad(total, list(trained.values()), allow_unused=True) if trained else ()
    return frozenset(name for name, gradient in zip(trained, gradients, strict=True) if gradient is not None)


def _run(scheme: SharingScheme, task: str, input_dim: int, *, with_trace: bool = False) -> Shared:
    """Runs the scheme on one text of two words."""
    states_BTE, mask_BT = torch.ones(1, 2, input_dim, requires_grad=True), torch.ones(1, 2, dtype=torch.bool)
    shared: Shared = scheme(states_BTE, mask_BT, task, with_trace=with_trace)
    return shared
