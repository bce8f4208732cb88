"""Whether a model computes finite values, where only its decisions are used.

Shapes: B texts, T words, D state size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn

from mtlkit.data import Text
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import Shared


@final
class Finiteness:
    """Watches the values that a model computes while it decides: the states of words, and a head's linear layers.

    Decisions alone do not show this: the label of a row of NaN scores is a valid label.
    """

    def __init__(self) -> None:
        self._seen: list[Tensor] = []

    def __bool__(self) -> bool:
        """Whether all values so far have been finite."""
        return not self._seen or bool(torch.stack(self._seen).all())

    def see_states(self, model: nn.Module, inputs: tuple[Text, str], shared: Shared) -> None:
        """A forward hook for the model, which checks the states; those at padding do not count."""
        finite_BT = shared.states_BTD.isfinite().all(dim=-1)
        self._seen.append((finite_BT | ~inputs[0].mask_BT).all())

    def see_scores(self, layer: nn.Module, inputs: Any, scores: Tensor) -> None:
        """A forward hook for a linear layer, which checks its output."""
        self._seen.append(scores.isfinite().all())


@contextmanager
def watching(model: MultiTaskModel, task: str) -> Iterator[Finiteness]:
    """Watches the model while it decides for texts of a task inside the block, without synchronising a GPU."""
    seen = Finiteness()
    layers = [part for part in model.head(task).modules() if isinstance(part, nn.Linear)]
    hooks = [model.register_forward_hook(seen.see_states)]
    hooks += [layer.register_forward_hook(seen.see_scores) for layer in layers]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
