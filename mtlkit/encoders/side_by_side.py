"""Several encoders over the same positions at once.

Shapes: K encoders, B batch, T time steps, E input size, D state size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlkit.encoders.encoder import Encoder
from mtlkit.encoders.layers import BilstmEncoder, LstmEncoder
from mtlkit.kernels.compute import AUTOMATIC, Compute, Note, unnoted
from mtlkit.kernels.networks_in_threads import one_by_one, run_each
from mtlkit.kernels.sequences import reverse_within_length, zero_padding
from mtlkit.kernels.side_by_side import run_side_by_side


def encode_side_by_side(
    encoders: Sequence[Encoder],
    inputs_KBTE: Tensor,
    mask_BT: Tensor,
    compute: Compute = AUTOMATIC,
    note: Note = unnoted,
) -> Tensor:
    """The states (K, B, T, D) of K encoders of one kind and size, each over its own input.

    On a GPU, LSTMs take their steps together; on a CPU they run in `compute.network_threads` threads. Other encoders
    run one after the other, since they may draw random numbers, whose order must not depend on timing.

    Args:
        encoders: K of them.
        inputs_KBTE: of each encoder.
        mask_BT: true at valid steps, the same for all.
        compute: how to compute.
        note: is called with what ran.
    """
    if inputs_KBTE.device.type == "cuda":
        one_way = [encoder.lstm for encoder in encoders if isinstance(encoder, LstmEncoder)]
        if len(one_way) == len(encoders):
            return zero_padding(torch.stack(run_side_by_side(one_way, inputs_KBTE, compute, note)), mask_BT)
        both_ways = [encoder for encoder in encoders if isinstance(encoder, BilstmEncoder)]
        if len(both_ways) == len(encoders):
            return zero_padding(both_ways_side_by_side(both_ways, inputs_KBTE, mask_BT, compute, note), mask_BT)
    draws_nothing = all(isinstance(encoder, LstmEncoder | BilstmEncoder) for encoder in encoders)

    def run(encoder: Encoder, own_BTE: Tensor) -> Tensor:
        states_BTD: Tensor = encoder(own_BTE, mask_BT)
        return states_BTD

    inputs = inputs_KBTE.unbind(0)
    if draws_nothing:
        return torch.stack(run_each(encoders, run, inputs, compute, note))
    return torch.stack(one_by_one(encoders, run, inputs))


def both_ways_side_by_side(
    encoders: Sequence[BilstmEncoder],
    inputs_KBTE: Tensor,
    mask_BT: Tensor,
    compute: Compute = AUTOMATIC,
    note: Note = unnoted,
) -> Tensor:
    """The states (K, B, T, D) of K bidirectional encoders, in one recurrence. Values at padding are arbitrary."""
    reversed_KBTE = torch.stack([reverse_within_length(own, mask_BT) for own in inputs_KBTE.unbind(0)])
    lstms = [encoder.rightward for encoder in encoders] + [encoder.leftward for encoder in encoders]
    states = run_side_by_side(lstms, torch.cat([inputs_KBTE, reversed_KBTE]), compute, note)
    rightward, leftward = states[: len(encoders)], states[len(encoders) :]
    leftward = tuple(reverse_within_length(own_BTH, mask_BT) for own_BTH in leftward)
    return torch.cat([torch.stack(rightward), torch.stack(leftward)], dim=-1)
