"""What every head promises."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.config import Lazy
from mtlkit.heads import Classifier, CrfTagger, Head, in_full_precision
from mtlkit.metrics import Metric

LABELS = ["O", "B-NP", "I-NP", "B-VP"]
HEADS = [
    Lazy.of(Classifier, pool="last"),
    Lazy.of(Classifier, pool="mean"),
    Lazy.of(Classifier, pool="max"),
    Lazy.of(Classifier, pool="attention", attention_dim=5),
    Lazy.of(CrfTagger),
    Lazy.of(CrfTagger, constrain=False),
]
each_head = pytest.mark.parametrize("lazy", HEADS, ids=repr)
lengths = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@dataclass
class Rows:
    """A batch's rows, unpadded: states (T, D), and targets () or (T,)."""

    states: list[Tensor]
    targets: list[Tensor]

    def batch(self, num_steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """States with noise at padding, the mask, and targets."""
        states_BTD = torch.full((len(self.states), num_steps, 3), 100.0, dtype=torch.float64)
        mask_BT = torch.zeros(len(self.states), num_steps, dtype=torch.bool)
        targets_BT = torch.full(mask_BT.shape, -1)
        for row, states_TD in enumerate(self.states):
            states_BTD[row, : len(states_TD)] = states_TD
            mask_BT[row, : len(states_TD)] = True
            targets_BT[row, : len(states_TD)] = self.targets[row]
        return states_BTD, mask_BT, targets_BT if self.targets[0].dim() else torch.stack(self.targets)


def build(lazy: Lazy[Head]) -> Head:
    torch.manual_seed(1)
    return lazy.build(input_dim=3, labels=LABELS).double()


def rows(head: Head, lengths: list[int]) -> Rows:
    states = [torch.randn(length, 3, dtype=torch.float64) for length in lengths]
    shapes = [() if head.target_kind == "label" else (length,) for length in lengths]
    return Rows(states, [torch.randint(len(LABELS), shape) for shape in shapes])


def test_every_registered_head_is_tested() -> None:
    assert {lazy.type for lazy in HEADS} == set(Head.list_available())


@each_head
@given(lengths=lengths, extra=st.integers(0, 3))
def test_each_row_is_decoded_as_if_it_were_alone(lazy: Lazy[Head], lengths: list[int], extra: int) -> None:
    head = build(lazy)
    data = rows(head, lengths)
    decoded = head.decode(*data.batch(max(lengths) + extra)[:2])
    for row, length in enumerate(lengths):
        alone = head.decode(*Rows([data.states[row]], [data.targets[row]]).batch(length)[:2])
        if decoded.ids.dim() == 1:
            assert decoded.ids[row] == alone.ids[0]
        else:
            assert torch.equal(decoded.ids[row, :length], alone.ids[0])
            assert (decoded.ids[row, length:] == -1).all()
        if decoded.confidence_B is not None and alone.confidence_B is not None:
            torch.testing.assert_close(decoded.confidence_B[row], alone.confidence_B[0])


@each_head
@given(lengths=lengths, extra=st.integers(0, 3))
def test_the_loss_is_the_mean_of_its_rows(lazy: Lazy[Head], lengths: list[int], extra: int) -> None:
    head = build(lazy)
    data = rows(head, lengths)
    alone_B = torch.stack(
        [
            head.loss(*Rows([states], [targets]).batch(len(states)))
            for states, targets in zip(data.states, data.targets, strict=True)
        ]
    )
    weights_B = torch.tensor([targets.numel() for targets in data.targets])
    expected = (alone_B * weights_B).sum() / weights_B.sum()
    torch.testing.assert_close(head.loss(*data.batch(max(lengths) + extra)), expected)


@each_head
def test_what_is_unknown_is_left_out_of_the_loss(lazy: Lazy[Head]) -> None:
    head = build(lazy)
    data = rows(head, [4, 2, 3])
    known = Rows(data.states[:2], data.targets[:2])
    data.targets[2].view(-1)[-1] = -1
    torch.testing.assert_close(head.loss(*data.batch(4)), head.loss(*known.batch(4)))


@each_head
def test_a_batch_without_known_targets_has_a_loss_of_zero_with_zero_gradients(lazy: Lazy[Head]) -> None:
    head = build(lazy)
    states_BTD, mask_BT, targets = rows(head, [4, 2]).batch(4)
    loss = head.loss(states_BTD, mask_BT, torch.full_like(targets, -1))
    loss.backward()
    assert loss == 0
    for parameter in head.parameters():
        assert parameter.grad is not None and not parameter.grad.any()


@each_head
def test_every_parameter_learns(lazy: Lazy[Head]) -> None:
    head = build(lazy)
    head.loss(*rows(head, [4, 1, 3]).batch(4)).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@each_head
def test_half_precision_states_have_a_full_precision_loss(lazy: Lazy[Head]) -> None:
    head = build(lazy).float()
    states_BTD, mask_BT, targets = rows(head, [4, 2]).batch(4)
    with torch.autocast("cpu", torch.bfloat16):
        loss = head.loss(states_BTD.bfloat16(), mask_BT, targets)
        decoded = head.decode(states_BTD.bfloat16(), mask_BT)
    assert loss.dtype == torch.float32
    assert decoded.confidence_B is None or decoded.confidence_B.dtype == torch.float32
    torch.testing.assert_close(loss, head.loss(states_BTD.float(), mask_BT, targets), rtol=0.02, atol=0.02)


def test_full_precision_is_at_least_float32() -> None:
    found = [
        in_full_precision(torch.ones(1, dtype=dtype)).dtype for dtype in (torch.bfloat16, torch.half, torch.double)
    ]
    assert found == [torch.float32, torch.float32, torch.double]


@each_head
def test_can_be_built_on_the_meta_device(lazy: Lazy[Head]) -> None:
    with torch.device("meta"):
        head = lazy.build(input_dim=3, labels=LABELS)
    assert all(parameter.is_meta for parameter in head.parameters())


@each_head
def test_default_metrics_exist_and_fit(lazy: Lazy[Head]) -> None:
    for name in lazy.component.default_metrics:
        assert Metric.by_name(name).target_kind == lazy.component.target_kind
