"""Strengths of links between tasks, against sums written out."""

import math
import random

import pytest

from mtlkit.report.analysis.strengths import Strengths, cosine_strengths, rounded, same_module, strengths_of
from mtlkit.report.evidence import Epoch
from mtlkit.report.views.sharing_map import map_view
from mtlkit.sharing.summaries import GuessSummary, MixtureSummary, PathSummary, Summary, WordSummary
from mtlkit.training.records import Cosines
from tests.report.shared_evidence import FOUR, GRID, guess, made, mixture, path, positions, words


def only(summaries: dict[str, Summary]) -> Strengths:
    (strengths,) = strengths_of(summaries)
    return strengths


def test_what_words_take_of_senders_stands_in_their_columns() -> None:
    summaries = made(words, FOUR)
    strengths = only(summaries)
    assert strengths.tasks == strengths.sources == tuple(FOUR)
    for task, weights in zip(FOUR, strengths.weights, strict=True):
        summary = summaries[task]
        assert isinstance(summary, WordSummary) and summary.senders is not None and summary.weights_N is not None
        for source, weight in zip(strengths.sources, weights, strict=True):
            expected = None if source == task else summary.weights_N[summary.senders.index(source)]
            assert weight == expected


def test_a_sender_that_is_no_task_has_a_column_too() -> None:
    strengths = only({"movie": WordSummary(1, ("extra",), (0.5,), None, 0.0)})
    assert (strengths.tasks, strengths.sources, strengths.weights) == (("movie",), ("movie", "extra"), ((None, 0.5),))


def test_of_positions_it_is_the_gate_to_the_shared_layer() -> None:
    summaries = made(positions, FOUR)
    strengths = only(summaries)
    assert strengths.is_star and strengths.sources == ("shared layer",)
    assert [row[0] for row in strengths.weights] == [getattr(summaries[task], "gate") for task in FOUR]  # noqa: B009


def test_without_a_gate_positions_have_no_strength() -> None:
    assert strengths_of({"movie": WordSummary(1, None, None, 2.0, 0.5)}) == []


def test_two_paths_agree_as_often_as_their_draws_do() -> None:
    left = PathSummary((0, 1), ((0.75, 0.25, 0.0), (0.25, 0.5, 0.25), (0.0, 0.25, 0.75)))
    right = PathSummary((0,), ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5)))
    # Two steps, since the longer likeliest path has two modules; Stop is not a module.
    assert same_module(left, right) == ((0.75 * 0.5 + 0.25 * 0.5) + (0.25 * 0.5 + 0.5 * 0.0)) / 2
    assert same_module(left, right) == same_module(right, left)


def test_two_paths_agree_as_often_as_drawn_ones_do() -> None:
    chance = random.Random(2)
    left, right = (path(FOUR, "movie", chance, modules=3, cap=2) for _ in range(2))
    assert left.policy_SA is not None and right.policy_SA is not None
    steps, draws = max(len(left.modules), len(right.modules)), 40_000
    hits = 0
    for _ in range(draws):
        for step in range(steps):
            ends = [
                chance.choices(range(4), found.policy_SA[step])[0] if step < len(found.policy_SA or ()) else 3
                for found in (left, right)
            ]
            hits += ends[0] == ends[1] != 3
    assert same_module(left, right) == pytest.approx(hits / draws / steps, abs=0.01)


@pytest.mark.parametrize(
    ("left", "right", "share"),
    [((1, 2), (1, 2), 1.0), ((1, 2), (1,), 0.5), ((1, 2), (2, 1), 0.0), ((), (1,), 0.0), ((), (), 0.0)],
)
def test_fixed_paths_agree_where_they_have_the_same_module(
    left: tuple[int, ...], right: tuple[int, ...], share: float
) -> None:
    assert same_module(PathSummary(left, None), PathSummary(right, None)) == share


def test_mixtures_are_means_over_layers_with_their_sign() -> None:
    strengths = only(
        {
            "a": MixtureSummary(("a", "b"), ((0.9, -0.5), (0.7, 0.25))),
            "b": MixtureSummary(("a", "b"), ((0.1, 1.0), (0.3, 1.0))),
        }
    )
    assert strengths.weights == ((pytest.approx(0.8), pytest.approx(-0.125)), (pytest.approx(0.2), 1.0))
    assert [(task, source) for task, source, _ in strengths.links()] == [("b", "a"), ("a", "b")]


def test_guesses_keep_their_own_task() -> None:
    strengths = only(made(guess, FOUR))
    assert all(weight is not None for row in strengths.weights for weight in row)
    assert all(math.isclose(sum(filter(None, row)), 1) for row in strengths.weights)


def test_a_pair_of_a_symmetric_matrix_is_one_link() -> None:
    strengths = only(made(path, GRID))
    assert strengths.symmetric and len(strengths.links()) == len(GRID) * (len(GRID) - 1) // 2
    assert strengths.largest == max(abs(weight) for _, _, weight in strengths.links())


def test_what_is_no_number_is_no_link() -> None:
    strengths = only(
        {"a": MixtureSummary(("a", "b"), ((1.0, math.nan),)), "b": MixtureSummary(("a", "b"), ((0.5, 1.0),))}
    )
    assert strengths.links() == [("b", "a", 0.5)]


def test_a_cosine_with_itself_is_left_out() -> None:
    epoch = Epoch("search", 3, {}, Cosines(("a", "b"), ((1.0, -0.25), (-0.25, 1.0))))
    strengths = cosine_strengths(epoch)
    assert strengths is not None and strengths.weights == ((None, -0.25), (-0.25, None))
    assert strengths.links() == [("a", "b", -0.25)] and "epoch 3 of search" in strengths.meaning
    assert cosine_strengths(Epoch(None, 1, {}, None)) is None


def test_each_kind_has_its_own_matrix() -> None:
    summaries = {"a": MixtureSummary(("a",), ((1.0,),)), "b": GuessSummary(2, ("a", "b"), (0.5, 0.5), 1.0)}
    assert [strengths.name for strengths in strengths_of(summaries)] == ["mixtures", "guesses"]
    assert strengths_of({}) == []
    assert only(made(mixture, FOUR)).relation == "takes of"


def test_numbers_are_read_with_a_true_minus() -> None:
    assert [rounded(number) for number in (-0.001, -0.5, 0.125, 1)] == ["0.00", "−0.50", "0.12", "1.00"]


@pytest.mark.parametrize("gained, is_drawn", [(0.001, False), (0.02, True)])
def test_links_that_read_alike_are_not_drawn_apart(gained: float, is_drawn: bool) -> None:
    read = {
        task: WordSummary(9, tuple(other for other in FOUR if other != task), (0.333 + gained, 0.333, 0.333), None, 1.0)
        for task in FOUR
    }
    (strengths,) = strengths_of(read)
    names = [figure.name for figure in map_view(strengths).figures]
    assert names == ["reading-network"] * is_drawn + ["reading-matrix"]
