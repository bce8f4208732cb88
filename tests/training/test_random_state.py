"""Random generators go on where they were."""

import io
import random

import numpy
import pytest
import torch

from mtlkit.training import random_state, seed_all


@pytest.fixture(autouse=True)
def leave_no_trace():  # type: ignore[no-untyped-def]
    before = random_state.capture()
    yield
    random_state.restore(before)


def draw() -> list[object]:
    """Draws from every generator; an odd number of normals leaves one cached in Python's and in NumPy's."""
    return [
        torch.randn(3).tolist(),
        torch.randperm(5).tolist(),
        random.random(),
        random.gauss(0, 1),
        numpy.random.rand(3).tolist(),
        float(numpy.random.standard_normal()),
    ]


@pytest.mark.parametrize("draws_before", [0, 1, 2])
def test_a_captured_state_gives_the_same_stream(draws_before: int) -> None:
    for _ in range(draws_before):
        draw()
    state = random_state.capture()
    expected = [draw(), draw()]
    random_state.restore(state)
    assert [draw(), draw()] == expected
    assert draw() not in expected


def test_a_state_goes_through_a_file_without_pickled_objects() -> None:
    draw()
    file = io.BytesIO()
    torch.save(random_state.capture(), file)
    expected = draw()
    file.seek(0)
    random_state.restore(torch.load(file, weights_only=True))
    assert draw() == expected


@pytest.mark.parametrize("seed", [0, 13, 2**40])
def test_a_seed_fixes_every_generator(seed: int) -> None:
    seed_all(seed)
    first = draw()
    seed_all(seed)
    assert draw() == first
    seed_all(seed + 1)
    assert all(left != right for left, right in zip(draw(), first, strict=True))
