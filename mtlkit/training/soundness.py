"""Steps whose loss or gradient is not finite: found without waiting for a device, and dealt with by a policy.

Letters: P batches of a step.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlkit.data import Batch
from mtlkit.errors import DivergedError
from mtlkit.training.optimization import is_finite

About = TypeVar("About")


@final
class Arrivals(Generic[About]):
    """A queue of small tensors on their way to the CPU, each with what it is about.

    From a GPU they are copied in the background and come some steps later; from a CPU they are there at once.
    """

    def __init__(self) -> None:
        self._on_the_way: deque[tuple[About, Tensor, torch.cuda.Event | None]] = deque()

    def send(self, about: About, value: Tensor) -> None:
        """Begins to copy a value, which must not be changed afterwards."""
        if value.device.type != "cuda":
            self._on_the_way.append((about, value, None))
            return
        here = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
        here.copy_(value, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # untyped in torch
        event.record(torch.cuda.current_stream(value.device))
        self._on_the_way.append((about, here, event))

    def arrived(self, *, wait: bool = False) -> Iterator[tuple[About, Tensor]]:
        """Yields the values that have arrived, in the order in which they were sent; with `wait`, all that were
        sent.
        """
        while self._on_the_way:
            about, value, event = self._on_the_way[0]
            if event is not None and wait:
                event.synchronize()
            elif event is not None and not event.query():  # type: ignore[no-untyped-call]  # untyped in torch
                return
            self._on_the_way.popleft()
            yield about, value


OnNonfinite = Literal["stop", "skip", "raise"]


@dataclass(frozen=True)
class StepPlace:
    """A step and the texts it was computed on, for messages."""

    epoch: int
    """The epoch, counted from 1."""
    step: int
    texts: list[tuple[str, list[int]]]
    """The task of each batch and the positions of its texts, from 0."""

    @classmethod
    def of(cls, epoch: int, step: int, batches: Sequence[Batch]) -> "StepPlace":
        """The place of a step on these batches."""
        return cls(epoch, step, [(batch.task, batch.indices_B.tolist()) for batch in batches])

    def __str__(self) -> str:
        return f"in step {self.step}, of epoch {self.epoch}, on {described(self.texts)}"


def described(texts: Sequence[tuple[str, list[int]]]) -> str:
    """Texts of batches as a user counts them: from 1, in the order of the files, whatever is left out."""
    return " and ".join(
        f"text{'' if len(places) == 1 else 's'} {', '.join(str(place + 1) for place in places)} of {task}'s train split"
        for task, places in texts
    )


@final
class Soundness:
    """Checks whether steps are finite, and applies the policy for those that are not.

    On a CPU such a step is detected before it is taken, and is never taken. On a GPU no step waits for the check: with
    `stop` a few more steps are taken, none of which is kept; with `skip` the device itself reverts the step; `raise`
    waits for every step.

    Args:
        policy: what to do with steps whose loss or gradient is not finite.
        places: for each task, the position of each text among those that were read, so that messages count texts as
            their file does.
    """

    def __init__(self, policy: OnNonfinite, places: Mapping[str, NDArray[np.int32]]) -> None:
        self.policy = policy
        self.places = places
        self.skipped: list[dict[str, Any]] = []
        """The steps of this epoch that were left out."""
        self.unsound_losses: list[str] = []
        """The task of each batch of this epoch whose loss was not finite."""
        self._arrivals: Arrivals[StepPlace] = Arrivals()

    def see(
        self, epoch: int, step: int, batches: Sequence[Batch], sound: Sequence[Tensor], losses: Sequence[Tensor]
    ) -> None:
        """Checks a step, given boolean scalars that say whether its updates were finite, and the losses of its batches.

        Raises:
            DivergedError: this step or one before it was not finite, and the policy is `stop`.
            FloatingPointError: this step was not finite, and the policy is `raise`.
        """
        if losses[0].device.type == "cpu" and all(sound) and all(math.isfinite(loss) for loss in losses):
            return  # nearly every step ends here, without a tensor being made
        finite = torch.stack([torch.stack([*sound]).all(), *map(is_finite, losses)])
        self._arrivals.send(StepPlace.of(epoch, step, batches), finite)
        self.judge(wait=self.policy == "raise")

    def judge(self, *, wait: bool) -> None:
        """Applies the policy to the steps whose values have arrived, or with `wait` to all; raises as `see` does."""
        for place, finite_1P in self._arrivals.arrived(wait=wait):
            if not bool(finite_1P.all()):
                self._unsound(place, finite_1P[1:].tolist())

    def _unsound(self, place: StepPlace, finite_P: list[bool]) -> None:
        place = replace(place, texts=[(task, self.places[task][texts].tolist()) for task, texts in place.texts])
        if self.policy != "skip":
            lost = [batch for batch, finite in zip(place.texts, finite_P, strict=True) if not finite]
            culprit = StepPlace(place.epoch, place.step, lost or place.texts)
            what = f"the {'loss' if lost else 'gradient'} is not finite {culprit}"
            remedy = "look at these texts, lower the learning rate, or leave such steps out with on_nonfinite: 'skip'"
            if self.policy == "raise":
                raise FloatingPointError(what)
            raise DivergedError(f"{what}; what was saved before is kept; {remedy}")
        self.unsound_losses += [task for (task, _), finite in zip(place.texts, finite_P, strict=True) if not finite]
        self.skipped.append({"step": place.step, "texts": [[task, places] for task, places in place.texts]})

    def end_epoch(self, num_steps: int) -> list[dict[str, Any]]:
        """Returns the steps of the epoch that were left out, and clears the list.

        Raises:
            DivergedError: every step of the epoch was left out.
        """
        skipped, self.skipped, self.unsound_losses = self.skipped, [], []
        if len(skipped) == num_steps:
            raise DivergedError(
                f"the loss or gradient of all {num_steps:,} steps of an epoch is not finite, so nothing is "
                "learned; lower the learning rate or look at the data"
            )
        return skipped

    def state_dict(self) -> dict[str, Any]:
        """The steps and losses left out in this epoch so far, as plain lists."""
        return {"skipped": list(self.skipped), "unsound_losses": list(self.unsound_losses)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the lists of what was left out in this epoch."""
        self.skipped, self.unsound_losses = list(state["skipped"]), list(state["unsound_losses"])
