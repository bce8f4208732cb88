"""Direct communication: every task reads the states of the other tasks' networks.

Shapes: B batch, T time steps, N senders, E input size, D state size, A attention size,
R = B * T steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.data.batch import by_text
from mtlkit.kernels.recurrence.attentive_lstm import attentive_lstm
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.message_passing import FusionWeights
from mtlkit.sharing.communicators.additive_attention import AdditiveAttention
from mtlkit.sharing.communicators.communicator import Communicator, Message, Messages
from mtlkit.types import PositiveInt


@final
@dataclass(frozen=True)
class DirectMemory:
    """What does not depend on the receiver's states, for all steps together and for each."""

    queries_BTA: Tensor
    keys_BTNA: Tensor
    states_BTND: Tensor

    @cached_property
    def steps(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Queries, keys and states of each step."""
        tensors = self.queries_BTA, self.keys_BTNA, self.states_BTND
        return list(zip(*(tensor.unbind(1) for tensor in tensors), strict=True))


@final
@Communicator.register("direct")
class DirectCommunicator(Communicator):
    """Attention, at each step, over the sending tasks' states of the same step (DC-MTL; Liu et al. 2019, eqs. 3-6).

    attention_dim: size of the scorer; not printed in the paper, default the state size.
    edges: receiver -> senders, an entry for every task; default the complete graph, as in the paper.
    include_self: whether a task's plain LSTM also sends to the task itself; the paper's sum leaves it out (eq. 3).
    """

    sources = "tasks"

    def __init__(
        self,
        attention_dim: PositiveInt | None = None,
        edges: dict[str, list[str]] | None = None,
        include_self: bool = False,
        *,
        input_dim: Runtime[int],
        state_dim: Runtime[int],
    ) -> None:
        super().__init__()
        self.edges = edges
        self.include_self = include_self
        self.attention = AdditiveAttention(input_dim, state_dim, attention_dim)

    def senders(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """The senders of each task: `edges` or all other tasks, and the task itself last with `include_self`."""
        graph = super().senders(tasks) if self.edges is None else self.edges
        if not self.include_self:
            return graph
        others = {receiver: [task for task in graph[receiver] if task != receiver] for receiver in graph}
        return {receiver: [*others[receiver], receiver] for receiver in graph}

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> DirectMemory:
        """Projects all inputs and senders' states.

        The mask is not needed: a step reads only senders' states of the same step, so padding reaches no valid step.
        """
        return DirectMemory(self.attention.queries(inputs_BTE), self.attention.keys(sources), sources)

    def step(self, time: int, previous_BD: Tensor, memory: DirectMemory) -> Message:
        """The message of eqs. 3-6. Its weights are alpha, over the senders."""
        query_BA, keys_BNA, states_BND = memory.steps[time]
        message: Message = self.attention(query_BA, previous_BD, keys_BNA, states_BND)
        return message

    def read(self, states_BTD: Tensor, memory: DirectMemory, *, with_weights: bool = True) -> Messages:
        """The messages of all steps in one product: a step of a text is a row of a larger batch of steps."""
        rows = (memory.queries_BTA, states_BTD, memory.keys_BTNA, memory.states_BTND)
        content_RD, weights_RN = self.attention(*(tensor.flatten(0, 1) for tensor in rows))
        return Messages(*(by_text(each, *states_BTD.shape[:2]) for each in (content_RD, weights_RN)))

    def fused(
        self,
        inputs_BTE: Tensor,
        sources: Tensor,
        mask_BT: Tensor,
        lstm: nn.LSTM,
        fusion: FusionWeights,
        recurrence: Recurrence,
    ) -> tuple[Tensor, Tensor]:
        """The whole recurrence as one operation with a backward pass of its own."""
        return attentive_lstm(inputs_BTE, sources, None, lstm, self.attention.parts(), fusion, recurrence)

    def messages(
        self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor, states_BTD: Tensor, weights_BTN: Tensor
    ) -> Tensor:
        """The messages of eq. 3 for all steps in one product."""
        return (weights_BTN.unsqueeze(2) @ sources.to(weights_BTN)).squeeze(2)
