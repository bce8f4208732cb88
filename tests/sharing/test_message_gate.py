import torch

from mtlkit.sharing.message_gate import MessageGate


def test_equations_10_and_11() -> None:
    gate = MessageGate(message_dim=3, state_dim=2).double()
    r_BM, c_BD = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    g_BD = torch.sigmoid(r_BM @ gate.gate_message.weight.T + c_BD @ gate.gate_cell.weight.T)
    torch.testing.assert_close(gate(c_BD, r_BM), c_BD + g_BD * (r_BM @ gate.fusion.weight.T))


def test_a_zero_message_leaves_the_cell() -> None:
    cell_BD = torch.randn(4, 2)
    assert torch.equal(MessageGate(3, 2)(cell_BD, torch.zeros(4, 3)), cell_BD)
