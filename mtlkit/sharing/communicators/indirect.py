"""Indirect communication: every task reads one shared network, the mailbox, all of it or its state of the same step.

Shapes: B batch, T time steps, N = T positions of the sentence, E input size, D state size, A attention size.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.kernels.recurrence.attentive_lstm import ScorerParts, attentive_lstm
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.message_passing import FusionWeights
from mtlkit.sharing.communicators.additive_attention import AdditiveAttention
from mtlkit.sharing.communicators.communicator import Communicator, Message, Messages
from mtlkit.types import PositiveInt


@final
@dataclass(frozen=True)
class IndirectMemory:
    """What does not depend on the receiver's states. Every step reads the same positions."""

    queries_BTA: Tensor
    keys_BNA: Tensor
    states_BND: Tensor
    padding_BN: Tensor

    @cached_property
    def queries_TBA(self) -> tuple[Tensor, ...]:
        """The queries of each step."""
        return self.queries_BTA.unbind(1)


@final
@Communicator.register("indirect")
class IndirectCommunicator(Communicator):
    """Attention, at each step, over all positions of a shared network, by default an LSTM (IC-MTL; Liu et al. 2019,
    eqs. 7 and 8).

    attention_dim: size of the scorer; not printed in the paper, default the state size.

    Later positions are read as well. The paper does not mention padding; here padded positions have weight 0. A step
    reads all T positions, so time grows with T * T. Memory grows with T * (D + T): the scorer's B * T * T * A numbers
    are computed again in the backward pass instead of being kept, unless the reader is `lstm` and `trainer.kernels` is
    `plain`.
    """

    sources = "shared"

    def __init__(
        self, attention_dim: PositiveInt | None = None, *, input_dim: Runtime[int], state_dim: Runtime[int]
    ) -> None:
        super().__init__()
        self.attention = AdditiveAttention(input_dim, state_dim, attention_dim)

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> IndirectMemory:
        """Projects all inputs and all positions for the scorer."""
        return IndirectMemory(self.attention.queries(inputs_BTE), self.attention.keys(sources), sources, ~mask_BT)

    def step(self, time: int, previous_BD: Tensor, memory: IndirectMemory) -> Message:
        """The message of eqs. 5, 6 and 8. Its weights are beta_t, over the positions."""
        message: Message = self.attention(
            memory.queries_TBA[time], previous_BD, memory.keys_BNA, memory.states_BND, memory.padding_BN
        )
        return message

    def read(self, states_BTD: Tensor, memory: IndirectMemory, *, with_weights: bool = True) -> Messages:
        """The messages of all steps, in parts of as many steps as memory is meant to hold at once."""
        return self.attention.of_all_steps(
            memory.queries_BTA, states_BTD, memory.keys_BNA, memory.states_BND, memory.padding_BN, with_weights
        )

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
        scorer = self.attention.parts()
        return attentive_lstm(inputs_BTE, sources, ~mask_BT, lstm, scorer, fusion, recurrence, gate_bias_D=gate_bias_D)

    def messages(
        self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor, states_BTD: Tensor, weights_BTN: Tensor
    ) -> Tensor:
        """The messages of eq. 8 for all steps in one product."""
        return weights_BTN @ sources.to(weights_BTN)


@final
@dataclass(frozen=True)
class AlignedMemory:
    """The mailbox, each state of which is read at its own step."""

    states_BTD: Tensor
    mask_BT: Tensor

    @cached_property
    def states_TBD(self) -> tuple[Tensor, ...]:
        """The states of each step."""
        return self.states_BTD.unbind(1)


@final
@Communicator.register("aligned")
class AlignedCommunicator(Communicator):
    """The mailbox's state of the same step, and no other: indirect communication without attention.

    A control for `indirect`: what that gains over this one comes from reading all positions of the text. There is no
    scorer, since a softmax over one source is 1; eq. 8 of Liu et al. 2019 becomes r_t = h_t of the mailbox. The weights
    of a trace are 1 at the step itself and 0 elsewhere.
    """

    sources = "shared"

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> AlignedMemory:
        """The mailbox's states, and the mask."""
        return AlignedMemory(sources, mask_BT)

    def step(self, time: int, previous_BD: Tensor, memory: AlignedMemory) -> Message:
        """The mailbox's state at this step."""
        state_BD = memory.states_TBD[time]
        weights_BN = state_BD.new_zeros(memory.mask_BT.shape)
        weights_BN[:, time] = memory.mask_BT[:, time].to(weights_BN)
        return Message(state_BD, weights_BN)

    def read(self, states_BTD: Tensor, memory: AlignedMemory, *, with_weights: bool = True) -> Messages:
        """The mailbox's states, each at its own step."""
        weights_BT = memory.mask_BT.to(memory.states_BTD.dtype)
        weights_BTN = torch.diag_embed(weights_BT) if with_weights else weights_BT.new_empty(*weights_BT.shape, 0)
        return Messages(memory.states_BTD, weights_BTN)

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
        """The recurrence of direct communication with a single sender, whose weight is 1 by any scorer."""
        from_input_AE, from_state_AD = (sources.new_zeros(1, each.shape[-1]) for each in (inputs_BTE, sources))
        scorer = ScorerParts(from_input_AE, from_state_AD, from_state_AD, sources.new_zeros(1))
        states_BTD, _ = attentive_lstm(
            inputs_BTE, sources.unsqueeze(2), None, lstm, scorer, fusion, recurrence, gate_bias_D=gate_bias_D
        )
        return states_BTD, torch.diag_embed(mask_BT.to(sources.dtype))

    def messages(
        self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor, states_BTD: Tensor, weights_BTN: Tensor
    ) -> Tensor:
        """The mailbox's states."""
        return sources
