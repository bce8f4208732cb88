import torch

from mtlkit.sharing.communicators import IndirectCommunicator


def test_every_step_reads_all_valid_positions_and_no_padding() -> None:
    torch.manual_seed(0)
    communicator = IndirectCommunicator(attention_dim=9, input_dim=2, state_dim=3)
    mask_BT = torch.tensor([[True, True, True], [True, False, False]])
    sources_BND = torch.randn(2, 3, 3)
    memory = communicator.prepare(torch.randn(2, 3, 2), sources_BND, mask_BT)
    for time in range(3):
        message = communicator.step(time, torch.randn(2, 3), memory)
        assert torch.equal(message.weights_BN > 0, mask_BT)
        torch.testing.assert_close(message.content_BM[1], sources_BND[1, 0])
