"""Direct communication: every task reads the states of the other tasks' networks.

Shapes: B batch, T time steps, N senders, E input size, D state size, A attention size.
"""

from collections.abc import Sequence
from typing import NamedTuple, final

from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.kernels.recurrence.attentive_lstm import attentive_lstm
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.message_passing import FusionWeights
from mtlkit.sharing.communicators.additive_attention import AdditiveAttention
from mtlkit.sharing.communicators.communicator import Communicator, Message
from mtlkit.types import PositiveInt


class DirectMemory(NamedTuple):
    """What does not depend on the recurrence, as one tensor per time step."""

    queries_TBA: tuple[Tensor, ...]
    keys_TBNA: tuple[Tensor, ...]
    states_TBND: tuple[Tensor, ...]


@final
@Communicator.register("direct")
class DirectCommunicator(Communicator):
    """At each step, attention over the sending tasks' states of the same step (DC-MTL; Liu et al. 2019, eqs. 3-6).

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
        """Projects all inputs and senders' states, and splits them into steps.

        The mask is not needed: a step reads only senders' states of the same step, so padding reaches no valid step.
        """
        queries_BTA, keys_BTNA = self.attention.queries(inputs_BTE), self.attention.keys(sources)
        return DirectMemory(queries_BTA.unbind(1), keys_BTNA.unbind(1), sources.unbind(1))

    def step(self, time: int, previous_BD: Tensor, memory: DirectMemory) -> Message:
        """The message of eqs. 3-6. Its weights are alpha, over the senders."""
        message: Message = self.attention(
            memory.queries_TBA[time], previous_BD, memory.keys_TBNA[time], memory.states_TBND[time]
        )
        return message

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
