"""Training steps through sharing schemes on a GPU never wait for it."""

from collections.abc import Iterator

import pytest
import torch

from mtlkit.config import Lazy
from mtlkit.encoders import BilstmEncoder
from mtlkit.sharing import CrossStitch, MessagePassing, SharingScheme
from mtlkit.sharing.communicators import Communicator, DirectCommunicator, IndirectCommunicator

TASKS = ["movie", "product", "tweet"]

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.fixture
def waiting_is_an_error() -> Iterator[None]:
    yield
    torch.cuda.set_sync_debug_mode("default")


def scheme(name: str) -> SharingScheme:
    torch.manual_seed(1)
    if name == "cross_stitch":
        return CrossStitch(Lazy.of(BilstmEncoder, hidden_dim=16), input_dim=8, tasks=TASKS)
    communicator: Lazy[Communicator] = Lazy.of(DirectCommunicator if name == "direct" else IndirectCommunicator)
    return MessagePassing(communicator, 16, bidirectional=True, input_dim=8, tasks=TASKS)


@pytest.mark.usefixtures("waiting_is_an_error")
@pytest.mark.parametrize("name", ["direct", "indirect", "cross_stitch"])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_training_step_does_not_wait(name: str, bfloat16: bool) -> None:
    network = scheme(name).cuda()
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    inputs_BTE = torch.randn(4, 11, 8, device="cuda")
    mask_BT = torch.arange(11, device="cuda") < torch.tensor([[11], [4], [7], [1]], device="cuda")

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=bfloat16):
            loss = network(inputs_BTE, mask_BT, "movie").states_BTD.float().square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    first = step()  # captures graphs, for which the device comes to rest
    torch.cuda.set_sync_debug_mode("error")
    for _ in range(5):
        last = step()
    torch.cuda.set_sync_debug_mode("default")
    assert last < first
