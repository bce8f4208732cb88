"""What traces come to, against a walk through all words in float64."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from mtlkit.sharing import GuessTrace, MixtureTrace, PathTrace, Trace, WordTrace
from mtlkit.sharing.summaries import (
    GuessSummary,
    MixtureSummary,
    PathSummary,
    WordSummary,
    summarise,
)

TASKS = ("movie", "product", "tweet")
LENGTHS = ([5, 2, 1], [3, 4])
"""Of the texts of two batches."""


def masks() -> list[Tensor]:
    return [torch.arange(6) < torch.tensor(lengths).unsqueeze(1) for lengths in LENGTHS]


def drawn(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def word_batches(senders: tuple[str, ...] | None, both_ways: bool) -> list[tuple[WordTrace, Tensor]]:
    """Weights that do not sum to 1, with numbers at padding that mean nothing; a word that reads nothing at all."""
    batches = []
    for number, mask_BT in enumerate(masks()):

        def weights(seed: int, mask_BT: Tensor = mask_BT) -> Tensor:
            weights_BTN = drawn(seed, *mask_BT.shape, 6 if senders is None else len(senders))
            if senders is None:
                weights_BTN = weights_BTN * mask_BT.unsqueeze(1)
            weights_BTN[0, 0] = 0
            return weights_BTN.masked_fill(~mask_BT.unsqueeze(2), torch.nan)

        def gates(seed: int, mask_BT: Tensor = mask_BT) -> Tensor:
            return drawn(seed, *mask_BT.shape).masked_fill(~mask_BT, torch.nan)

        backward = (weights(10 + number), gates(20 + number)) if both_ways else (None, None)
        batches.append((WordTrace(weights(number), senders, backward[0], gates(30 + number), backward[1]), mask_BT))
    return batches


def words(batches: list[tuple[WordTrace, Tensor]]) -> Iterator[tuple[int, int, list[float], float]]:
    """Each word and network: its place, the length of its text, its weights, its gate."""
    for trace, mask_BT in batches:
        for weights_BTN, gates_BT in (
            (trace.weights_BTN, trace.gates_BT),
            (trace.backward_BTN, trace.backward_gates_BT),
        ):
            if weights_BTN is None or gates_BT is None:
                continue
            for row, length in enumerate(mask_BT.sum(dim=1).tolist()):
                for place in range(length):
                    yield place, length, weights_BTN[row, place].tolist(), float(gates_BT[row, place])


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def entropy(weights: list[float], most: int) -> float:
    shares = [weight / sum(weights) for weight in weights if weight]
    return -math.fsum(share * math.log(share) for share in shares) / math.log(most)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("senders", [TASKS[1:], None], ids=["tasks", "positions"])
def test_words(senders: tuple[str, ...] | None, both_ways: bool) -> None:
    batches = word_batches(senders, both_ways)
    summary = summarise(batches, "movie")
    assert isinstance(summary, WordSummary)
    all_words = list(words(batches))
    reading = [word for word in all_words if any(word[2])]
    assert len(reading) < len(all_words) == summary.num_words * (2 if both_ways else 1)
    assert summary.num_words == sum(map(sum, LENGTHS))
    assert summary.gate == pytest.approx(mean([gate for *_, gate in all_words]), rel=1e-12)
    counted = [word for word in reading if senders is not None or word[1] > 1]
    spreads = [entropy(weights, len(senders) if senders else length) for _, length, weights, _ in counted]
    assert summary.spread == pytest.approx(mean(spreads), rel=1e-12)
    if senders is None:
        distances = [
            math.fsum(weight * abs(place - source) for source, weight in enumerate(weights)) / sum(weights)
            for place, _, weights, _ in reading
        ]
        assert summary.distance == pytest.approx(mean(distances), rel=1e-12)
        assert summary.weights_N is None
    else:
        expected = [mean([weights[number] for _, _, weights, _ in all_words]) for number in range(len(senders))]
        assert summary.weights_N == pytest.approx(expected, rel=1e-12)
        assert summary.distance is None
    kind = "positions" if senders is None else "tasks"
    assert summary.to_json()["kind"] == kind
    assert all(value is not None for value in summary.to_json().values())


def test_spread_is_from_one_source_to_all_alike() -> None:
    mask_BT = torch.ones(1, 2, dtype=torch.bool)
    one = WordTrace(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), TASKS[1:])
    alike = WordTrace(torch.full((1, 2, 2), 0.5), TASKS[1:])
    spreads = [getattr(summarise([(trace, mask_BT)], "movie"), "spread", None) for trace in (one, alike)]
    assert spreads == [0, 1]


def test_without_gates_there_is_none_and_what_is_no_number_stays_so() -> None:
    mask_BT = torch.ones(1, 2, dtype=torch.bool)
    summary = summarise([(WordTrace(torch.full((1, 2, 2), torch.nan), TASKS[1:]), mask_BT)], "movie")
    assert isinstance(summary, WordSummary)
    assert summary.gate is None
    assert "gate" not in summary.to_json()
    assert summary.weights_N is not None
    assert all(map(math.isnan, (*summary.weights_N, summary.spread)))


def test_guesses() -> None:
    batches = [torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]), torch.tensor([[0.2, 0.7, 0.1], [torch.nan] * 3])]
    sound = [(GuessTrace(batches[0], TASKS), masks()[0]), (GuessTrace(batches[1][:1], TASKS), masks()[1])]
    summary = summarise(sound, "product")
    assert isinstance(summary, GuessSummary)
    assert summary.num_texts == 3
    assert summary.accuracy == pytest.approx(2 / 3)
    assert summary.probabilities_K == pytest.approx([0.8 / 3, 1.8 / 3, 0.4 / 3], rel=1e-6)
    with_nan = summarise([(GuessTrace(batches[1], TASKS), masks()[1])], "movie")
    assert isinstance(with_nan, GuessSummary)
    assert with_nan.accuracy == 0, "the likeliest of no numbers is not the first task"


def test_what_is_one_for_all_texts_is_read_off_the_first() -> None:
    def endless(trace: Trace) -> Iterator[tuple[Trace, Tensor]]:
        while True:
            yield trace, masks()[0]

    policy_SA = torch.tensor([[0.25, 0.75]])
    path = summarise(endless(PathTrace((1,), policy_SA, torch.tensor([1.0, -2.0]))), "movie")
    assert path == PathSummary((1,), ((0.25, 0.75),), (1.0, -2.0))
    assert summarise(endless(PathTrace((), None)), "movie") == PathSummary((), None, None)
    mixture = summarise(endless(MixtureTrace(torch.tensor([[1.0, -0.5, 0.0]]), TASKS)), "movie")
    assert mixture == MixtureSummary(TASKS, ((1.0, -0.5, 0.0),))


def test_no_traces_come_to_nothing() -> None:
    assert summarise([], "movie") is None
