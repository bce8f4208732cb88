"""Torch's LSTM and GRU, step by step in a `scan`.

`torch.export` unrolls a Python loop for the number of steps that it sees, and torch's own LSTM and GRU with it; see
docs/decisions/0034-exported-programs.md. A `scan` stays one operation for any number of steps. The plain references are
`nn.LSTM` and `nn.GRU` themselves, which are faster everywhere else.

Shapes: B batch, T time steps, E input size, D state size, G the gates in torch's order, 4D of an LSTM and 3D of a GRU.
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
    """An LSTM that returns its states, and None for the last ones."""

    def forward(self, inputs: Tensor, hx: None = None) -> tuple[Tensor, None]:  # type: ignore[override]  # of fewer cases
        """Runs all layers and directions. There is no dropout between layers."""
        return _all_layers(self, inputs, lstm_states, hx), None


@final
class ScannedGru(nn.GRU):
    """A GRU that returns its states, and None for the last ones."""

    def forward(self, inputs: Tensor, hx: None = None) -> tuple[Tensor, None]:  # type: ignore[override]  # of fewer cases
        """Runs all layers and directions. There is no dropout between layers."""
        return _all_layers(self, inputs, gru_states, hx), None


def with_scans(module: nn.Module) -> nn.Module:
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


def _same(network: nn.RNNBase, form: type[Network]) -> Network:
    if network.proj_size:
        raise ConfigError("an LSTM with projections (proj_size) cannot be exported; take one without")
    sizes = network.input_size, network.hidden_size, network.num_layers, network.bias, network.batch_first
    same = form(*sizes, bidirectional=network.bidirectional, device="meta")
    same.load_state_dict(network.state_dict(keep_vars=True), assign=True)
    return same.train(network.training)


def _all_layers(network: nn.RNNBase, inputs: Tensor, states_of: Callable[..., Tensor], hx: None) -> Tensor:
    assert hx is None and inputs.dim() == 3, "batches that begin with states of zeros"
    states_TBD = inputs.transpose(0, 1) if network.batch_first else inputs
    of_directions = iter(cast(Sequence[Sequence[Tensor]], network.all_weights))
    for _ in range(network.num_layers):
        of_layer = [states_of(states_TBD, *next(of_directions))]
        if network.bidirectional:
            of_layer.append(states_of(states_TBD.flip(0), *next(of_directions)).flip(0))
        states_TBD = torch.cat(of_layer, dim=2)
    return states_TBD.transpose(0, 1) if network.batch_first else states_TBD


def lstm_states(
    inputs_TBE: Tensor,
    input_GE: Tensor,
    recurrent_GD: Tensor,
    input_bias_G: Tensor | None = None,
    recurrent_bias_G: Tensor | None = None,
) -> Tensor:
    """Returns the states (T, B, D) of one direction of an LSTM, given its parameters as `nn.LSTM` has them."""
    gates_TBG = F.linear(inputs_TBE, input_GE, input_bias_G)
    if recurrent_bias_G is not None:
        gates_TBG = gates_TBG + recurrent_bias_G
    zeros_BD = gates_TBG.new_zeros(inputs_TBE.shape[1], recurrent_GD.shape[1])
    _, (states_TBD,) = scan(_lstm_step, [zeros_BD, zeros_BD.clone()], [gates_TBG], [recurrent_GD])
    return states_TBD


def _lstm_step(
    state_BD: Tensor, cell_BD: Tensor, gates_BG: Tensor, recurrent_GD: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    enter_BD, keep_BD, candidate_BD, leave_BD = (gates_BG + F.linear(state_BD, recurrent_GD)).chunk(4, dim=1)
    cell_BD = keep_BD.sigmoid() * cell_BD + enter_BD.sigmoid() * candidate_BD.tanh()
    state_BD = leave_BD.sigmoid() * cell_BD.tanh()
    return state_BD, cell_BD, state_BD.clone()


def gru_states(
    inputs_TBE: Tensor,
    input_GE: Tensor,
    recurrent_GD: Tensor,
    input_bias_G: Tensor | None = None,
    recurrent_bias_G: Tensor | None = None,
) -> Tensor:
    """Returns the states (T, B, D) of one direction of a GRU, given its parameters as `nn.GRU` has them."""
    gates_TBG = F.linear(inputs_TBE, input_GE, input_bias_G)
    bias_G = recurrent_GD.new_zeros(recurrent_GD.shape[0]) if recurrent_bias_G is None else recurrent_bias_G
    zeros_BD = gates_TBG.new_zeros(inputs_TBE.shape[1], recurrent_GD.shape[1])
    _, (states_TBD,) = scan(_gru_step, [zeros_BD], [gates_TBG], [recurrent_GD, bias_G])
    return states_TBD


def _gru_step(state_BD: Tensor, gates_BG: Tensor, recurrent_GD: Tensor, bias_G: Tensor) -> tuple[Tensor, Tensor]:
    reset_BD, update_BD, candidate_BD = gates_BG.chunk(3, dim=1)
    from_reset_BD, from_update_BD, from_state_BD = F.linear(state_BD, recurrent_GD, bias_G).chunk(3, dim=1)
    new_BD = (candidate_BD + (reset_BD + from_reset_BD).sigmoid() * from_state_BD).tanh()
    state_BD = torch.lerp(new_BD, state_BD, (update_BD + from_update_BD).sigmoid())
    return state_BD, state_BD.clone()
