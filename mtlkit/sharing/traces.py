"""Traces: what a sharing scheme reports about one batch, as one of four records, for reports and explanations.

Shapes: B batch, T time steps, N sources, L layers, K tasks, S steps of a path (or the size of an embedding), A actions:
a number for each module, and Stop as the last one.
"""

from dataclasses import dataclass
from typing import TypeAlias, final

from torch import Tensor

from mtlkit.sharing.selectors import ModulePath


@final
@dataclass(frozen=True)
class WordTrace:
    """How much each word took of each source: attention weights, or gates, which need not sum to 1.

    All tensors are detached, so that a kept trace holds no graph.
    """

    weights_BTN: Tensor
    """Not negative. Rows at padding are arbitrary; where the sources are positions, padded positions have weight 0."""

    senders: tuple[str, ...] | None
    """The tasks along the last axis; None where that axis is the positions of the text, with N = T."""

    backward_BTN: Tensor | None = None
    """`weights_BTN` of the network that reads from right to left, if there is one. Both axes are in reading order."""

    gates_BT: Tensor | None = None
    """How far each word's state was opened to what it took: the mean of the gate over its units, from 0 to 1; None
    where there is no gate beside the weights."""

    backward_gates_BT: Tensor | None = None
    """`gates_BT` of the network that reads from right to left, in reading order."""


@final
@dataclass(frozen=True)
class PathTrace:
    """The modules that the whole batch went through, and the probability of each choice."""

    modules: ModulePath
    """The path, without Stop."""

    policy_SA: Tensor | None
    """`PoolSelector.policy` along the path, detached; None where the selector has no policy."""

    embedding_S: Tensor | None = None
    """`PoolSelector.embedding` of the task, detached; None where the selector learns none."""


@final
@dataclass(frozen=True)
class MixtureTrace:
    """How much the batch's task takes of each task's states after each layer, the same for every text."""

    weights_LK: Tensor
    """Mixing coefficients, of any sign, detached."""

    tasks: tuple[str, ...]
    """The tasks along the last axis."""


@final
@dataclass(frozen=True)
class GuessTrace:
    """The task that a discriminator takes each text to be from, judging by its shared states."""

    probabilities_BK: Tensor
    """The probability of each task, detached."""

    tasks: tuple[str, ...]
    """The tasks along the last axis."""


Trace: TypeAlias = WordTrace | PathTrace | MixtureTrace | GuessTrace
"""The four kinds of trace. There are no others, so that reports can show the sharing schemes of any plugin."""
