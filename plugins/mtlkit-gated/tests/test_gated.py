from typing import Any

import torch
from mtlkit_gated import GatedCommunicator
from torch import nn

import mtlkit
from mtlkit.config import Lazy
from mtlkit.sharing import MessagePassing
from mtlkit.testing import check_component


def test_gated() -> None:
    check_component(mtlkit.Communicator, {"type": "gated"})


def test_its_trace_tells_how_far_networks_opened_to_its_messages() -> None:
    """Beside the communicator's own gates stands that of the network (Liu et al. 2019, eq. 11), step by step."""
    torch.manual_seed(3)
    communicator = Lazy.of(GatedCommunicator, sharpness=3.0)
    scheme = MessagePassing(communicator, 5, input_dim=4, tasks=["movie", "product", "tweet"]).double()
    for parameter in scheme.parameters():
        nn.init.normal_(parameter)
    inputs_BTE = torch.randn(2, 6, 4, dtype=torch.float64)
    mask_BT = torch.arange(6) < torch.tensor([[6], [3]])
    trace = scheme(inputs_BTE, mask_BT, "movie", with_trace=True).trace

    network: Any = scheme.left_to_right
    (input_GE, recurrent_GD, *biases), channel = network.task_lstms["movie"].all_weights[0], network.channels["shared"]
    sources = torch.stack([network.task_lstms[task](inputs_BTE)[0] for task in ("product", "tweet")], dim=2)
    memory = channel.communicator.prepare(inputs_BTE, sources, mask_BT)
    state_BD = cell_BD = inputs_BTE.new_zeros(2, 5)
    for time in range(6):
        content_BM, weights_BN = channel.communicator.step(time, state_BD, memory)
        gates_BG = inputs_BTE[:, time] @ input_GE.T + state_BD @ recurrent_GD.T + sum(biases)
        enter_BD, keep_BD, candidate_BD, leave_BD = gates_BG.chunk(4, dim=1)
        cell_BD = keep_BD.sigmoid() * cell_BD + enter_BD.sigmoid() * candidate_BD.tanh()
        from_message_BD = content_BM @ channel.gate.gate_message.weight.T
        gate_BD = (from_message_BD + cell_BD @ channel.gate.gate_cell.weight.T).sigmoid()
        state_BD = leave_BD.sigmoid() * (cell_BD + gate_BD * (content_BM @ channel.gate.fusion.weight.T)).tanh()
        valid_B = mask_BT[:, time]
        torch.testing.assert_close(trace.gates_BT[valid_B, time], gate_BD.mean(dim=1)[valid_B].detach())
        torch.testing.assert_close(trace.weights_BTN[valid_B, time], weights_BN[valid_B].detach())
