"""The message-passing recurrence in several ways over the same parameters and inputs, for benchmarks.

Each way computes the states of LSTM' over one batch, given the sources of its messages:

    naive      what one writes from the paper: `cat` and `Linear` at every step, under autograd
    split      step by step, what does not depend on the step done beforehand: `trainer.kernels` = `plain`
    pure       one operation in PyTorch with a backward pass of its own: `pure`
    compiled   the same in C++: `compiled`; only where there is a compiler
    graphs     the loops of `pure` as CUDA graphs: `graphs`; only on a CUDA device
    lstm       `torch.nn.LSTM` of the same size on the same batch: a network without messages

Shapes: B batch, T time steps, D the size of everything, N sources.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Lazy
from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.compiled import compiled_recurrence
from mtlkit.kernels.recurrence.graphed import GraphedRecurrence
from mtlkit.kernels.recurrence.message_passing import lstm_prime
from mtlkit.kernels.recurrence.pure import PureRecurrence
from mtlkit.sharing.channel import Channel
from mtlkit.sharing.communicators import Communicator, DirectCommunicator, IndirectCommunicator

Way = Callable[[], Tensor]


@dataclass(frozen=True)
class Case:
    """One size. `tasks`: how many communicate directly, one of them reading; None is indirect, which reads all T."""

    steps: int
    tasks: int | None = None
    batch: int = 8
    dim: int = 200

    @property
    def name(self) -> str:
        """The name of the case in a table."""
        kind = "indirect" if self.tasks is None else f"direct K={self.tasks}"
        return f"{kind} T={self.steps} B={self.batch}"


class RecurrenceInputs:
    """Parameters and inputs of a case; the sentences of indirect communication have any lengths from 1 to T."""

    def __init__(self, case: Case, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        torch.manual_seed(0)
        self.case = case
        like = {"device": device, "dtype": dtype}
        lazy: Lazy[Communicator] = Lazy.of(IndirectCommunicator if case.tasks is None else DirectCommunicator)
        self.communicator: Any = lazy.build(input_dim=case.dim, state_dim=case.dim, tasks=["a", "b"]).to(**like)
        self.lstm = nn.LSTM(case.dim, case.dim, batch_first=True).to(**like)
        self.gate = Channel(self.communicator, case.dim).gate.to(**like)
        shape = (case.batch, case.steps) if case.tasks is None else (case.batch, case.steps, case.tasks - 1)
        self.inputs_BTD = torch.randn(case.batch, case.steps, case.dim).to(**like).requires_grad_()
        self.sources = torch.randn(*shape, case.dim).tanh().to(**like).requires_grad_()
        lengths_B1 = torch.randint(1, case.steps + 1, (case.batch, 1))
        self.mask_BT = (torch.arange(case.steps) < lengths_B1).to(device)

    def ways(self) -> dict[str, Way]:
        """All that there are on this device, by name; each runs the forward pass."""
        ways: dict[str, Way] = {"naive": self._naive, "split": self._split, "pure": self._fused(PureRecurrence())}
        if self.inputs_BTD.is_cuda:
            ways["graphs"] = self._fused(GraphedRecurrence())
        elif not isinstance(built := compiled_recurrence(), BuildError):
            ways["compiled"] = self._fused(built)
        return {**ways, "lstm": lambda: self.lstm(self.inputs_BTD)[0]}

    def leaves(self) -> list[Tensor]:
        """Whatever gets a gradient."""
        modules = (self.lstm, self.communicator, self.gate)
        return [self.inputs_BTD, self.sources, *(parameter for module in modules for parameter in module.parameters())]

    def backward(self, states_BTD: Tensor) -> None:
        """A whole backward pass, to gradients that are allocated again."""
        for leaf in self.leaves():
            leaf.grad = None
        states_BTD.sum().backward()  # type: ignore[no-untyped-call]  # untyped in torch

    def _fused(self, recurrence: Recurrence) -> Way:
        def run() -> Tensor:
            weights = self.gate.weights()
            given = (self.inputs_BTD, self.sources, self.mask_BT, self.lstm, weights, recurrence)
            states_BTD: Tensor = self.communicator.fused(*given)[0]
            return states_BTD

        return run

    def _split(self) -> Tensor:
        communicator = self.communicator
        memory = communicator.prepare(self.inputs_BTD, self.sources, self.mask_BT)
        receive = lambda step, state_BD: communicator.step(step, state_BD, memory)  # noqa: E731
        return lstm_prime(self.inputs_BTD, self.lstm, receive, self.gate)[0]

    def _naive(self) -> Tensor:
        attention, gate, dim = self.communicator.attention, self.gate, self.case.dim
        scorer = [attention.from_input.weight, attention.from_state.weight, attention.from_source.weight]
        attention_weight = torch.cat(scorer, dim=1)
        gates_weight = torch.cat([self.lstm.weight_ih_l0, self.lstm.weight_hh_l0], 1)
        bias = self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0
        state_BD = cell_BD = self.inputs_BTD.new_zeros(self.case.batch, dim)
        states = []
        for time in range(self.case.steps):
            input_BD = self.inputs_BTD[:, time]
            sources_BND = self.sources if self.case.tasks is None else self.sources[:, time]
            own = torch.cat([input_BD, state_BD], dim=-1)
            both = torch.cat([own.unsqueeze(1).expand(-1, sources_BND.shape[1], -1), sources_BND], dim=-1)
            scores_BN = attention.score(torch.tanh(F.linear(both, attention_weight))).squeeze(-1)
            if self.case.tasks is None:
                scores_BN = scores_BN.masked_fill(~self.mask_BT, -torch.inf)
            message_BD = (scores_BN.softmax(dim=-1).unsqueeze(-1) * sources_BND).sum(dim=1)
            enter, keep, candidate, leave = F.linear(own, gates_weight, bias).chunk(4, dim=-1)
            cell_BD = keep.sigmoid() * cell_BD + enter.sigmoid() * candidate.tanh()
            state_BD = leave.sigmoid() * gate(cell_BD, message_BD).tanh()
            states.append(state_BD)
        return torch.stack(states, dim=1)
