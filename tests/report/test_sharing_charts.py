"""Layouts and numbers behind the drawings of what was shared, against plain computations."""

import itertools
import math
import random
import re
from collections.abc import Callable, Sequence
from html import unescape
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from mtlkit.report.analysis.paths import in_words, mean_entropy, plain, step_probability, steps_of
from mtlkit.report.analysis.strengths import Strengths
from mtlkit.report.charts.drawing import inline_svg
from mtlkit.report.charts.histograms import histogram_charts
from mtlkit.report.charts.network import ellipse, network_chart, ring_order
from mtlkit.report.charts.path_diagram import lanes_of
from mtlkit.report.charts.plane import embedding_chart, neighbour_plane, principal_plane
from mtlkit.report.charts.point_names import Room, kinds_of, numbers_of
from mtlkit.report.charts.space import coordinates, space_charts
from mtlkit.report.parts import Chart
from mtlkit.sharing.summaries import PathSummary
from tests.report.shared_evidence import FOUR, GRID, experiment, path


def paths(tasks: list[str], modules: int = 20) -> dict[str, PathSummary]:
    chance = random.Random(5)
    return {task: path(tasks, task, chance, modules) for task in tasks}


def ring(size: int, seed: int) -> Strengths:
    chance, names = random.Random(seed), tuple(f"t{number}" for number in range(size))
    weights = tuple(
        tuple(None if row == column else chance.random() ** 4 for column in range(size)) for row in range(size)
    )
    return Strengths("made", "Made", names, names, weights, "reads", "Nothing.")


def linked(strength: Callable[[int, int], float], places: Sequence[int]) -> Strengths:
    """Nodes in the order of these places, as strongly linked as their places say."""
    names = tuple(f"t{place}" for place in places)
    weights = tuple(tuple(None if row == column else strength(row, column) for column in places) for row in places)
    return Strengths("made", "Made", names, names, weights, "reads", "Nothing.")


@pytest.mark.parametrize("size", [3, 4, 9, 20])
@pytest.mark.parametrize("seed", range(3))
def test_a_ring_has_those_beside_each_other_that_are_linked_most(size: int, seed: int) -> None:
    places = random.Random(seed).sample(range(size), size)
    order = ring_order(linked(lambda row, column: 1 / abs(row - column), places))
    chain = [f"t{place}" for place in range(size)]
    assert list(order) in (chain, chain[::-1])
    assert places.index(int(order[0][1:])) < places.index(int(order[-1][1:])), "it begins with what is given first"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_ring_of_those_that_are_linked_alike_stays_as_it_is(size: int) -> None:
    strengths = linked(lambda row, column: 0.5, range(size))
    assert ring_order(strengths) == strengths.tasks


@pytest.mark.parametrize("seed", range(4))
def test_groups_stand_together_on_a_ring(seed: int) -> None:
    chance = random.Random(seed)
    places = chance.sample(range(12), 12)
    order = ring_order(linked(lambda row, column: chance.random() / 2 + (row % 3 == column % 3), places))
    groups = [int(name[1:]) % 3 for name in order]
    assert sorted(order) == sorted(f"t{place}" for place in places)
    assert sum(left != right for left, right in itertools.pairwise(groups)) == 2


def test_neighbours_on_a_ring_are_linked_as_strongly_as_the_tree_of_clusters_allows() -> None:
    strengths = ring(5, 1)
    weights = {}
    for task, source, weight in strengths.links():
        pair = frozenset((task, source))
        weights[pair] = weights.get(pair, 0.0) + weight

    def orders(tree: Any) -> list[tuple[str, ...]]:
        if isinstance(tree, str):
            return [(tree,)]
        ends = [orders(branch) for branch in tree]
        return [one + other for left, right in (ends, ends[::-1]) for one in left for other in right]

    def nearness(order: tuple[str, ...]) -> float:
        return sum(weights[frozenset(pair)] for pair in itertools.pairwise(order))

    clusters: list[Any] = list(strengths.tasks)
    leaves = {name: [name] for name in clusters}
    while len(clusters) > 1:  # average linkage by hand
        one, other = max(
            itertools.combinations(clusters, 2),
            key=lambda pair: fmean(weights[frozenset(ends)] for ends in itertools.product(*map(leaves.get, pair))),
        )
        clusters = [cluster for cluster in clusters if cluster not in (one, other)] + [(one, other)]
        leaves[one, other] = leaves[one] + leaves[other]
    order = ring_order(strengths)
    assert order in orders(clusters[0])
    assert nearness(order) == pytest.approx(max(map(nearness, orders(clusters[0]))))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 16, 20, 21])
def test_names_around_the_ellipse_do_not_share_a_line(size: int) -> None:
    places = ellipse([str(number) for number in range(size)])
    for side in (1, -1):
        heights = sorted(height for across, height in places.values() if across * side > 0)
        assert all(high - low > 0.15 for low, high in itertools.pairwise(heights))
    assert len(places) == size and all(abs(across) <= 1 and abs(height) <= 1 for across, height in places.values())


def test_of_many_links_the_strongest_are_drawn_and_all_are_in_the_data() -> None:
    strengths = ring(20, 2)
    chart = network_chart(strengths, ring_order(strengths))
    assert "Of 380 links the 40 strongest are drawn." in chart.caption and len(chart.data.rows) == 380
    few = network_chart(ring(3, 2), ("t0", "t1", "t2"))
    assert "strongest" not in few.caption


@pytest.mark.parametrize("tasks", [FOUR[:1], FOUR, GRID])
def test_every_task_goes_through_the_boxes_of_its_path(tasks: list[str]) -> None:
    given = paths(tasks)
    lanes = lanes_of(given)
    for task in tasks:
        boxes = [
            box for box, (_, through) in sorted(lanes.boxes.items(), key=lambda item: item[0][0]) if task in through
        ]
        assert [module for _, module in boxes] == [*given[task].modules, None]
        assert [step for step, _ in lanes.points(task)] == list(range(len(given[task].modules) + 1))
    for step in {step for step, _ in lanes.boxes}:
        edges = sorted((top, top + len(through)) for (at, _), (top, through) in lanes.boxes.items() if at == step)
        assert all(below <= top + 1e-9 for (_, below), (top, _) in itertools.pairwise(edges)), "boxes lie on each other"
        assert edges[0][0] >= 0 and edges[-1][1] <= lanes.height + 1e-9
    starts = [lanes.names[task] for task in tasks]
    assert len(set(starts)) == len(tasks)


def test_a_path_in_words() -> None:
    cut = PathSummary((2, 0), ((0.25, 0.0, 0.5, 0.25), (1.0, 0.0, 0.0, 0.0)))
    whole = PathSummary((1,), ((0.25, 0.75, 0.0), (0.25, 0.25, 0.5)))
    assert (in_words(cut), in_words(whole)) == ("M2 0.50, M0 1.00, stop", "M1 0.75, stop 0.50")
    assert (plain(cut), plain(PathSummary((), None))) == ("M2 → M0 → stop", "stop")
    assert steps_of(PathSummary((1,), None)) == [(1, None), (None, None)]


@pytest.mark.parametrize("seed", range(5))
def test_certainty_and_entropy_of_a_policy(seed: int) -> None:
    found = path(FOUR, "movie", random.Random(seed), modules=3)
    assert found.policy_SA is not None
    taken = [*found.modules, 3][: len(found.policy_SA)]
    product = 1.0
    for step, action in enumerate(taken):
        product *= found.policy_SA[step][action]
    assert step_probability(found) == pytest.approx(product ** (1 / len(taken)))
    entropy = -sum(p * math.log(p, 4) for row in found.policy_SA for p in row if p) / len(found.policy_SA)
    assert mean_entropy(found) == pytest.approx(entropy)
    assert step_probability(PathSummary((1,), None)) is None and mean_entropy(PathSummary((1,), None)) is None


@pytest.mark.parametrize(("tasks", "modules"), [(FOUR, 4), (GRID, 20), (FOUR[:1], 2)])
def test_histograms_have_every_probability(tasks: list[str], modules: int) -> None:
    given = paths(tasks, modules)
    drawn = {}
    for chart in histogram_charts(given):
        for row in chart.data.rows:
            task, step, action, number = row if len(row) == 4 else (row[0], int(chart.name[-1]), *row[1:])
            drawn[task, step, action] = number
    names = [*(f"M{number}" for number in range(modules)), "stop"]
    assert drawn == {
        (task, step, name): number
        for task, found in given.items()
        for step, row in enumerate(found.policy_SA or (), 1)
        for name, number in zip(names, row, strict=True)
    }


def test_the_principal_plane_keeps_what_differs_most() -> None:
    matrix_KS = np.random.default_rng(3).normal(size=(5, 4)) * [5, 3, 1, 0.5]
    points_K2 = principal_plane(matrix_KS)
    values, vectors = np.linalg.eigh(np.cov(matrix_KS.T))
    expected_K2 = (matrix_KS - matrix_KS.mean(axis=0)) @ vectors[:, ::-1][:, :2]
    assert np.allclose(np.abs(points_K2), np.abs(expected_K2))
    assert np.allclose(points_K2.var(axis=0, ddof=1), values[::-1][:2])
    assert np.allclose(principal_plane(np.array([[1.0], [3.0]])), [[-1, 0], [1, 0]]) or np.allclose(
        principal_plane(np.array([[1.0], [3.0]])), [[1, 0], [-1, 0]]
    )


def test_neighbours_stay_neighbours_and_the_picture_is_the_same_again() -> None:
    centres = np.repeat(np.eye(3) * 20, 5, axis=0)
    matrix_KS = centres + np.random.default_rng(0).normal(size=centres.shape)
    points_K2 = neighbour_plane(matrix_KS)
    distances_KK = np.linalg.norm(points_K2[:, None] - points_K2, axis=2) + np.diag([np.inf] * 15)
    assert (distances_KK.argmin(axis=1) // 5 == np.arange(15) // 5).all()
    assert np.array_equal(points_K2, neighbour_plane(matrix_KS))


def test_embeddings_that_cannot_be_drawn_are_left_out() -> None:
    kinds = dict.fromkeys(FOUR, "")
    assert embedding_chart({}, kinds, "") is None
    assert embedding_chart({"movie": (1.0, 2.0)}, kinds, "") is None
    assert embedding_chart({"movie": (1.0, 2.0), "tweet": (1.0,)}, kinds, "") is None
    assert embedding_chart({"movie": (1.0, 2.0), "tweet": (1.0, math.nan)}, kinds, "") is None
    few = embedding_chart({"movie": (1.0, 2.0), "tweet": (1.0, 3.0)}, kinds, "in the model")
    assert few is not None and "t-SNE would show nothing" in few.caption and len(few.data.rows) == 2


@pytest.mark.parametrize(
    ("modules", "point"), [((), (-1, -1, -1)), ((4,), (4, -1, -1)), ((4, 0, 2), (4, 0, 2)), ((4, 0, 2, 1), (4, 0, 2))]
)
def test_coordinates_are_the_first_three_modules(modules: tuple[int, ...], point: tuple[int, ...]) -> None:
    assert coordinates(modules) == point


def test_both_views_of_space_have_the_places_without_shifts() -> None:
    given = paths(GRID)
    kinds = kinds_of(experiment(GRID).tasks)
    for chart in space_charts(given, kinds):
        assert chart.data.rows == tuple((task, kinds[task], *coordinates(given[task].modules)) for task in GRID)


def written(chart: Chart) -> list[str]:
    """The texts of a drawing."""
    return [unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", inline_svg(chart))]


def test_points_in_space_have_names_and_one_label_where_they_coincide() -> None:
    given = {task: PathSummary((2, 0), None) for task in FOUR} | {"movie": PathSummary((1, 2, 0), None)}
    solid, flat = space_charts(given, dict.fromkeys(FOUR, "classifier"))
    assert set(FOUR) <= set(written(solid))
    assert written(flat).count("1, 3, 4") == 3 and {"1 editorial", "2 movie"} <= set(written(flat))


def test_many_points_in_space_have_numbers_and_a_key() -> None:
    for chart in space_charts(paths(GRID), kinds_of(experiment(GRID).tasks)):
        texts = written(chart)
        assert {f"{number} {task}" for number, task in enumerate(GRID, 1)} <= set(texts)
        assert "20" in texts
    heads = {task: ("crf_tagger" if task == "movie" else "classifier") for task in FOUR}
    assert "2 movie (crf_tagger)" in written(space_charts(paths(FOUR), heads)[1])


def test_numbers_of_a_place_are_short() -> None:
    assert numbers_of([3, 1, 2, 7]) == "1-3, 7" and numbers_of([5, 4]) == "4, 5"
    assert all(len(line) <= 9 for line in numbers_of(range(1, 40, 2)).split("\n"))


def test_kinds_are_endings_of_names_or_else_heads() -> None:
    assert set(kinds_of(experiment(GRID).tasks).values()) == {"pos", "chunk", "ner", "srl"}
    assert kinds_of(experiment(FOUR).tasks) == dict.fromkeys(FOUR, "classifier")
    assert set(kinds_of(experiment(["a_x", "b_y"]).tasks).values()) == {"classifier"}, "no ending is shared"


def test_rooms_overlap_by_their_common_area() -> None:
    room = Room(0, 0, 4, 2)
    assert room.overlap(Room(2, 1, 6, 5)) == 2 and room.overlap(Room(4, 0, 5, 1)) == 0 and room.overlap(room) == 8
