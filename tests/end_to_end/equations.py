"""Attention of message passing after the equations of Liu et al. 2019, with an archive's parameters."""

import torch

from mtlkit.data import Text
from mtlkit.kernels.recurrence.message_passing import (
    LstmWeights,
    ScorerWeights,
    reference_direct,
    reference_indirect,
    reference_lstm,
)


def weights_of_equations(archive, words, task, way):
    """(T, N) of one text alone: what an opened archive's words read, in double precision."""
    model = archive.model_for(task).double()
    network = getattr(model.sharing, way)
    numbers = torch.tensor([[archive.vocabulary["words"].index(word) for word in words]])
    mask_BT = torch.ones_like(numbers, dtype=torch.bool)
    inputs_BTE = model.embed(Text(mask_BT, {"words": numbers}), task).detach()
    if way == "right_to_left":
        inputs_BTE = inputs_BTE.flip(1)
    channel = network.channels["shared"]
    attention, fusion = channel.communicator.attention, channel.gate.weights()
    parts = [attention.from_input.weight, attention.from_state.weight, attention.from_source.weight]
    scorer = ScorerWeights(torch.cat(parts, dim=1), attention.score.weight[0])
    own = LstmWeights.of(network.task_lstms[task])
    if network.shared_lstm is not None:
        shared = reference_lstm(inputs_BTE, LstmWeights.of(network.shared_lstm))
        weights_TN = reference_indirect(inputs_BTE, shared, mask_BT, own, scorer, fusion)[1][0]
        return weights_TN.flip(0, 1) if way == "right_to_left" else weights_TN
    senders = [reference_lstm(inputs_BTE, LstmWeights.of(network.task_lstms[name])) for name in network.senders[task]]
    return reference_direct(inputs_BTE, senders, own, scorer, fusion)[1][0]
