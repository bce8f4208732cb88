"""The log-likelihood and its gradient against torchcrf, and the fast path against its reference."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchcrf import CRF

from mtlkit.kernels.crf import likelihood as crf_likelihood
from mtlkit.kernels.crf.likelihood import LARGEST_SPREAD, log_likelihood, log_partition, reference_partition

lengths = st.lists(st.integers(1, 30), min_size=1, max_size=6)
seeds = st.integers(0, 2**16)


class Chain:
    """A field, emissions, labels and a mask, all random."""

    def __init__(
        self,
        lengths: list[int],
        num_labels: int,
        seed: int = 0,
        *,
        emissions: float = 1.0,
        transitions: float = 1.0,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        torch.manual_seed(seed)
        shape = (len(lengths), max(lengths))
        self.crf = CRF(num_labels, batch_first=True)
        for parameter in self.crf.parameters():
            torch.nn.init.normal_(parameter, std=transitions)
        self.crf.to(dtype)
        self.emissions_BTL = (emissions * torch.randn(*shape, num_labels)).to(dtype).requires_grad_()
        self.labels_BT = torch.randint(num_labels, shape)
        self.mask_BT = torch.arange(shape[1]) < torch.tensor(lengths).unsqueeze(1)
        self.scores = (self.crf.start_transitions, self.crf.transitions, self.crf.end_transitions)

    def likelihood(self) -> Tensor:
        return log_likelihood(self.emissions_BTL, self.labels_BT, self.mask_BT, *self.scores)

    def expected(self) -> Tensor:
        found: Tensor = self.crf(self.emissions_BTL, self.labels_BT, mask=self.mask_BT, reduction="none")
        return found

    def partitions(self) -> list[Tensor]:
        return [each(self.emissions_BTL, self.mask_BT, *self.scores) for each in (log_partition, reference_partition)]

    def gradients(self, values_B: Tensor) -> list[Tensor]:
        """Gradients of the emissions and every parameter, for rows that weigh differently, as losses of texts may."""
        weights_B = torch.linspace(-1, 2, len(values_B), dtype=values_B.dtype)
        inputs = [self.emissions_BTL, *self.scores]
        return list(torch.autograd.grad((values_B * weights_B).sum(), inputs, materialize_grads=True))


@given(lengths, st.integers(1, 12), seeds, st.sampled_from([0.1, 1.0, 1e3]), st.sampled_from([0.1, 3.0]))
def test_the_likelihood_is_that_of_torchcrf(
    lengths: list[int], num_labels: int, seed: int, emissions: float, transitions: float
) -> None:
    chain = Chain(lengths, num_labels, seed, emissions=emissions, transitions=transitions)
    found, expected = chain.likelihood(), chain.expected()
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    for gradient, other in zip(chain.gradients(found), chain.gradients(expected), strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-9, atol=1e-10)


@given(lengths, st.integers(1, 12), seeds, st.sampled_from([1.0, 1e3]), st.sampled_from([0.0, 1.0, 20.0]))
def test_the_fast_path_is_its_reference(
    lengths: list[int], num_labels: int, seed: int, emissions: float, transitions: float
) -> None:
    chain = Chain(lengths, num_labels, seed, emissions=emissions, transitions=transitions)
    fast, reference = chain.partitions()
    torch.testing.assert_close(fast, reference, rtol=1e-10, atol=1e-10)
    for gradient, other in zip(chain.gradients(fast), chain.gradients(reference), strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("emissions", [1.0, 100.0, 1e3])
@pytest.mark.parametrize("transitions", [0.1, 4.0])
def test_single_precision_is_as_exact_as_the_reference(emissions: float, transitions: float) -> None:
    settings = {"emissions": emissions, "transitions": transitions}
    chain = Chain([40, 1, 17, 40], 9, dtype=torch.float32, **settings)
    exact = Chain([40, 1, 17, 40], 9, dtype=torch.float64, **settings)
    assert crf_likelihood._is_fast(chain.emissions_BTL, *chain.scores), "or else it is not the fast path that is tried"
    gradients = exact.gradients(exact.partitions()[1])
    errors = []
    for partition in chain.partitions():
        found = chain.gradients(partition)
        errors.append(max(float((one - other).abs().max()) for one, other in zip(found, gradients, strict=True)))
    assert errors[0] <= max(1e-5, 2 * errors[1])


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 100.0), (torch.float64, 1e4)])
def test_transitions_that_lie_far_apart_are_left_to_the_reference(dtype: torch.dtype, size: float) -> None:
    chain = Chain([12, 5], 4, dtype=dtype)
    with torch.no_grad():
        chain.crf.transitions[1] = -size  # nothing follows label 1 ...
        chain.crf.transitions[:, 1] += 2 * size  # ... and everything leads to it
    assert not crf_likelihood._is_fast(chain.emissions_BTL, *chain.scores)
    found, expected = chain.likelihood(), chain.expected()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(chain.gradients(found), chain.gradients(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", list(LARGEST_SPREAD))
def test_the_fast_path_is_exact_up_to_its_limit(dtype: torch.dtype) -> None:
    """The worst case: emissions insist on labels that transitions all but forbid."""
    chain, exact = (Chain([25, 9], 5, dtype=each) for each in (dtype, torch.float64))
    for each in (chain, exact):
        with torch.no_grad():
            each.crf.transitions.fill_(0.0)
            each.crf.transitions[0, 1:] = each.crf.transitions[1, :] = -LARGEST_SPREAD[dtype]
            each.emissions_BTL.mul_(0.1)[:, ::2, 0] += 1e3
            each.emissions_BTL[:, 1::2, 1] += 1e3
    assert crf_likelihood._is_fast(chain.emissions_BTL, *chain.scores)
    found, expected = log_partition(chain.emissions_BTL, chain.mask_BT, *chain.scores), exact.partitions()[1]
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-6)
    for gradient, other in zip(chain.gradients(found), exact.gradients(expected), strict=True):
        torch.testing.assert_close(gradient.double(), other, rtol=1e-5, atol=1e-4)


def test_scores_that_are_no_numbers_give_none() -> None:
    """The trainer then says that the loss is no longer finite."""
    for number, values in enumerate((torch.nan, torch.inf, -torch.inf)):
        for part in range(3):
            chain = Chain([4, 2], 3, seed=number)
            with torch.no_grad():
                chain.scores[part].fill_(values)
            assert not chain.likelihood().isfinite().any()
    emissions = Chain([4, 2], 3)
    with torch.no_grad():
        emissions.emissions_BTL[0, 1, 1] = torch.nan
    assert emissions.likelihood().isnan().tolist() == [True, False]


def test_what_stands_at_padding_counts_nowhere() -> None:
    chain = Chain([6, 2], 4)
    expected = chain.likelihood()
    gradients = chain.gradients(expected)
    with torch.no_grad():
        chain.emissions_BTL[~chain.mask_BT] = torch.nan
    found = chain.likelihood()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(chain.gradients(found), gradients)


def test_autocast_does_not_reach_into_it() -> None:
    chain = Chain([9, 4], 5, dtype=torch.float32)
    expected = chain.likelihood()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = chain.likelihood()
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
