"""Every implementation of the fused recurrence against the literal equations, outputs and every gradient."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.recurrence.attentive_lstm import ScorerParts, attentive_lstm
from mtlkit.kernels.recurrence.attentive_recurrence import LARGEST, Recurrence
from mtlkit.kernels.recurrence.compiled import compiled_recurrence
from mtlkit.kernels.recurrence.cuda_graphs import bucket
from mtlkit.kernels.recurrence.graphed import GraphedRecurrence
from mtlkit.kernels.recurrence.message_passing import (
    FusionWeights,
    LstmWeights,
    ScorerWeights,
    reference_direct,
    reference_indirect,
)
from mtlkit.kernels.recurrence.pure import PureRecurrence


def compiled() -> Recurrence:
    built = compiled_recurrence()
    if isinstance(built, BuildError):
        pytest.skip(f"{built}")
    return built


each_recurrence = pytest.mark.parametrize("build", [PureRecurrence, compiled])
both_sources = pytest.mark.parametrize("direct", [False, True], ids=["indirect", "direct"])


@dataclass(frozen=True)
class Size:
    batch: int
    steps: int
    senders: int
    inputs: int
    dim: int
    attention: int


SIZES = [Size(3, 7, 2, 5, 6, 4), Size(4, 12, 3, 9, 16, 20), Size(1, 1, 1, 1, 1, 1), Size(2, 1, 4, 3, 5, 7)]
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


@dataclass
class Case:
    """One batch and all weights. `scale` is that of scorer and gate: how far pre-activations go."""

    inputs_BTE: Tensor
    sources: Tensor
    mask_BT: Tensor
    lstm: nn.LSTM
    scorer: ScorerParts
    fusion: FusionWeights

    @classmethod
    def random(
        cls, size: Size, direct: bool, scale: float = 1.0, dtype: torch.dtype = torch.float64, seed: int = 1
    ) -> "Case":
        torch.manual_seed(seed)
        lstm = nn.LSTM(size.inputs, size.dim, batch_first=True).to(dtype)

        def normal(*shape: int) -> Tensor:
            return (scale * torch.randn(*shape, dtype=dtype)).requires_grad_()

        dims = (size.batch, size.steps, size.senders) if direct else (size.batch, size.steps)
        lengths_B1 = torch.randint(1, size.steps + 1, (size.batch, 1))
        return cls(
            torch.randn(size.batch, size.steps, size.inputs, dtype=dtype, requires_grad=True),
            torch.randn(*dims, size.dim, dtype=dtype).tanh().requires_grad_(),
            torch.arange(size.steps) < lengths_B1,
            lstm,
            ScorerParts(
                normal(size.attention, size.inputs),
                normal(size.attention, size.dim),
                normal(size.attention, size.dim),
                torch.randn(size.attention, dtype=dtype, requires_grad=True),
            ),
            FusionWeights(*(normal(size.dim, size.dim) for _ in range(3))),
        )

    def moved_to(self, device: str) -> "Case":
        def moved(tensor: Tensor) -> Tensor:
            return tensor.detach().to(device).requires_grad_(tensor.requires_grad)

        return Case(
            moved(self.inputs_BTE),
            moved(self.sources),
            moved(self.mask_BT),
            self.lstm.to(device),
            ScorerParts(*map(moved, self.scorer)),
            FusionWeights(*map(moved, self.fusion)),
        )

    @property
    def leaves(self) -> list[Tensor]:
        return [self.inputs_BTE, self.sources, *self.lstm.parameters(), *self.scorer, *self.fusion]

    @property
    def is_direct(self) -> bool:
        return self.sources.dim() == 4

    def fused(self, recurrence: Recurrence) -> tuple[Tensor, Tensor]:
        padding_BN = None if self.is_direct else ~self.mask_BT
        return attentive_lstm(
            self.inputs_BTE, self.sources, padding_BN, self.lstm, self.scorer, self.fusion, recurrence
        )

    def reference(self) -> tuple[Tensor, Tensor]:
        own, scorer = LstmWeights.of(self.lstm), ScorerWeights(torch.cat(self.scorer[:3], dim=1), self.scorer.score_A)
        if self.is_direct:
            senders = [states_BTD.unbind(1) for states_BTD in self.sources.unbind(2)]
            return reference_direct(self.inputs_BTE, senders, own, scorer, self.fusion)
        return reference_indirect(self.inputs_BTE, self.sources.unbind(1), self.mask_BT, own, scorer, self.fusion)

    def gradients(self, states_BTD: Tensor) -> tuple[Tensor, ...]:
        generic = torch.arange(1, states_BTD.numel() + 1, device=states_BTD.device).view(states_BTD.shape).sin()
        return torch.autograd.grad((states_BTD * generic).sum(), self.leaves)


def assert_equal(case: Case, recurrence: Recurrence, **tolerance: Any) -> None:
    (states_BTD, weights_BTN), (expected_BTD, expected_BTN) = case.fused(recurrence), case.reference()
    torch.testing.assert_close(states_BTD, expected_BTD, **tolerance)
    torch.testing.assert_close(weights_BTN, expected_BTN.detach(), **tolerance)
    torch.testing.assert_close(case.gradients(states_BTD), case.gradients(expected_BTD), **tolerance)


@each_recurrence
@both_sources
@each_size
def test_states_weights_and_gradients_are_those_of_the_equations(build: Any, direct: bool, size: Size) -> None:
    assert_equal(Case.random(size, direct), build())


@each_recurrence
@both_sources
@pytest.mark.parametrize("scale", [10.0, 150.0])
def test_large_pre_activations(build: Any, direct: bool, scale: float) -> None:
    """Where the product of exponentials would be wrong, the tanh is taken directly."""
    case = Case.random(SIZES[1], direct, scale)
    keys = case.sources @ case.scorer.from_source_AM.T
    assert keys.abs().max() > (150 if scale == 150 else 0) and 4 * LARGEST > 150
    assert_equal(case, build())


@each_recurrence
@both_sources
@pytest.mark.parametrize("scale", [1.0, 150.0])
def test_single_precision_is_near(build: Any, direct: bool, scale: float) -> None:
    """As near as the plain equations come in single precision, give or take."""
    case, exact = (Case.random(SIZES[1], direct, 1.0, dtype) for dtype in (torch.float32, torch.float64))
    exact.lstm.load_state_dict(case.lstm.state_dict())
    with torch.no_grad():
        for leaf, single in zip(exact.leaves, case.leaves, strict=True):
            leaf.copy_(single)
        for each in (exact, case):
            each.scorer.from_source_AM.mul_(scale)
            each.scorer.from_input_AE.mul_(scale)
    states_BTD, expected_BTD = case.fused(build())[0], exact.reference()[0]
    torch.testing.assert_close(states_BTD.double(), expected_BTD, rtol=0, atol=1e-5 * scale**0.5)
    assert all(gradient.isfinite().all() for gradient in case.gradients(states_BTD))


@each_recurrence
@both_sources
def test_numeric_gradients(build: Any, direct: bool) -> None:
    case, recurrence = Case.random(Size(2, 3, 2, 2, 3, 2), direct), build()

    def states(*_: Tensor) -> Tensor:
        return case.fused(recurrence)[0]

    assert torch.autograd.gradcheck(states, case.leaves)


@each_recurrence
@both_sources
def test_sources_need_no_gradient(build: Any, direct: bool) -> None:
    case = Case.random(SIZES[0], direct)
    case.sources = case.sources.detach()
    leaves = [leaf for leaf in case.leaves if leaf.requires_grad]
    actual, expected = (
        torch.autograd.grad(states_BTD.square().sum(), leaves)
        for states_BTD in (case.fused(build())[0], case.reference()[0])
    )
    torch.testing.assert_close(actual, expected)


@each_recurrence
@both_sources
def test_backward_twice_and_without_a_graph(build: Any, direct: bool) -> None:
    """The way back leaves what it reads as it was."""
    case = Case.random(SIZES[0], direct)
    states_BTD, weights_BTN = case.fused(build())
    first, second = (torch.autograd.grad(states_BTD.sum(), case.leaves, retain_graph=True) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert not weights_BTN.requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(case.fused(build())[0], states_BTD)


@each_recurrence
def test_nothing_of_size_steps_by_sources_by_attention_is_kept(build: Any) -> None:
    size = Size(2, 40, 1, 3, 3, 50)
    case = Case.random(size, direct=False)
    kept: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        case.fused(build())
    assert 0 < max(kept) < size.batch * size.steps * size.steps * size.attention / 5


@both_sources
def test_threads_share_the_rows(direct: bool) -> None:
    case, recurrence = Case.random(Size(5, 6, 3, 4, 8, 6), direct), compiled()
    torch.set_num_threads(3)
    try:
        assert_equal(case, recurrence)
        first, second = (case.gradients(case.fused(recurrence)[0]) for _ in range(2))
    finally:
        torch.set_num_threads(1)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


class Longer:
    """Takes more steps than it is asked for, as graphs do."""

    name = "longer"
    forward, backward = PureRecurrence.forward, PureRecurrence.backward
    prefers_exponentials = PureRecurrence.prefers_exponentials

    def padded(self, steps: int) -> int:
        return -(-steps // 10) * 10


@both_sources
def test_steps_beyond_the_last_change_nothing(direct: bool) -> None:
    case, recurrence = Case.random(SIZES[0], direct), Longer()
    assert_equal(case, recurrence)
    case.mask_BT = torch.ones_like(case.mask_BT)
    assert_equal(case, recurrence)


def test_buckets() -> None:
    buckets = sorted({bucket(steps) for steps in range(1, 513)})
    assert len(buckets) == 16 + 8 * 5 and buckets[:17] == [*range(1, 17), 18] and buckets[-1] == 512
    assert all(steps <= bucket(steps) <= 1.125 * steps for steps in range(1, 513))


on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.mark.gpu
@on_a_gpu
@pytest.mark.parametrize("build", [PureRecurrence, GraphedRecurrence])
@both_sources
@each_size
def test_on_a_gpu_it_is_the_same(build: Any, direct: bool, size: Size) -> None:
    recurrence = build()
    for seed in range(2):  # captured, then replayed
        assert_equal(Case.random(size, direct, seed=seed).moved_to("cuda"), recurrence)


@pytest.mark.gpu
@on_a_gpu
@both_sources
def test_graphs_with_the_same_shapes_do_not_disturb_each_other(direct: bool) -> None:
    recurrence = GraphedRecurrence()
    cases = [Case.random(SIZES[0], direct, seed=seed).moved_to("cuda") for seed in range(2)]
    states = [case.fused(recurrence)[0] for case in cases]
    for case, states_BTD in zip(cases, states, strict=True):
        torch.testing.assert_close(case.gradients(states_BTD), case.gradients(case.reference()[0]))


@pytest.mark.gpu
@on_a_gpu
@both_sources
def test_graphs_captured_in_evaluation_serve_training(direct: bool) -> None:
    case, recurrence = Case.random(SIZES[0], direct).moved_to("cuda"), GraphedRecurrence()
    with torch.inference_mode():
        case.fused(recurrence)
    assert_equal(case, recurrence)
