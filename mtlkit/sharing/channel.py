"""The way of a message into a network, and what arrives by it.

Shapes: B batch, T time steps, N sources, D state size.
"""

from typing import NamedTuple, final

from torch import Tensor, nn

from mtlkit.sharing.communicators import Communicator
from mtlkit.sharing.message_gate import MessageGate


@final
class Channel(nn.Module):
    """The way of a message into a network: communicator and gate, the part of theta^(s) in eqs. 3-6 and 8-11."""

    def __init__(self, communicator: Communicator, state_dim: int, gate_bias: float | None = None) -> None:
        """`gate_bias`: what the bias of the gate begins as; None for no bias."""
        super().__init__()
        self.communicator = communicator
        self.gate = MessageGate(communicator.message_dim or state_dim, state_dim, gate_bias)


class Heard(NamedTuple):
    """The states of a network that has received messages, and what it received."""

    states_BTD: Tensor
    """The states with the messages in them. At padding they are arbitrary."""
    weights_BTN: Tensor
    """The weight of each source in each message, detached; (B, T, 0) if they were not kept."""
    gates_BT: Tensor | None = None
    """The mean of the message gate (eq. 11) over D, from 0 to 1, detached; None unless requested."""
