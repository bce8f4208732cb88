"""Torch's LSTM and GRU, step by step in a `scan`.

`torch.export` unrolls a Python loop for the number of steps that it sees, and torch's own LSTM and GRU with it; see
docs/decisions/0032-exported-programs.md. A `scan` stays one operation for any number of steps. The plain references are
`nn.LSTM` and `nn.GRU` themselves, which are faster everywhere else.

Shapes: B batch, T time steps, N layers times directions, E input size, D state size, G the gates in torch's order, 4D
of an LSTM and 3D of a GRU.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.errors import ConfigError

Step = Callable[..., tuple[Tensor, ...]]
"""What was carried, a step's part of each sequence, and the constants -> what to carry on, and the step's results."""
Network = TypeVar("Network", bound=nn.RNNBase)
Whole = TypeVar("Whole", bound=nn.Module)


def scan(
    step: Step, carried: Sequence[Tensor], by_step: Sequence[Tensor], constants: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Runs a step for each row of the sequences, in order.

    Args:
        step: all that it reads must be among its arguments, and no result may be one of them or share memory with one.
        carried: what the first step is given. Each step must carry on tensors of the same shapes and types.
        by_step: sequences, with as many rows as there are steps, at least one.
        constants: what every step is given.

    Returns:
        What the last step has carried on, and the results of all steps, each stacked along its first dimension.
    """
    found: Any = torch.ops.higher_order.scan(step, list(carried), list(by_step), tuple(constants))
    return list(found[: len(carried)]), list(found[len(carried) :])


@final
class ScannedLstm(nn.LSTM):
    """An LSTM for batches of three dimensions, without dropout between layers."""

    def forward(  # type: ignore[override]  # of packed sequences
        self, inputs: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns the states and the last states and cells, as `nn.LSTM` does."""
        states, (last_NBD, cells_NBD) = _all_layers(self, inputs, _lstm_step, hx or (_zeros(self, inputs),) * 2)
        return states, (last_NBD, cells_NBD)


@final
class ScannedGru(nn.GRU):
    """A GRU for batches of three dimensions, without dropout between layers."""

    def forward(  # type: ignore[override]  # of packed sequences
        self, inputs: Tensor, hx: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns the states and the last states, as `nn.GRU` does."""
        states, (last_NBD,) = _all_layers(self, inputs, _gru_step, (_zeros(self, inputs) if hx is None else hx,))
        return states, last_NBD


def with_scans(module: Whole) -> Whole:
    """Puts scans in the place of all LSTMs and GRUs inside a module, with the same parameters. Returns the module.

    Raises:
        ConfigError: one of them has projections (`proj_size`).
    """
    for name, part in module.named_children():
        if isinstance(part, nn.LSTM):
            setattr(module, name, _same(part, ScannedLstm))
        elif isinstance(part, nn.GRU):
            setattr(module, name, _same(part, ScannedGru))
        else:
            with_scans(part)
    return module


def _same(network: nn.RNNBase, form: Callable[..., Network]) -> Network:
    if network.proj_size:
        raise ConfigError("an LSTM with projections (proj_size) cannot be exported; take one without")
    sizes = network.input_size, network.hidden_size, network.num_layers, network.bias, network.batch_first
    same = form(*sizes, bidirectional=network.bidirectional, device="meta")
    for name, parameter in network.named_parameters():
        setattr(same, name, parameter)
    return same.train(network.training)


def _zeros(network: nn.RNNBase, inputs: Tensor) -> Tensor:
    num_texts = inputs.shape[0 if network.batch_first else 1]
    return inputs.new_zeros(len(network.all_weights), num_texts, network.hidden_size)


def _all_layers(
    network: nn.RNNBase, inputs: Tensor, step: Step, begin: Sequence[Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs all layers and directions, each from its row of the tensors (N, B, D) to begin with. Returns the states of
    the last layer, and what each direction of each layer has carried to its end.
    """
    states_TBD = inputs.transpose(0, 1) if network.batch_first else inputs
    directions = 2 if network.bidirectional else 1
    ends: list[list[Tensor]] = []
    for _ in range(network.num_layers):
        of_directions = []
        for leftward in range(directions):
            input_GE, recurrent_GD, *biases = cast(Sequence[Tensor], network.all_weights[len(ends)])
            input_bias_G, recurrent_bias_G = biases or [recurrent_GD.new_zeros(recurrent_GD.shape[0])] * 2
            gates_TBG = F.linear(states_TBD.flip(0) if leftward else states_TBD, input_GE, input_bias_G)
            carried = [rows_NBD[len(ends)].clone() for rows_NBD in begin]
            end, (own_TBD,) = scan(step, carried, [gates_TBG], [recurrent_GD, recurrent_bias_G])
            of_directions.append(own_TBD.flip(0) if leftward else own_TBD)
            ends.append(end)
        states_TBD = torch.cat(of_directions, dim=2)
    states = states_TBD.transpose(0, 1) if network.batch_first else states_TBD
    return states, tuple(torch.stack(each) for each in zip(*ends, strict=True))


def _lstm_step(
    state_BD: Tensor, cell_BD: Tensor, gates_BG: Tensor, recurrent_GD: Tensor, bias_G: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    gates_BG = gates_BG + F.linear(state_BD, recurrent_GD, bias_G)
    enter_BD, keep_BD, candidate_BD, leave_BD = gates_BG.chunk(4, dim=1)
    cell_BD = keep_BD.sigmoid() * cell_BD + enter_BD.sigmoid() * candidate_BD.tanh()
    state_BD = leave_BD.sigmoid() * cell_BD.tanh()
    return state_BD, cell_BD, state_BD.clone()


def _gru_step(state_BD: Tensor, gates_BG: Tensor, recurrent_GD: Tensor, bias_G: Tensor) -> tuple[Tensor, Tensor]:
    reset_BD, update_BD, candidate_BD = gates_BG.chunk(3, dim=1)
    from_reset_BD, from_update_BD, from_state_BD = F.linear(state_BD, recurrent_GD, bias_G).chunk(3, dim=1)
    new_BD = (candidate_BD + (reset_BD + from_reset_BD).sigmoid() * from_state_BD).tanh()
    state_BD = torch.lerp(new_BD, state_BD, (update_BD + from_update_BD).sigmoid())
    return state_BD, state_BD.clone()
