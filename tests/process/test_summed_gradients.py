"""Gradients that processes add up by rows are those that they add up whole, and those of one process."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.embedders import WordTable
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.training.shared_tables import SharedTables
from tests.training.shared_runs import in_processes

ROWS, DIM = 12, 3
WORDS = ([3, 1, 3, 0, 7], [7, 2, 7, 7], [5])
"""What each process reads: rows that others read too, rows of its own, one several times, and padding."""


class Reader(nn.Module):
    """A table with a linear map of what is read, in float64."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.table = WordTable(ROWS, DIM).double()
        self.table.weight.data.normal_()
        self.linear = nn.Linear(DIM, DIM).double()
        self.other = nn.Embedding(ROWS, DIM, _weight=self.table.weight)
        self.of_one = nn.Embedding(ROWS, DIM, _weight=torch.ones(ROWS, DIM, dtype=torch.float64))
        self.of_none = nn.Embedding(ROWS, DIM, _weight=torch.ones(ROWS, DIM, dtype=torch.float64))

    def read(self, words: list[int], table: nn.Embedding | None = None) -> Tensor:
        rows: Tensor = (table or self.table)(torch.tensor(words, dtype=torch.int64))
        return self.linear(rows).pow(3).sum()


@dataclass(frozen=True)
class Case:
    losses: Callable[[Reader, int], list[Tensor]]
    """What a process computes, given its number; a backward pass of each."""
    prepare: Callable[[Reader], object] = lambda reader: None
    exact: bool = True
    """Whether a row's uses are added up in the same order, as within one backward pass of one reader. Between two
    processes any order is the same; between three, gloo's depends on where in a message a number is."""


CASES = {
    "one reader": Case(lambda reader, rank: [reader.read(WORDS[rank])]),
    "padding only": Case(lambda reader, rank: [reader.read([0, 0])]),
    "no text": Case(lambda reader, rank: [reader.read([])]),
    "read twice": Case(lambda reader, rank: [reader.read(WORDS[rank]) * reader.read(WORDS[-rank])], exact=False),
    "two readers": Case(
        lambda reader, rank: [reader.read(WORDS[rank]) + reader.read(WORDS[-rank], reader.other)], exact=False
    ),
    "accumulated": Case(lambda reader, rank: [reader.read(WORDS[rank]), reader.read(WORDS[-rank])], exact=False),
    "tied": Case(
        lambda reader, rank: [F.linear(reader.read(WORDS[rank]) * ONES, reader.table.weight).sum()], exact=False
    ),
    "tied in one process": Case(
        lambda reader, rank: [reader.read(WORDS[rank]), *([reader.table.weight.pow(2).sum()] if rank else [])],
        exact=False,
    ),
    "a table of one process": Case(
        lambda reader, rank: [reader.read(WORDS[rank]), *([reader.read([2, 4, 2], reader.of_one)] if rank else [])]
    ),
    "frozen": Case(
        lambda reader, rank: [reader.read(WORDS[rank])], lambda reader: reader.table.weight.requires_grad_(False)
    ),
    "rows kept apart": Case(
        lambda reader, rank: [reader.read(WORDS[rank])], lambda reader: reader.table.train_first(8)
    ),
}
ONES = torch.ones(DIM, dtype=torch.float64)


def summed(ranks: Ranks, name: str, numbers: Sequence[int], *, by_rows: bool) -> dict[str, Tensor | None]:
    """The gradients of a case, of what the processes of these numbers compute."""
    case, reader = CASES[name], Reader()
    case.prepare(reader)
    tables = SharedTables([reader.table, reader.other, reader.of_one, reader.of_none] if by_rows else [])
    with tables.by_rows():
        for loss in (loss for number in numbers for loss in case.losses(reader, number)):
            loss.backward()
    assert not reader.table.sparse
    weights = [each for each in tables.weights if each.requires_grad]
    assert ranks.sum_gradients(list(reader.parameters()), torch.tensor(True), weights)
    return {key: each.grad for key, each in reader.named_parameters()}


def all_summed(group: Ranks) -> dict[tuple[str, bool], dict[str, Tensor | None]]:
    return {
        (name, by_rows): summed(group, name, [group.rank], by_rows=by_rows)
        for name in CASES
        for by_rows in (False, True)
    }


@pytest.fixture(scope="module", params=[2, 3])
def processes(request: pytest.FixtureRequest) -> list[Any]:
    return in_processes(all_summed, number=request.param)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CASES)
def test_rows_are_added_up_as_whole_gradients_and_as_in_one_process(name: str, processes: list[Any]) -> None:
    expected = summed(ONE, name, range(len(processes)), by_rows=False)
    exact = CASES[name].exact and len(processes) == 2
    assert expected["of_none.weight"] is None and expected["linear.weight"] is not None
    for found in processes:
        whole, rows = found[name, False], found[name, True]
        assert whole.keys() == rows.keys() == expected.keys()
        for key, gradient in expected.items():
            if gradient is None:
                assert whole[key] is None and rows[key] is None
                continue
            assert not rows[key].is_sparse
            torch.testing.assert_close(rows[key], gradient, rtol=1e-12, atol=1e-12)
            assert not exact or rows[key].equal(whole[key])


def steps(group: Ranks) -> list[Any]:
    """What a process knows in four steps, of which the second has a signal, and the third a loss that is not sound."""
    parameter, found = nn.Parameter(torch.zeros(2, dtype=torch.bfloat16)), []
    for step in range(4):
        parameter.grad = torch.ones_like(parameter)
        (loss,) = group.sum_with_gradients([torch.tensor(step + 0.001 * group.rank)])
        assert loss.isnan()
        sound = group.sum_gradients([parameter], torch.tensor(step != 2 or group.rank != 1))
        received = signal.SIGTERM if group.rank == 1 and step >= 1 else None
        found.append((loss.item(), bool(sound), group.signal_of_steps(received), parameter.grad.tolist()))
    return found


@pytest.mark.timeout(600)
def test_losses_soundness_and_signals_go_with_the_gradients() -> None:
    first, second = in_processes(steps)
    assert first == second
    losses, sound, signals, gradients = zip(*first, strict=True)
    assert losses == pytest.approx([0.001, 2.001, 4.001, 6.001]), "of float32, though the gradients are bfloat16"
    assert sound == (True, True, False, True) and gradients == ([2, 2],) * 4
    assert signals == (None, None, signal.SIGTERM, signal.SIGTERM), "one step after it was received"
