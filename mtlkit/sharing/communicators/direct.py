"""Direct communication: every task reads the states of the other tasks' networks.

Shapes: B batch, T time steps, N senders, E input size, D state size, A attention size, R = B * T steps, S = T * N
states of all senders at all positions.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self, final

import torch
from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.data.batch import by_text
from mtlkit.errors import ComponentError
from mtlkit.kernels.recurrence.attentive_lstm import Names, attentive_lstm
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
@dataclass(frozen=True)
class DirectMemoryOfAll:
    """What `DirectCommunicator` prepares for senders that are read at all positions: each step reads all S states."""

    queries_BTA: Tensor
    keys_BSA: Tensor
    states_BSD: Tensor
    padding_BS: Tensor
    num_senders: int

    @cached_property
    def queries_TBA(self) -> tuple[Tensor, ...]:
        """The queries of each step."""
        return self.queries_BTA.unbind(1)


@final
class TaskEmbeddings(nn.Module):
    """Two vectors of size A for each task: as the one who listens, and as one who speaks."""

    def __init__(self, num_tasks: int, size: int) -> None:
        super().__init__()
        self.listening = nn.Parameter(torch.empty(num_tasks, size))
        self.speaking = nn.Parameter(torch.empty(num_tasks, size))
        for table in self.parameters():
            nn.init.uniform_(table, -(size**-0.5), size**-0.5)

    def forward(self, listener: int, speakers: list[int]) -> Names:
        """The vectors of one who listens and of those who speak to it."""
        return Names(self.listening[listener], self.speaking[speakers])


@final
@Communicator.register("direct")
class DirectCommunicator(Communicator):
    """Attention, at each step, over the sending tasks' states of the same step (DC-MTL; Liu et al. 2019, eqs. 3-6).

    attention_dim: size of the scorer; not printed in the paper, default the state size.
    edges: receiver -> senders, an entry for every task; default the complete graph, as in the paper.
    include_self: whether a task's plain LSTM also sends to the task itself; the paper's sum leaves it out (eq. 3).
    positions: which states of a sender a step reads: that of the `current` step, as in the paper, or those of `all`
        steps, as indirect communication reads its mailbox. There is then one softmax over all T * N states, and the
        weight of a sender in traces is the sum of those of its states; padded positions have weight 0.
    task_embeddings: whether the scorer is told who listens and who speaks. A departure from eqs. 4 and 5, in which a
        sender is known by its states alone: a score is u . tanh(W [x; h; m] + listener + speaker), with two learned
        vectors per task of the scorer's size A, which begin as U(-1/sqrt(A), 1/sqrt(A)).

    With `positions: all`, time grows with T * T * N. Memory grows with T * N * (D + A + T): 32 texts of 250 words and
    15 senders have 0.1 GB of states and keys and 0.1 GB of weights in float32. The scorer's B * T * T * N * A numbers
    are computed again in the backward pass instead of being kept, unless the reader is `lstm` and `trainer.kernels` is
    `plain`, where they would be 12 GB.
    """

    sources = "tasks"

    def __init__(
        self,
        attention_dim: PositiveInt | None = None,
        edges: dict[str, list[str]] | None = None,
        include_self: bool = False,
        positions: Literal["current", "all"] = "current",
        task_embeddings: bool = False,
        *,
        input_dim: Runtime[int],
        state_dim: Runtime[int],
        tasks: Runtime[Sequence[str]] = (),
    ) -> None:
        super().__init__()
        self.edges = edges
        self.include_self = include_self
        self.positions = positions
        self.attention = AdditiveAttention(input_dim, state_dim, attention_dim)
        self.tasks = list(tasks)
        self.listener: str | None = None
        self.task_embeddings = TaskEmbeddings(len(tasks), attention_dim or state_dim) if task_embeddings else None

    def senders(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """The senders of each task: `edges` or all other tasks, and the task itself last with `include_self`."""
        graph = super().senders(tasks) if self.edges is None else self.edges
        if not self.include_self:
            return graph
        others = {receiver: [task for task in graph[receiver] if task != receiver] for receiver in graph}
        return {receiver: [*others[receiver], receiver] for receiver in graph}

    def heard_by(self, task: str) -> Self:
        """Itself, or with `task_embeddings` a copy with the same parameters that knows who listens."""
        if self.task_embeddings is None:
            return self
        told = copy(self)
        told.listener = task
        return told

    def num_weighed(self, sources: Tensor) -> int:
        """N, or the states of all senders at all positions."""
        return sources.shape[2] if self.positions == "current" else sources.shape[1] * sources.shape[2]

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> DirectMemory | DirectMemoryOfAll:
        """Projects all inputs and senders' states.

        The mask is not needed where a step reads only senders' states of the same step: padding reaches no valid step.
        """
        queries_BTA, keys_BTNA = self.attention.queries(inputs_BTE), self.attention.keys(sources)
        if (names := self._names()) is not None:
            queries_BTA, keys_BTNA = queries_BTA + names.listener_A, keys_BTNA + names.speakers_NA
        if self.positions == "current":
            return DirectMemory(queries_BTA, keys_BTNA, sources)
        states_BSD, padding_BS = _all_states(sources, mask_BT)
        return DirectMemoryOfAll(queries_BTA, keys_BTNA.flatten(1, 2), states_BSD, padding_BS, sources.shape[2])

    def step(self, time: int, previous_BD: Tensor, memory: DirectMemory | DirectMemoryOfAll) -> Message:
        """The message of eqs. 3-6. Its weights are alpha, over the senders."""
        if isinstance(memory, DirectMemory):
            query_BA, keys_BNA, states_BND = memory.steps[time]
            message: Message = self.attention(query_BA, previous_BD, keys_BNA, states_BND)
            return message
        content_BD, weights_BS = self.attention(
            memory.queries_TBA[time], previous_BD, memory.keys_BSA, memory.states_BSD, memory.padding_BS
        )
        return Message(content_BD, _of_senders(weights_BS, memory.num_senders))

    def read(
        self, states_BTD: Tensor, memory: DirectMemory | DirectMemoryOfAll, *, with_weights: bool = True
    ) -> Messages:
        """The messages of all steps in one product: a step of a text is a row of a larger batch of steps. Where all
        positions are read, in parts of as many steps as memory is meant to hold at once.
        """
        if isinstance(memory, DirectMemoryOfAll):
            contents_BTD, weights_BTS = self.attention.of_all_steps(
                memory.queries_BTA, states_BTD, memory.keys_BSA, memory.states_BSD, memory.padding_BS, with_weights
            )
            return Messages(contents_BTD, _of_senders(weights_BTS, memory.num_senders))
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
        gate_bias_D: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The whole recurrence as one operation with a backward pass of its own."""
        scorer, names = self.attention.parts(), self._names()
        if self.positions == "current":
            return attentive_lstm(inputs_BTE, sources, None, lstm, scorer, fusion, recurrence, names, gate_bias_D)
        states_BSD, padding_BS = _all_states(sources, mask_BT)
        if names is not None:
            names = names._replace(speakers_NA=names.speakers_NA.repeat(sources.shape[1], 1))
        states_BTD, weights_BTS = attentive_lstm(
            inputs_BTE, states_BSD, padding_BS, lstm, scorer, fusion, recurrence, names, gate_bias_D
        )
        return states_BTD, _of_senders(weights_BTS, sources.shape[2])

    def _names(self) -> Names | None:
        """Who listens and who speaks, if the scorer is told."""
        if self.task_embeddings is None:
            return None
        if self.listener is None:
            raise ComponentError(
                "task_embeddings: the reader must read `Incoming.communicator`, which knows who listens"
            )
        numbers = {task: number for number, task in enumerate(self.tasks)}
        speakers = [numbers[sender] for sender in self.senders(self.tasks)[self.listener]]
        names: Names = self.task_embeddings(numbers[self.listener], speakers)
        return names

    def messages(
        self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor, states_BTD: Tensor, weights_BTN: Tensor
    ) -> Tensor:
        """The messages of eq. 3 for all steps, in one product where a sender has one state for each step."""
        if self.positions == "all":
            return super().messages(inputs_BTE, sources, mask_BT, states_BTD, weights_BTN)
        return (weights_BTN.unsqueeze(2) @ sources.to(weights_BTN)).squeeze(2)


def _all_states(sources_BTND: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
    """The states (B, S, D) of all senders at all positions, position by position, and which of them are padding."""
    return sources_BTND.flatten(1, 2), (~mask_BT).repeat_interleave(sources_BTND.shape[2], dim=1)


def _of_senders(weights: Tensor, num_senders: int) -> Tensor:
    """Sums weights (..., S) over positions: (..., N)."""
    positions = weights.shape[-1] // num_senders  # 0 if no weights were kept
    return weights.view(*weights.shape[:-1], positions, num_senders).sum(dim=-2)
