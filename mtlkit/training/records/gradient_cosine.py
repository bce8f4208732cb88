"""Whether tasks pull the parameters that they share in the same direction.

Shapes: K tasks, P numbers of a parameter, G tasks whose loss depends on it.
"""

import re
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from mtlkit.config import Runtime
from mtlkit.data import TaskSplit
from mtlkit.errors import ConfigError
from mtlkit.model import MultiTaskModel
from mtlkit.training.records.record import Record
from mtlkit.training.records.samples import spread_out
from mtlkit.types import Pattern, PositiveInt


@final
@Record.register("gradient_cosine")
class GradientCosine(Record):
    """The cosine of each two tasks' gradients of one fixed batch each: 1 they agree, -1 one undoes what the other does.

    It is taken over the parameters that both losses depend on, without dropout, and of the loss that is minimised, with
    what the sharing scheme adds to it. Where there are paths, each task is on its best one. The line has `tasks` and a
    row of `cosines` for each of them; null where two tasks have no parameter in common.

    pattern: parameters that count: those in whose names it is found.
    texts: of a task's batch, at most.

    Raises:
        ConfigError: there is only one task, or the pattern is found in the name of no parameter that is trained.
    """

    def __init__(
        self,
        pattern: Pattern = r"^sharing\.",
        texts: PositiveInt = 32,
        *,
        tasks: Runtime[list[str]],
        parameters: Runtime[list[str]],
    ) -> None:
        if len(tasks) < 2:
            raise ConfigError(
                f"compares the gradients of tasks, and '{tasks[0]}' is the only one; leave the record out, or give a "
                "second task"
            )
        self.names = [name for name in parameters if re.search(pattern, name)]
        if not self.names:
            roots = ", ".join(dict.fromkeys(".".join(name.split(".")[:2]) for name in parameters))
            raise ConfigError(f"pattern: no trained parameter is named like '{pattern}' (names begin with {roots})")
        self.texts = texts

    def observe(self, model: MultiTaskModel, splits: Mapping[str, TaskSplit]) -> Any:
        gradients = [self._gradients(model, split) for split in splits.values()]
        return {"tasks": list(splits), "cosines": _cosines(gradients).tolist()}

    def _gradients(self, model: MultiTaskModel, split: TaskSplit) -> dict[str, Tensor]:
        """By name, of the parameters that the task's loss depends on."""
        known = dict(model.named_parameters())
        batch = split.batch(spread_out(split, self.texts))
        with torch.backends.cudnn.flags(enabled=False):  # it has no way back in evaluation mode
            loss = model.loss(batch).total
            if not loss.requires_grad:
                return {}
            found = torch.autograd.grad(loss, [known[name] for name in self.names], allow_unused=True)
        return {name: gradient for name, gradient in zip(self.names, found, strict=True) if gradient is not None}


def _cosines(gradients: list[dict[str, Tensor]]) -> Tensor:
    """(K, K), each over the parameters that both have; NaN where there are none."""
    count = len(gradients)
    products_KK = torch.zeros(count, count, dtype=torch.float64)
    squares_KK = torch.zeros_like(products_KK)
    """In row k and column l the square of k's gradient, over what it has in common with l."""
    for name in dict.fromkeys(name for each in gradients for name in each):
        having = [task for task in range(count) if name in gradients[task]]
        rows_GP = torch.stack([gradients[task][name].flatten().double() for task in having])
        products_GG = (rows_GP @ rows_GP.T).cpu()
        place = torch.tensor(having)
        products_KK[place.unsqueeze(1), place] += products_GG
        squares_KK[place.unsqueeze(1), place] += products_GG.diagonal().unsqueeze(1)
    return products_KK / (squares_KK * squares_KK.T).sqrt()
