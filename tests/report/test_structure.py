"""What schemes share by construction."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from mtlkit.report.analysis.structure import structural_strengths, structure_of
from mtlkit.report.parts import Table, View
from mtlkit.report.reading.course import read_course
from mtlkit.report.views import sharing_map
from tests.report.shared_evidence import course_of, evidence, experiment, words

TASKS = ["movie", "tweet", "product"]
LSTM = {"type": "lstm", "hidden_dim": 4}


def numbers(sharing: dict[str, Any]) -> dict[str, tuple[int, int]]:
    structure = structure_of(experiment(TASKS, sharing))
    return {task: (structure.serve(task), structure.shared(task)) for task in TASKS}


def test_one_encoder_for_all_is_shared_by_all() -> None:
    found = numbers({"type": "fully_shared", "encoder": LSTM})
    sizes = {task: sum(own) for task, own in found.items()}
    assert len(set(sizes.values())) == 1 and all(own == shared > 0 for own, shared in found.values())


def test_private_encoders_share_nothing() -> None:
    assert all(own > 0 and shared == 0 for own, shared in numbers({"type": "private", "encoder": LSTM}).values())


def test_shared_and_private_encoders_share_half() -> None:
    found = numbers({"type": "parallel_shared_private", "encoder": LSTM})
    assert all(own == 2 * shared for own, shared in found.values())


def test_layers_of_a_hierarchy_serve_whoever_stands_above() -> None:
    settings = {"type": "hierarchical", "layers": [LSTM, LSTM], "depths": {"movie": 1, "tweet": 2, "product": 2}}
    structure = structure_of(experiment(TASKS, settings))
    strengths = structural_strengths(structure)
    first, both = structure.serve("movie"), structure.serve("tweet")
    assert not strengths.symmetric and 0 < first < both
    assert strengths.weights == ((None, 1.0, 1.0), (first / both, None, 1.0), (first / both, 1.0, None))


def test_one_task_shares_with_nobody() -> None:
    structure = structure_of(experiment(["movie"]))
    assert structure.serve("movie") > 0 and structure.shared("movie") == 0


def test_what_is_learned_is_not_told_of_a_scheme_that_is_not_trained() -> None:
    pool = {"type": "pool", "module": {"type": "lstm", "hidden_dim": 6}}
    assert not structure_of(experiment(TASKS, pool)).is_all and structure_of(experiment(TASKS)).is_all
    without_texts = evidence({}, names=TASKS, sharing=pool)
    assert sharing_map.section(without_texts) is None
    (cosines,) = sharing_map.section(replace(without_texts, course=read_course(course_of(words, TASKS, 1)))).parts
    assert [chart.name for chart in cosines.figures] == ["gradient-cosine-network", "gradient-cosine-matrix"]


def test_looking_draws_nothing_of_the_random_state() -> None:
    before = torch.random.get_rng_state()
    structure_of(experiment(TASKS))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("sharing", [{"type": "fully_shared", "encoder": LSTM}, {"type": "private", "encoder": LSTM}])
def test_where_all_links_are_alike_only_the_matrix_is_shown(sharing: dict[str, Any]) -> None:
    section = sharing_map.section(evidence(dict.fromkeys(TASKS), sharing=sharing))
    view, counts = section.parts
    assert "by construction" in section.lead and isinstance(view, View) and isinstance(counts, Table)
    assert [chart.name for chart in view.figures] == ["parameters-in-common-matrix"]
    assert [row[2] == row[1] for row in counts.rows] == [sharing["type"] == "fully_shared"] * 3
