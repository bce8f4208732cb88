"""The form without padding against the plain one: values and gradients in double precision."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from mtlkit.kernels.windows.packed import largest_of_looked_up, largest_of_packed, largest_of_vectors
from mtlkit.kernels.windows.reference import largest_of_windows

NUM_CHARACTERS, DIM, FILTERS = 7, 4, 5
Form = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]

words = st.lists(st.lists(st.integers(1, NUM_CHARACTERS - 1), max_size=6), min_size=1, max_size=6)
"""Some without characters, as padding is, and many with windows that are equal."""


def ids_of(words: list[list[int]], extra: int = 0) -> Tensor:
    longest = max(map(len, words)) + extra
    return torch.tensor([[*word, *[0] * (max(longest, 1) - len(word))] for word in words])


def parameters(width: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(width)
    shapes = [(NUM_CHARACTERS, DIM), (FILTERS, DIM, width), (FILTERS,)]
    found = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    found[0][0] = 0.0
    return [each.requires_grad_() for each in found]


def plain(characters_WC: Tensor, table_VF: Tensor, weight_EFK: Tensor, bias_E: Tensor, *, factors: Tensor) -> Tensor:
    vectors_WCF = F.embedding(characters_WC, table_VF, padding_idx=0) * factors
    return largest_of_windows(vectors_WCF, characters_WC != 0, weight_EFK, bias_E)


def packed(characters_WC: Tensor, table_VF: Tensor, weight_EFK: Tensor, bias_E: Tensor, *, factors: Tensor) -> Tensor:
    mask_WC = characters_WC != 0
    vectors_LF = F.embedding(characters_WC[mask_WC], table_VF, padding_idx=0) * factors[mask_WC]
    return largest_of_vectors(vectors_LF, mask_WC, weight_EFK, bias_E)


def assert_equal_with_gradients(one: Form, other: Form, characters_WC: Tensor, given: list[Tensor]) -> None:
    results = [form(characters_WC, *given) for form in (one, other)]
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)
    assert not results[1][~characters_WC.any(dim=1)].any()
    weights = torch.linspace(-1, 2, results[0].numel(), dtype=torch.float64).view_as(results[0])
    gradients = [torch.autograd.grad((result * weights).sum(), given) for result in results]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-11)
    assert not gradients[1][0][0].any(), "padding learns nothing"


@given(words=words, width=st.integers(1, 5), extra=st.integers(0, 2))
def test_looked_up_contributions_give_what_the_convolution_gives(words, width, extra):
    characters_WC = ids_of(words, extra)
    ones = torch.ones(*characters_WC.shape, DIM, dtype=torch.float64)
    assert_equal_with_gradients(partial(plain, factors=ones), largest_of_looked_up, characters_WC, parameters(width))


@given(words=words, width=st.integers(1, 5), extra=st.integers(0, 2))
def test_packed_vectors_give_what_the_convolution_gives(words, width, extra):
    characters_WC = ids_of(words, extra)
    factors = F.dropout(torch.ones(*characters_WC.shape, DIM, dtype=torch.float64), 0.5)
    forms = [partial(form, factors=factors) for form in (plain, packed)]
    assert_equal_with_gradients(*forms, characters_WC, parameters(width))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_different_windows_of_equal_value_share_the_gradient(weight):
    """As filters of zeros have them, and characters with equal vectors."""
    table_VF, weight_EFK, bias_E = parameters(3)
    with torch.no_grad():
        weight_EFK.fill_(weight)
        table_VF[1:] = torch.tensor([3.0, -1.0, 2.0, 1.0])  # sums of which are exact in any order
        bias_E.zero_()
    characters_WC = ids_of([[1, 2, 3, 4], [5, 5], [6]])
    ones = torch.ones(*characters_WC.shape, DIM, dtype=torch.float64)
    given = [table_VF, weight_EFK, bias_E]
    assert_equal_with_gradients(partial(plain, factors=ones), largest_of_looked_up, characters_WC, given)
    forms = [partial(form, factors=ones) for form in (plain, packed)]
    assert_equal_with_gradients(*forms, characters_WC, given)


def test_the_gradient_of_the_largest_is_itself_differentiable():
    values_LE = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    lengths_W = torch.tensor([2, 0, 3])
    assert torch.autograd.gradcheck(lambda values: largest_of_packed(values, lengths_W), values_LE)
    assert torch.autograd.gradgradcheck(lambda values: largest_of_packed(values, lengths_W), values_LE)


def test_a_word_gives_the_same_bits_in_any_company():
    characters_WC = torch.randint(1, NUM_CHARACTERS, (200, 9), generator=torch.Generator().manual_seed(0))
    characters_WC = characters_WC * (torch.arange(9) < torch.arange(200).unsqueeze(1) % 9 + 1)
    given = [each.detach().float() for each in parameters(3)]
    together = largest_of_looked_up(characters_WC, *given)
    alone = torch.cat([largest_of_looked_up(row.unsqueeze(0), *given) for row in characters_WC])
    assert torch.equal(together, alone)
