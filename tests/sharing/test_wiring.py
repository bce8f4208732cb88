"""The schemes that wire plain encoders, each against LSTMs run step by step by the printed equations, in float64."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.encoders import Encoder, LstmEncoder
from mtlkit.errors import ConfigError
from mtlkit.kernels.recurrence.message_passing import LstmWeights, reference_lstm
from mtlkit.kernels.sequences import zero_padding
from mtlkit.sharing import (
    AdversarialSharedPrivate,
    CrossStitch,
    Hierarchical,
    ParallelSharedPrivate,
    SharingScheme,
    StackedSharedPrivate,
)
from mtlkit.training.precision import autocast

TASKS = ["movie", "product", "tweet"]
INPUT, STATE, TIME = 4, 5, 6
MASK_BT = torch.arange(TIME) < torch.tensor([[TIME], [2], [4]])
INPUTS_BTE = torch.randn(3, TIME, INPUT, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
LSTM: Lazy[Encoder] = Lazy.of(LstmEncoder, hidden_dim=STATE)
DEPTHS = {"movie": 1, "product": 2, "tweet": 3}


def run(encoder: Any, inputs_BTE: Tensor) -> Tensor:
    """An LSTM by its equations; the mask is left to the end, as padding lies where it has not looked yet."""
    return torch.stack(reference_lstm(inputs_BTE, LstmWeights.of(encoder.lstm)), dim=1)


def stacked(scheme: Any, inputs_BTE: Tensor, task: str) -> Tensor:
    return run(scheme.private[task], run(scheme.shared, inputs_BTE))


def parallel(scheme: Any, inputs_BTE: Tensor, task: str) -> Tensor:
    return torch.cat([run(scheme.shared, inputs_BTE), run(scheme.private[task], inputs_BTE)], dim=-1)


def adversarial(scheme: Any, inputs_BTE: Tensor, task: str) -> Tensor:
    return torch.cat([run(scheme.private[task], inputs_BTE), run(scheme.shared, inputs_BTE)], dim=-1)


def cross_stitch(scheme: Any, inputs_BTE: Tensor, task: str) -> Tensor:
    """Misra et al. 2016, eq. 1, with one number for each pair of tasks: x~_i = sum over j of a_ij x_j."""
    read = [inputs_BTE] * len(TASKS)
    for network, mixture_KK in zip(scheme.networks, scheme.mixtures_NKK, strict=True):
        written = [run(network[name], states_BTD) for name, states_BTD in zip(TASKS, read, strict=True)]
        read = []
        for i in range(len(TASKS)):
            mixed_BTD = torch.zeros_like(written[0])
            for j, states_BTD in enumerate(written):
                mixed_BTD = mixed_BTD + mixture_KK[i, j] * states_BTD
            read.append(mixed_BTD)
    return read[TASKS.index(task)]


def hierarchical(scheme: Any, inputs_BTE: Tensor, task: str) -> Tensor:
    states_BTD = inputs_BTE
    for layer in range(DEPTHS[task]):
        states_BTD = run(scheme.layers[layer], states_BTD)
    return states_BTD


@dataclass(frozen=True)
class Case:
    component: type[SharingScheme]
    reference: Callable[[Any, Tensor, str], Tensor]
    settings: dict[str, Any]

    def build(self, tasks: list[str] = TASKS) -> SharingScheme:
        torch.manual_seed(1)
        lazy: Lazy[SharingScheme] = Lazy.of(self.component, **self.settings)
        scheme = lazy.build(input_dim=INPUT, tasks=tasks).double()
        for parameter in scheme.parameters():
            nn.init.normal_(parameter)
        return scheme


CASES = [
    Case(StackedSharedPrivate, stacked, {"encoder": LSTM}),
    Case(StackedSharedPrivate, stacked, {"encoder": LSTM, "private_encoder": Lazy.of(LstmEncoder, hidden_dim=3)}),
    Case(ParallelSharedPrivate, parallel, {"encoder": LSTM}),
    Case(ParallelSharedPrivate, parallel, {"encoder": LSTM, "private_encoder": Lazy.of(LstmEncoder, hidden_dim=3)}),
    Case(AdversarialSharedPrivate, adversarial, {"encoder": LSTM}),
    Case(CrossStitch, cross_stitch, {"encoder": LSTM}),
    Case(CrossStitch, cross_stitch, {"encoder": LSTM, "layers": 3, "init": "uniform"}),
    Case(Hierarchical, hierarchical, {"layers": [LSTM] * 3, "depths": DEPTHS}),
]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.reference.__name__}-{len(case.settings)}")


def gradients(scheme: SharingScheme, states_BTD: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """Gradients of a generic scalar, by name, of the parameters and inputs that it depends on."""
    scalar = (states_BTD * torch.arange(1, states_BTD.numel() + 1).view(states_BTD.shape).sin()).sum()
    leaves = {**dict(scheme.named_parameters()), **inputs}
    found = torch.autograd.grad(scalar, list(leaves.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(leaves, found, strict=True) if gradient is not None}


@each_case
@pytest.mark.parametrize("task", TASKS)
def test_equals_the_equations(case: Case, task: str) -> None:
    scheme = case.build()
    inputs_BTE = INPUTS_BTE.clone().requires_grad_()
    states_BTD = scheme(inputs_BTE, MASK_BT, task).states_BTD
    expected_BTD = zero_padding(case.reference(scheme, inputs_BTE, task), MASK_BT)

    assert states_BTD.shape[-1] == scheme.output_dim
    torch.testing.assert_close(states_BTD, expected_BTD)
    actual = gradients(scheme, states_BTD, inputs=inputs_BTE)
    expected = gradients(scheme, expected_BTD, inputs=inputs_BTE)
    assert {name for name in actual if actual[name].any()} == {name for name in expected if expected[name].any()}
    for name in expected:
        torch.testing.assert_close(actual[name], expected[name], msg=lambda text, name=name: f"{name}: {text}")


@each_case
@settings(max_examples=10, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    extra=st.integers(0, 3),
    order=st.randoms(use_true_random=False),
)
def test_padding_and_batch_order_change_nothing(case: Case, lengths: list[int], extra: int, order: Any) -> None:
    scheme = case.build().requires_grad_(False)
    rows = [torch.randn(length, INPUT, dtype=torch.float64) for length in lengths]
    alone = [scheme(row[None], torch.ones(1, len(row), dtype=torch.bool), "movie").states_BTD[0] for row in rows]
    order.shuffle(shuffled := list(range(len(rows))))

    width = max(lengths) + extra
    inputs_BTE = torch.full((len(rows), width, INPUT), 1e3, dtype=torch.float64)
    mask_BT = torch.arange(width) < torch.tensor([[lengths[row]] for row in shuffled])
    inputs_BTE[mask_BT] = torch.cat([rows[row] for row in shuffled])
    together_BTD = scheme(inputs_BTE, mask_BT, "movie").states_BTD

    assert not together_BTD[~mask_BT].any()
    for states_TD, row in zip(together_BTD, shuffled, strict=True):
        torch.testing.assert_close(states_TD[: lengths[row]], alone[row])


@each_case
def test_bfloat16_autocast_stays_finite(case: Case) -> None:
    scheme = case.build().float()
    with autocast(torch.device("cpu"), "bf16"):
        shared = scheme(INPUTS_BTE.float(), MASK_BT, "movie")
    assert all(gradient.isfinite().all() for gradient in gradients(scheme, shared.states_BTD).values())
    assert all(loss.isfinite() for loss in shared.losses.values())


@pytest.mark.parametrize("case", CASES[:5], ids=lambda case: case.reference.__name__)
def test_a_batch_trains_what_is_shared_and_its_own_task(case: Case) -> None:
    scheme = case.build()
    trained = gradients(scheme, scheme(INPUTS_BTE, MASK_BT, "movie").states_BTD)
    assert {".".join(name.split(".")[:2]) for name in trained if "private" in name} == {"private.movie"}
    assert {name for name in trained if "shared." in name} == {
        name for name, _ in scheme.named_parameters() if "shared." in name
    }


def test_a_batch_trains_the_layers_below_its_head_alone() -> None:
    scheme = CASES[-1].build()
    for task, depth in DEPTHS.items():
        trained = gradients(scheme, scheme(INPUTS_BTE, MASK_BT, task).states_BTD)
        assert {int(name.split(".")[1]) for name in trained} == set(range(depth))


@pytest.mark.parametrize(
    ("init", "own", "other"), [("imbalanced", 0.9, 0.05), ("uniform", 1 / 3, 1 / 3)], ids=["imbalanced", "uniform"]
)
def test_mixtures_begin_as_documented(init: Any, own: float, other: float) -> None:
    scheme = CrossStitch(LSTM, 4, init, input_dim=INPUT, tasks=TASKS)
    expected_KK = torch.tensor([[own, other, other], [other, own, other], [other, other, own]])
    torch.testing.assert_close(scheme.mixtures_NKK.detach(), expected_KK.expand(4, 3, 3))


def test_mixtures_of_one_task_alone_are_networks_of_their_own() -> None:
    scheme: Any = CASES[5].build()
    with torch.no_grad():
        scheme.mixtures_NKK.copy_(torch.eye(3).expand(2, 3, 3))
    expected_BTD = run(scheme.networks[1]["tweet"], run(scheme.networks[0]["tweet"], INPUTS_BTE))
    torch.testing.assert_close(scheme(INPUTS_BTE, MASK_BT, "tweet").states_BTD, zero_padding(expected_BTD, MASK_BT))


def test_a_lone_task_has_nothing_to_be_stitched_to() -> None:
    with pytest.raises(ConfigError, match=r"nothing to stitch 'movie' to: cross_stitch needs at least two tasks"):
        CASES[5].build(["movie"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"depths": {"movie": 1, "product": 2, "twet": 3}}, "no task is named 'twet'; did you mean 'tweet'"),
        ({"depths": {**DEPTHS, "x": 1}}, r"no task is named 'x' \(the tasks: movie, product, tweet\)"),
        ({"depths": {"movie": 1, "product": 3}}, "task 'tweet' has none; give the number of layers below its head"),
        ({"depths": {**DEPTHS, "tweet": 4}}, r"depths\.tweet: is 4, but the uppermost layer is 3"),
        ({"depths": dict.fromkeys(TASKS, 1)}, "no task has a head above layer 1, so layer 2 learns nothing"),
        (
            {"layers": [LSTM, Lazy.of(LstmEncoder, hidden_dim=3), LSTM]},
            "task 'movie' would have states of size 5 and task 'product' of size 3; give the layers that carry a head",
        ),
    ],
    ids=["misspelt", "unknown", "missing", "too-deep", "idle", "sizes"],
)
def test_wrong_depths_are_explained(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Case(Hierarchical, hierarchical, {"layers": [LSTM] * 3, "depths": DEPTHS, **changes}).build()


def test_layers_without_a_head_may_have_any_size() -> None:
    depths = {"movie": 1, "product": 3, "tweet": 3}
    layers = [LSTM, Lazy.of(LstmEncoder, hidden_dim=7), LSTM]
    scheme = Case(Hierarchical, hierarchical, {"layers": layers, "depths": depths}).build()
    assert scheme(INPUTS_BTE, MASK_BT, "product").states_BTD.shape == (3, TIME, STATE)
