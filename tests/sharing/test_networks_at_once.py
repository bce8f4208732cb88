"""`trainer.network_threads`: schemes with several networks give the same bits whatever it is."""

import pytest
import torch
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.encoders import BilstmEncoder, Encoder, LstmEncoder
from mtlkit.kernels.compute import Compute, hand_down
from mtlkit.sharing import CrossStitch, MessagePassing, SharingScheme
from mtlkit.sharing.communicators import Communicator, DirectCommunicator

TASKS = ["books", "films", "music", "toys"]
INPUT, STATE, TIME = 5, 6, 9
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [4]])


def direct(detach_senders: bool, include_self: bool = False) -> SharingScheme:
    communicator: Lazy[Communicator] = Lazy.of(DirectCommunicator, include_self=include_self)
    return MessagePassing(communicator, STATE, detach_senders=detach_senders, input_dim=INPUT, tasks=TASKS)


def cross_stitch(encoder: type[Encoder]) -> SharingScheme:
    return CrossStitch(Lazy.of(encoder, hidden_dim=STATE), input_dim=INPUT, tasks=TASKS)


@pytest.mark.parametrize(
    ("build", "choice"),
    [
        (direct, {"detach_senders": False}),
        (direct, {"detach_senders": True}),
        (direct, {"detach_senders": True, "include_self": True}),
        (cross_stitch, {"encoder": LstmEncoder}),
        (cross_stitch, {"encoder": BilstmEncoder}),
    ],
)
def test_states_and_gradients_are_the_same_bits(build, choice) -> None:
    torch.manual_seed(1)
    scheme: SharingScheme = build(**choice)
    inputs_BTE = torch.randn(2, TIME, INPUT, requires_grad=True)
    found: list[list[Tensor | None]] = []
    for number in (1, 2, 3):
        hand_down(scheme, Compute(network_threads=number))
        states_BTD = scheme(inputs_BTE, MASK_BT, "films").states_BTD
        generic = torch.arange(1, states_BTD.numel() + 1).view(states_BTD.shape).sin()
        leaves = [inputs_BTE, *scheme.parameters()]
        gradients = torch.autograd.grad((states_BTD * generic).sum(), leaves, allow_unused=True)
        found.append([states_BTD, *gradients])
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            assert (one is None) == (same is None)
            assert one is None or same is None or torch.equal(one, same)


def test_detached_senders_leave_no_graph() -> None:
    scheme = direct(detach_senders=True)
    hand_down(scheme, Compute(network_threads=2))
    scheme(torch.randn(2, TIME, INPUT), MASK_BT, "films").states_BTD.sum().backward()
    of_others = [
        parameter.grad
        for name, parameter in scheme.named_parameters()
        if "task_lstms" in name and ".films." not in name
    ]
    assert len(of_others) == 4 * 3 and not any(gradient is not None for gradient in of_others)
