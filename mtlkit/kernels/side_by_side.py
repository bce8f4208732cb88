"""Several plain LSTMs of one size over the same positions, such as direct communication's senders or cross-stitch's
networks.

On a CPU they run through torch's own LSTM, one after the other or in threads (networks_in_threads.py). A batched form
is 1.3 to 1.9 times slower there, since the weights of many networks leave the cache at every step
(docs/decisions/0015-kernels.md). On a GPU the number of kernel launches matters, and one recurrence advances all
networks by one step per launch.

Shapes: K networks, B batch, T time steps, S = T + 1, E input size, D state size, G = 4D.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mtlkit.kernels.choice import uses_graphs
from mtlkit.kernels.compute import AUTOMATIC, Compute, Note, unnoted
from mtlkit.kernels.networks_in_threads import run_each
from mtlkit.kernels.recurrence.cuda_graphs import Captured, bucket

Tensors = tuple[Tensor, ...]
Run = Callable[..., Tensors]


def run_side_by_side(
    lstms: Sequence[nn.LSTM], inputs_KBTE: Tensor, compute: Compute = AUTOMATIC, note: Note = unnoted
) -> Tensors:
    """Returns the states (B, T, D) of each network over its own input. All must have one layer, one direction and the
    same size.
    """
    # There is no compiled form, so `kernels: compiled` asks for nothing here and must not be refused on a GPU.
    if len(lstms) == 1 or not uses_graphs(inputs_KBTE.device, compute):
        return run_each(lstms, lambda lstm, own_BTE: lstm(own_BTE)[0], inputs_KBTE.unbind(0), compute, note)
    note("networks", "graphs")
    steps = inputs_KBTE.shape[2]
    padded_KBTE = nn.functional.pad(inputs_KBTE, (0, 0, 0, bucket(steps) - steps))
    states_KBTD = batched(lstms, padded_KBTE, _GRAPHED_FORWARD, _GRAPHED_BACKWARD)
    return states_KBTD[:, :, :steps].unbind(0)


def batched(lstms: Sequence[nn.LSTM], inputs_KBTE: Tensor, forward: Run, backward: Run) -> Tensor:
    """Computes the states (K, B, T, D) of all networks by one recurrence that advances them together. `forward` and
    `backward` run its loops.

    Under autocast the products of the inputs run in the lower precision, and the recurrence in float32.
    """
    weights = [lstm.all_weights[0] for lstm in lstms]
    input_KEG, recurrent_KDG = (torch.stack([own[part] for own in weights]).mT for part in range(2))
    bias_K1G = torch.stack([own[2] + own[3] for own in weights]).unsqueeze(1)
    (networks, batch, steps, _), full = inputs_KBTE.shape, torch.promote_types(recurrent_KDG.dtype, torch.float32)
    rows_KRE = inputs_KBTE.transpose(1, 2).reshape(networks, steps * batch, -1)
    gates_KRG = torch.baddbmm(bias_K1G, rows_KRE, input_KEG).to(full)
    states_KTBD: Tensor = _SideBySide.apply(  # type: ignore[no-untyped-call]  # untyped in torch
        forward, backward, gates_KRG.view(networks, steps, batch, -1), recurrent_KDG.to(full)
    )
    return states_KTBD.transpose(1, 2)


@final
class _SideBySide(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, forward: Run, backward: Run, projected_KTBG: Tensor, recurrent_KDG: Tensor) -> Tensor:
        states_KSBD, *others = forward(projected_KTBG, recurrent_KDG)
        ctx.run_back = backward
        ctx.save_for_backward(recurrent_KDG, states_KSBD, *others)
        return states_KSBD[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_KTBD: Tensor) -> tuple[None, None, Tensor, Tensor]:
        recurrent_KDG, states_KSBD, *others = ctx.saved_tensors
        (slopes_KTBG,) = ctx.run_back(gradient_KTBD, recurrent_KDG, *others)
        before_KRD, slopes_KRG = states_KSBD[:, :-1].flatten(1, 2), slopes_KTBG.flatten(1, 2)
        return None, None, slopes_KTBG, torch.bmm(before_KRD.mT, slopes_KRG)


def run_forward(projected_KTBG: Tensor, recurrent_KDG: Tensor) -> Tensors:
    """Runs the forward loop.

    Returns:
        States and cells (K, S, B, D), gates after their activation functions (K, T, B, G), and the tanh of the cells
        (K, T, B, D).
    """
    networks, steps, batch, width = projected_KTBG.shape
    dim = width // 4
    states_KSBD = projected_KTBG.new_zeros(networks, steps + 1, batch, dim)
    cells_KSBD, gates_KTBG = torch.zeros_like(states_KSBD), torch.empty_like(projected_KTBG)
    outputs_KTBD = projected_KTBG.new_empty(networks, steps, batch, dim)
    states, cells, gates, outputs = (tensor.unbind(1) for tensor in (states_KSBD, cells_KSBD, gates_KTBG, outputs_KTBD))
    enter_and_keep = gates_KTBG[..., : 2 * dim].unbind(1)
    enter, keep, candidate, leave = (part.unbind(1) for part in gates_KTBG.chunk(4, dim=-1))
    for time, projected_KBG in enumerate(projected_KTBG.unbind(1)):
        torch.baddbmm(projected_KBG, states[time], recurrent_KDG, out=gates[time])
        enter_and_keep[time].sigmoid_()
        candidate[time].tanh_()
        leave[time].sigmoid_()
        cell_KBD = torch.mul(keep[time], cells[time], out=cells[time + 1])
        cell_KBD.addcmul_(enter[time], candidate[time])
        torch.mul(leave[time], torch.tanh(cell_KBD, out=outputs[time]), out=states[time + 1])
    return states_KSBD, cells_KSBD, gates_KTBG, outputs_KTBD


def run_backward(
    gradient_KTBD: Tensor, recurrent_KDG: Tensor, cells_KSBD: Tensor, gates_KTBG: Tensor, outputs_KTBD: Tensor
) -> Tensors:
    """Runs the backward loop, and returns the gradient of `projected_KTBG`."""
    enter, keep, candidate, leave = gates_KTBG.chunk(4, dim=-1)
    by_state = (outputs_KTBD * leave * (1 - leave)).unbind(1)
    to_cell = (leave * (1 - outputs_KTBD.square())).unbind(1)
    factors = [
        candidate * enter * (1 - enter),
        cells_KSBD[:, :-1] * keep * (1 - keep),
        enter * (1 - candidate.square()),
    ]
    by_cell, keeps = torch.stack(factors, dim=3).unbind(1), keep.unbind(1)
    slopes_KTBG, dim = torch.empty_like(gates_KTBG), enter.shape[-1]
    slopes, leaves = slopes_KTBG.unbind(1), slopes_KTBG[..., 3 * dim :].unbind(1)
    others = slopes_KTBG[..., : 3 * dim].view(*gates_KTBG.shape[:3], 3, dim).unbind(1)
    gradients = gradient_KTBD.unbind(1)
    state_KBD, cell_KBD = torch.zeros_like(by_state[0]), torch.zeros_like(by_state[0])
    for time in reversed(range(len(gradients))):
        # The order is that of recurrence/pure.py, and for its reasons.
        state_KBD.add_(gradients[time])
        cell_KBD.addcmul_(state_KBD, to_cell[time])
        torch.mul(state_KBD, by_state[time], out=leaves[time])
        torch.mul(by_cell[time], cell_KBD.unsqueeze(2), out=others[time])
        cell_KBD.mul_(keeps[time])
        torch.bmm(slopes[time], recurrent_KDG.mT, out=state_KBD)
    return (slopes_KTBG,)


_GRAPHED_FORWARD, _GRAPHED_BACKWARD = Captured(run_forward), Captured(run_backward)
