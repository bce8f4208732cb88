"""LSTM' as a reader: a message at every step of an LSTM.

Shapes: B batch, T time steps, N sources, E input size, D state size, M message size.
"""

from collections.abc import Sequence
from typing import ClassVar, cast, final

import torch
from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.kernels.choice import recurrence_for
from mtlkit.kernels.compute import Compute, Note, Operation
from mtlkit.kernels.postponing import seconds_of_recurrence
from mtlkit.kernels.recurrence.message_gates import message_gates
from mtlkit.kernels.recurrence.message_passing import lstm_prime
from mtlkit.kernels.side_by_side import run_side_by_side
from mtlkit.sharing.channel import Heard
from mtlkit.sharing.communicators import Message
from mtlkit.sharing.readers.reader import Incoming, Reader


@final
@Reader.register("lstm")
class LstmReader(Reader):
    """LSTM', an LSTM that reads a message before every word (Liu et al. 2019, eqs. 9-11).

    What is asked for at a step depends on the state of the step before, and so on the messages before. The LSTM has one
    set of parameters theta^(k) and two uses: it runs plainly when it speaks, and inside LSTM' when it reads. PyTorch
    gives it two bias vectors where the paper has one; only their sum matters. Its size is the scheme's `hidden_dim`.
    """

    operations: ClassVar[tuple[Operation, ...]] = ("recurrence",)

    def __init__(self, *, input_dim: Runtime[int], state_dim: Runtime[int]) -> None:
        self.input_dim = input_dim
        self.state_dim = state_dim

    def network(self) -> nn.LSTM:
        return nn.LSTM(self.input_dim, self.state_dim, batch_first=True)

    def state_dim_of(self, network: nn.Module) -> int:
        return self.state_dim

    def speak(self, network: nn.Module, inputs_BTE: Tensor, mask_BT: Tensor) -> Tensor:
        states_BTD: Tensor = network(inputs_BTE)[0]
        return states_BTD

    def speak_together(
        self, networks: Sequence[nn.Module], inputs_BTE: Tensor, mask_BT: Tensor, compute: Compute, note: Note
    ) -> Sequence[Tensor]:
        inputs_KBTE = inputs_BTE.expand(len(networks), -1, -1, -1)
        return run_side_by_side([cast(nn.LSTM, network) for network in networks], inputs_KBTE, compute, note)

    def read(self, network: nn.Module, incoming: Incoming) -> Heard:
        lstm = cast(nn.LSTM, network)
        fused = _fused(lstm, incoming) if incoming.keeps_weights else None
        if fused is None:
            return _step_by_step(lstm, incoming)
        if not incoming.with_gates:
            return fused
        # No fused form keeps its gates, which would cost every training step. They follow from the states and the
        # messages, and these from the weights.
        communicator = incoming.communicator
        with torch.no_grad():
            messages_BTM = communicator.messages(incoming.inputs_BTE, incoming.sources, incoming.mask_BT, *fused[:2])
        return _with_gates(fused, messages_BTM, lstm, incoming)


def _fused(lstm: nn.LSTM, incoming: Incoming) -> Heard | None:
    """All steps by the communicator's `fused` form; None if it has none, or kernels without any were chosen."""
    communicator, inputs_BTE = incoming.communicator, incoming.inputs_BTE
    gate_bias_D = incoming.channel.gate.bias_D
    # Without a fused form no kernels are asked for: `compiled` would be refused though nothing would use them.
    if "recurrence" not in communicator.operations or not (gate_bias_D is None or communicator.fuses_gate_bias):
        return None
    saves = seconds_of_recurrence(inputs_BTE.shape[1], incoming.num_weights)
    recurrence = recurrence_for(inputs_BTE.device, incoming.compute, saves)
    if recurrence is None:
        return None
    weights = incoming.channel.gate.weights()
    bias = {} if gate_bias_D is None else {"gate_bias_D": gate_bias_D}
    fused = communicator.fused(inputs_BTE, incoming.sources, incoming.mask_BT, lstm, weights, recurrence, **bias)
    if fused is None:
        return None
    incoming.note("recurrence", recurrence.name)
    return Heard(fused[0], fused[1].detach())


def _step_by_step(lstm: nn.LSTM, incoming: Incoming) -> Heard:
    incoming.note("recurrence", "step by step")
    communicator, inputs_BTE = incoming.communicator, incoming.inputs_BTE
    memory = communicator.prepare(inputs_BTE, incoming.sources, incoming.mask_BT)
    contents_TBM: list[Tensor] = []

    def receive(time: int, previous_BD: Tensor) -> Message:
        message = communicator.step(time, previous_BD, memory)
        # Only for traces: kept detached, so that a trace changes neither gradients nor what autograd holds.
        if incoming.with_gates:
            contents_TBM.append(message.content_BM.detach())
        return message if incoming.keeps_weights else message.without_weights()

    states_BTD, weights_TBN = lstm_prime(inputs_BTE, lstm, receive, incoming.channel.gate)
    heard = Heard(states_BTD, torch.stack([weights_BN.detach() for weights_BN in weights_TBN], dim=1))
    return _with_gates(heard, torch.stack(contents_TBM, dim=1), lstm, incoming) if incoming.with_gates else heard


def _with_gates(heard: Heard, messages_BTM: Tensor, lstm: nn.LSTM, incoming: Incoming) -> Heard:
    gate = incoming.channel.gate
    gates_BTD = message_gates(incoming.inputs_BTE, heard.states_BTD, messages_BTM, lstm, gate.weights(), gate.bias_D)
    return heard._replace(gates_BT=gates_BTD.mean(dim=2))
