"""What a sharing scheme can tell of one batch: one of four records, for whoever draws or explains it.

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
    """How much each word took of each source: attention, or gates, which need not sum to 1; detached, not negative."""

    weights_BTN: Tensor
    """Rows at padding mean nothing; where the sources are positions, padded ones have 0."""

    senders: tuple[str, ...] | None
    """The tasks that the last axis counts; None: it counts the positions of the text, and N = T."""

    backward_BTN: Tensor | None = None
    """The same of the network that reads from right to left, if there is one, in reading order on both axes."""

    gates_BT: Tensor | None = None
    """How far each word's state was opened to what it took: the mean over its units, from 0 to 1, detached; None where
    there is no gate beside the weights."""

    backward_gates_BT: Tensor | None = None
    """The same of the network that reads from right to left, in reading order."""


@final
@dataclass(frozen=True)
class PathTrace:
    """The modules that the whole batch went through, and how sure the choice of each was."""

    modules: ModulePath

    policy_SA: Tensor | None
    """`PoolSelector.policy` along the path, detached; None where nothing was chosen by chance."""

    embedding_S: Tensor | None = None
    """`PoolSelector.embedding` of the task, detached; None where nothing is learned about it."""


@final
@dataclass(frozen=True)
class MixtureTrace:
    """How much the batch's task took of each task's states after each layer, whatever the text; detached."""

    weights_LK: Tensor
    """Coefficients of any sign."""

    tasks: tuple[str, ...]


@final
@dataclass(frozen=True)
class GuessTrace:
    """What each text's shared states tell of the task that it is from: what a discriminator takes it for; detached."""

    probabilities_BK: Tensor

    tasks: tuple[str, ...]


Trace: TypeAlias = WordTrace | PathTrace | MixtureTrace | GuessTrace
"""The family is closed, so that a scheme or communicator of a plugin is shown without code of its own."""
