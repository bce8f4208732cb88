"""Any encoder as a reader: all positions read their messages at once.

Shapes: B batch, T time steps, E input size, D state size, M message size.
"""

from collections.abc import Sequence
from typing import cast, final

import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, Runtime
from mtlkit.encoders import Encoder, encode_side_by_side
from mtlkit.kernels.compute import Compute, Note
from mtlkit.sharing.channel import Heard
from mtlkit.sharing.readers.reader import Incoming, Reader


@final
@Reader.register("layer")
class LayerReader(Reader):
    """Any encoder, whose states all read their messages at once, after it has run.

    layer: the encoder of each task, such as a Transformer layer, a stack of them, or a BiLSTM. Its states have the size
        that it gives them.

    The state c_t of the encoder asks for the message r_t, as the previous state does in LSTM', and takes it in through
    the gate of Liu et al. 2019: h_t = c_t + g_t * (W_f r_t) with g_t = sigmoid(W_r r_t + W_c c_t) (eqs. 10 and 11).

    Where we depart: an encoder has no output gate o_t, so h_t is the argument of the tanh in eq. 10, without both. No
    state depends on the messages of other positions.
    """

    def __init__(self, layer: Lazy[Encoder], *, input_dim: Runtime[int]) -> None:
        self.layer = layer
        self.input_dim = input_dim

    def network(self) -> Encoder:
        return self.layer.build(input_dim=self.input_dim)

    def state_dim_of(self, network: nn.Module) -> int:
        return cast(Encoder, network).output_dim

    def speak(self, network: nn.Module, inputs_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        states_BTD: Tensor = network(inputs_BTE, mask_BT)
        return states_BTD

    def speak_together(
        self, networks: Sequence[nn.Module], inputs_BTE: Tensor, mask_BT: Tensor, compute: Compute, note: Note
    ) -> Sequence[Tensor]:
        inputs_KBTE = inputs_BTE.expand(len(networks), -1, -1, -1)
        encoders = [cast(Encoder, network) for network in networks]
        return encode_side_by_side(encoders, inputs_KBTE, mask_BT, compute, note).unbind(0)

    def read(self, network: nn.Module, incoming: Incoming) -> Heard:
        communicator, gate = incoming.communicator, incoming.channel.gate
        states_BTD = self.speak(network, incoming.inputs_BTE, incoming.mask_BT)
        memory = communicator.prepare(incoming.inputs_BTE, incoming.sources, incoming.mask_BT)
        messages = communicator.read(states_BTD, memory, with_weights=incoming.keeps_weights)
        heard = Heard(gate(states_BTD, messages.contents_BTM), messages.weights_BTN.detach())
        if not incoming.with_gates:
            return heard
        with torch.no_grad():
            gates_BTD = gate.opened(states_BTD, messages.contents_BTM)
        return heard._replace(gates_BT=gates_BTD.mean(dim=2))
