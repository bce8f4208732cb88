"""The progress of a trainer, as a checkpoint keeps it: its counters, and the states of its parts."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self, final

import torch
from torch import Tensor

from mtlkit.training.optimization import is_finite


@final
@dataclass
class Progress:
    """What a trainer counts while it trains: everything that a checkpoint keeps of it beside the states of its parts.

    The fields are the keys of a checkpoint, so that a field added here is saved and restored without a further line.
    """

    epoch: int = 0
    """Epochs that are over."""
    step: int = 0
    """Optimizer steps taken in all epochs."""
    step_in_epoch: int = 0
    """Steps taken in the current epoch: the place in its plan."""
    best: dict[str, float] = field(default_factory=dict)
    """The best score so far of each set of weights of the model selection."""
    stalled_epochs: int = 0
    """Epochs since any of these scores improved."""
    loss_sums: dict[str, Tensor] = field(default_factory=dict)
    """The sum of each task's losses in the current epoch. It stays on the device: reading a loss at every step would
    make each step wait for the one before."""
    loss_counts: dict[str, int] = field(default_factory=dict)
    """The number of losses in each sum."""
    work: Counter[str] = field(default_factory=Counter)
    """What the steps of the current epoch have processed, such as `tokens`, by name."""

    def state_dict(self) -> dict[str, Any]:
        """The fields by name, as values that a checkpoint can hold; later steps do not change them."""
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: dict(value) if isinstance(value, dict) else value for name, value in state.items()}

    @classmethod
    def of_state(cls, state: Mapping[str, Any], device: torch.device) -> Self:
        """The progress that a checkpoint holds, with its losses on `device`. Other keys of `state` are ignored.

        Raises:
            LookupError: a field is missing. Checkpoints of every version have all that there are so far.
        """
        known: dict[str, Any] = {each.name: state[each.name] for each in fields(cls)}
        own: dict[str, Any] = {name: dict(each) if isinstance(each, dict) else each for name, each in known.items()}
        progress = cls(**own)
        progress.work = Counter(progress.work)
        progress.loss_sums = {task: total.to(device) for task, total in progress.loss_sums.items()}
        return progress

    def add_step(self, losses: Sequence[tuple[str, Tensor]], work: Mapping[str, int], *, finite_only: bool) -> None:
        """Counts one step: the loss of each of its batches, by task, and the work it was.

        Args:
            losses: scalars on the device, detached.
            work: numbers to add to those of the epoch.
            finite_only: add 0 in place of a loss that is not finite, so that the epoch's mean can leave it out.
        """
        for task, loss in losses:
            counted = torch.where(is_finite(loss), loss, 0) if finite_only else loss
            self.loss_sums[task] = self.loss_sums.get(task, torch.zeros_like(counted)) + counted
            self.loss_counts[task] = self.loss_counts.get(task, 0) + 1
        self.work.update(work)
        self.step += 1
        self.step_in_epoch += 1

    def mean_losses(self, left_out: Sequence[str]) -> dict[str, float]:
        """The mean loss of each task in the current epoch; waits for the device.

        Args:
            left_out: the task of each loss that was not finite and was added as 0.
        """
        counts = Counter(self.loss_counts)
        counts.subtract(left_out)
        return {task: float(total) / counts[task] for task, total in self.loss_sums.items() if counts[task]}

    def end_epoch(self, scores: Mapping[str, float]) -> list[str]:
        """Ends the current epoch and begins the next.

        Args:
            scores: of each set of weights after this epoch, higher is better; empty where there are no dev data, and
                then no epoch counts as stalled.

        Returns:
            The sets of weights that are better than ever before.
        """
        improved = [name for name, score in scores.items() if score > self.best.get(name, -math.inf)]
        self.best.update({name: scores[name] for name in improved})
        self.stalled_epochs = 0 if improved or not scores else self.stalled_epochs + 1
        self.epoch += 1
        self.step_in_epoch = 0
        self.loss_sums, self.loss_counts, self.work = {}, {}, Counter()
        return improved


class Stateful(Protocol):
    """Something with a state that a checkpoint keeps."""

    def state_dict(self) -> dict[str, Any]:
        """The state, as tensors and plain values."""

    def load_state_dict(self, state: Any) -> None:
        """Restores a state that `state_dict` returned."""


def state_of(part: Stateful | Mapping[str, Stateful]) -> dict[str, Any]:
    if isinstance(part, Mapping):
        return {name: each.state_dict() for name, each in part.items()}
    return part.state_dict()


def load_state_of(part: Stateful | Mapping[str, Stateful], state: Mapping[str, Any]) -> None:
    if isinstance(part, Mapping):
        for name, each in part.items():
            each.load_state_dict(state[name])
    else:
        part.load_state_dict(state)
