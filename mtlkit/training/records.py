"""Records: what is written down of the sharing after each epoch, to `sharing.jsonl`."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import torch
from torch import Tensor

from mtlkit.config import Component, Runtime
from mtlkit.data import TaskSplit
from mtlkit.errors import ConfigError
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import Trace
from mtlkit.sharing.summaries import summarise
from mtlkit.types import Pattern, PositiveInt


class Record(Component, offers=("tasks", "parameters")):
    """Computes facts about the model after each epoch, which are written to `sharing.jsonl` under the record's name.

    Given at build: `tasks`, their names; `parameters`, the names of the trained parameters, as in a checkpoint.
    """

    @abstractmethod
    def observe(self, model: MultiTaskModel, splits: Mapping[str, TaskSplit]) -> Any:
        """Returns the facts at this moment, which must depend on nothing but the weights and the data.

        Training continues as if this had not been called: random generators and the mode of every module are put back,
        and it must leave weights and their `grad` alone.

        Args:
            model: in evaluation mode; precision is set.
            splits: the dev data of each task, or its training data where it has none; in the experiment's order.

        Returns:
            Mappings, lists, strings and numbers, as JSON has them; tuples become lists, and a number that is not
            finite becomes null. None if there is nothing to record; the line then lacks the entry.
        """


def spread_out(split: TaskSplit, size: int) -> Tensor:
    """Places of at most `size` texts (int64, on the CPU), short ones first.

    They lie at equal distances in the file, since files are often in the order of their labels; so they are the same
    after every epoch, and nothing is drawn.
    """
    count = min(size, len(split))
    places = torch.arange(count) * len(split) // max(count, 1)
    return places[torch.argsort(split.lengths[places], stable=True)]


BATCH = 16
"""Texts that are traced at once; they are of like lengths."""


@final
@Record.register("sharing")
class SharingRecord(Record):
    """How much each task took from which source, on average over some texts; nothing for schemes without traces.

    texts: looked at of each task, at most. One is enough where what is shared is the same for all texts, such as a path
        through a pool.
    """

    def __init__(self, texts: PositiveInt = 32) -> None:
        self.texts = texts

    def observe(self, model: MultiTaskModel, splits: Mapping[str, TaskSplit]) -> Any:
        with torch.inference_mode():
            found = {task: summarise(self._traces(model, split), task) for task, split in splits.items()}
        return {task: summary.to_json() for task, summary in found.items() if summary is not None} or None

    def _traces(self, model: MultiTaskModel, split: TaskSplit) -> Iterator[tuple[Trace, Tensor]]:
        """Yields the traces of the chosen texts in batches, and the words of each.

        The shortest text comes alone, since `summarise` takes only the first trace of paths and mixtures.
        """
        places = spread_out(split, self.texts)
        batches = (places[:1], *torch.split(places[1:], BATCH))
        for indices_B in filter(len, batches):
            text = split.batch(indices_B).text
            if (trace := model(text, split.task, with_trace=True).trace) is None:
                return
            yield trace, text.mask_BT


@final
@dataclass(frozen=True)
class Cosines:
    """The cosine of the gradients of each two tasks, as a line of `sharing.jsonl` has them."""

    tasks: tuple[str, ...]
    cosines: tuple[tuple[float | None, ...], ...]
    """A row and a column for each task; None, or NaN before it is written, where two tasks have no parameter in common,
    or a gradient is not finite."""


@final
@Record.register("gradient_cosine")
class GradientCosine(Record):
    """The cosine of the gradients of each pair of tasks, on one fixed batch each: 1 if they agree, -1 if opposed.

    It is taken over the parameters that both losses depend on, without dropout, and of the loss that is minimised, with
    what the sharing scheme adds to it. Where there are paths, each task is on its best one. The line has `tasks` and a
    row of `cosines` for each of them; null where two tasks have no parameter in common.

    pattern: a regular expression; parameters in whose names it is found are compared.
    texts: most texts that each task's gradient is computed on.

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
        return asdict(Cosines(tuple(splits), tuple(map(tuple, _cosines(gradients).tolist()))))

    def _gradients(self, model: MultiTaskModel, split: TaskSplit) -> dict[str, Tensor]:
        """The gradient of the task's loss with respect to each parameter that it depends on, by the parameter's
        name.
        """
        known = dict(model.named_parameters())
        batch = split.batch(spread_out(split, self.texts))
        with torch.backends.cudnn.flags(enabled=False):  # cuDNN's LSTM has no backward pass in evaluation mode
            loss = model.loss(batch).total
            if not loss.requires_grad:
                return {}
            names = [name for name in self.names if known[name].requires_grad]  # some may be frozen in this epoch
            found = torch.autograd.grad(loss, [known[name] for name in names], allow_unused=True) if names else ()
        return {name: gradient for name, gradient in zip(names, found, strict=True) if gradient is not None}


def _cosines(gradients: list[dict[str, Tensor]]) -> Tensor:
    """Cosines (K, K) of the tasks' gradients, each over the parameters that both tasks have; NaN where they share
    none.
    """
    count = len(gradients)
    products_KK = torch.zeros(count, count, dtype=torch.float64)
    squares_KK = torch.zeros_like(products_KK)
    """Row k, column l: the squared norm of task k's gradient over the parameters that it shares with task l."""
    for name in dict.fromkeys(name for each in gradients for name in each):
        having = [task for task in range(count) if name in gradients[task]]
        rows_GP = torch.stack([gradients[task][name].flatten().double() for task in having])
        products_GG = (rows_GP @ rows_GP.T).cpu()
        place = torch.tensor(having)
        products_KK[place.unsqueeze(1), place] += products_GG
        squares_KK[place.unsqueeze(1), place] += products_GG.diagonal().unsqueeze(1)
    return products_KK / (squares_KK * squares_KK.T).sqrt()
