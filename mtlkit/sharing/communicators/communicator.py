"""The interface of communicators.

Shapes: B batch, T time steps, N sources, E input size, D state size, M message size.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Component
from mtlkit.errors import ComponentError
from mtlkit.kernels.compute import Operation
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.message_passing import FusionWeights

Memory: TypeAlias = Any
"""Whatever `prepare` returns; `step` gets it back untouched."""


class Message(NamedTuple):
    """What a network reads at one step."""

    content_BM: Tensor
    weights_BN: Tensor
    """How much of each source is in it, not negative; reports draw them."""


class Communicator(nn.Module, Component, offers=("input_dim", "state_dim", "tasks")):
    """Decides what a task's network hears from the others at each time step (Liu et al. 2019, eqs. 3-8).

    The scheme `message_passing` owns the networks; a communicator owns only what chooses and mixes. A whole one:

        @Communicator.register("mean")
        class MeanCommunicator(Communicator):
            \"""The plain mean of the other tasks' states.\"""

            sources = "tasks"

            def prepare(self, inputs_BTE, sources_BTND, mask_BT):
                return sources_BTND.unbind(1)

            def step(self, time, previous_BD, memory):
                states_BND = memory[time]
                weights_BN = states_BND.new_full(states_BND.shape[:2], 1 / states_BND.shape[1])
                return Message(states_BND.mean(dim=1), weights_BN)

    A constructor may ask for the run-time values `input_dim` (E), `state_dim` (D) and `tasks` (all names).
    """

    sources: ClassVar[Literal["tasks", "shared"]]
    """'tasks': the sending tasks' states over the same sentence, aligned in time; 'shared': all those of one LSTM."""

    operations: ClassVar[tuple[Operation, ...]] = ()
    """The operations of its networks that `trainer.kernels` chooses an implementation of; found when a class is made:
    a recurrence if it has a `fused` form, and several networks at once if it reads those of other tasks."""

    message_dim: int | None = None
    """M; None is the width D of the sources."""

    def __init__(self) -> None:
        super().__init__()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if getattr(cls, "sources", None) not in ("tasks", "shared"):
            raise ComponentError(f"{cls.__name__} must say sources = 'tasks' or sources = 'shared' in its class body")
        recurrence: tuple[Operation, ...] = () if cls.fused is Communicator.fused else ("recurrence",)
        cls.operations = (*recurrence, "networks") if cls.sources == "tasks" else recurrence

    def senders(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """Whom each task reads, by receiver; asked only with sources 'tasks'. Default: the complete graph."""
        return {receiver: [task for task in tasks if task != receiver] for receiver in tasks}

    @abstractmethod
    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> Memory:
        """Everything that needs no recurrence; called once per batch.

        Args:
            inputs_BTE: the embedded sentences, which every network reads too.
            sources: (B, T, N, D), the N senders in the order of `senders`; or (B, N, D), the N = T shared states.
            mask_BT: true at valid steps, a prefix of each row. What is made of padding must not reach valid steps.
        """

    @abstractmethod
    def step(self, time: int, previous_BD: Tensor, memory: Memory) -> Message:
        """The message read at `time`, given the reader's previous fused state.

        Take tensors apart once, by `unbind` in `prepare`: indexing one by `time` makes the backward pass quadratic.
        """

    def fused(
        self,
        inputs_BTE: Tensor,
        sources: Tensor,
        mask_BT: Tensor,
        lstm: nn.LSTM,
        fusion: FusionWeights,
        recurrence: Recurrence,
    ) -> tuple[Tensor, Tensor] | None:
        """The reader's whole recurrence at once, if there is a faster form of it than `prepare` and `step`.

        It must come to the same. Default: None, there is none. The first arguments are those of `prepare`, the others
        are the reader's LSTM, the weights of its gate, and what runs the steps.

        Returns:
            The fused states (B, T, D) and the messages' weights (B, T, N), which need no gradient.
        """
        return None

    def messages(
        self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor, states_BTD: Tensor, weights_BTN: Tensor
    ) -> Tensor:
        """What was read at each step of a `fused` run, (B, T, M); asked for by traces only.

        Default: every `step` once more. Where a message is the mean of its sources, that is one product.

        Args:
            inputs_BTE, sources, mask_BT: those of `fused`.
            states_BTD, weights_BTN: what it gave.
        """
        memory = self.prepare(inputs_BTE, sources, mask_BT)
        previous_TBD = F.pad(states_BTD[:, :-1], (0, 0, 1, 0)).unbind(1)
        steps = (self.step(time, previous_BD, memory) for time, previous_BD in enumerate(previous_TBD))
        return torch.stack([message.content_BM for message in steps], dim=1)
