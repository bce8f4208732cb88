"""The record of training, read back."""

import json
import math
from typing import Any

import pytest

from mtlkit.errors import RunError
from mtlkit.report.evidence import summaries_by_epoch
from mtlkit.report.reading.course import read_course
from mtlkit.sharing.summaries import GuessSummary, MixtureSummary, PathSummary, Summary, WordSummary
from tests.report.shared_evidence import FOUR, Make, course_of, guess, mixture, path, positions, words


@pytest.mark.parametrize("make", [words, positions, path, mixture, guess])
def test_a_summary_comes_back_as_it_was(make: Make) -> None:
    lines = json.loads(json.dumps(course_of(make, FOUR, 2, "search")))
    course = read_course(lines)
    assert [(epoch.stage, epoch.number, epoch.name) for epoch in course] == [
        ("search", 1, "epoch 1 of search"),
        ("search", 2, "epoch 2 of search"),
    ]
    for line, epoch in zip(lines, course, strict=True):
        assert list(epoch.summaries) == FOUR
        assert {task: json.loads(json.dumps(summary.to_json())) for task, summary in epoch.summaries.items()} == line[
            "sharing"
        ]


@pytest.mark.parametrize(
    "summary",
    [
        WordSummary(3, ("a",), (0.5,), None, 0.25, None),
        WordSummary(3, None, None, 1.5, 0.25, 0.5),
        PathSummary((), ((0.0, 1.0),), None),
        PathSummary((1, 1), None, (0.5, -0.5)),
        MixtureSummary(("a",), ((0.5,), (-1.0,))),
        GuessSummary(4, ("a", "b"), (0.5, 0.5), 0.75),
    ],
)
def test_a_summary_reads_its_own_json(summary: Summary) -> None:
    (epoch,) = read_course([{"epoch": 1, "step": 5, "sharing": {"a": json.loads(json.dumps(summary.to_json()))}}])
    assert epoch.summaries == {"a": summary} and epoch.name == "epoch 1" and epoch.cosines is None


def test_null_is_no_number() -> None:
    mixed = {"kind": "mixture", "tasks": ["a", "b"], "weights_LK": [[1, None]]}
    (epoch,) = read_course(
        [
            {
                "epoch": 1,
                "sharing": {"a": mixed},
                "gradient_cosine": {"tasks": ["a", "b"], "cosines": [[1, None], [None, 1]]},
            }
        ]
    )
    (found,) = epoch.summaries.values()
    assert isinstance(found, MixtureSummary) and math.isnan(found.weights_LK[0][1])
    read = {"kind": "positions", "num_words": 3, "distance": None, "spread": 0.5, "of_a_later_version": 1}
    (epoch_of_words,) = read_course([{"epoch": 1, "sharing": {"a": read}}])
    (words_read,) = epoch_of_words.summaries.values()
    assert isinstance(words_read, WordSummary) and words_read.distance is not None
    assert math.isnan(words_read.distance) and words_read.gate is None, "what is left out is not NaN"
    assert epoch.cosines is not None and list(epoch.cosine_pairs()) == []


def test_pairs_of_cosines_come_once() -> None:
    cosines = [[1, 0.5, None], [0.5, 1, -0.25], [None, -0.25, 1]]
    (epoch,) = read_course([{"epoch": 1, "gradient_cosine": {"tasks": ["a", "b", "c"], "cosines": cosines}}])
    assert epoch.cosines is not None and list(epoch.cosine_pairs()) == [("a", "b", 0.5), ("b", "c", -0.25)]


def test_epochs_without_the_kind_are_left_out() -> None:
    course = read_course([*course_of(words, FOUR, 1), *course_of(guess, FOUR, 2)])
    assert [epoch.number for epoch, _ in summaries_by_epoch(course, GuessSummary)] == [1, 2]


PATH = {"kind": "path", "modules": [0, 2], "policy_SA": [[0.5, 0.25, 0.25, 0.0], [0.0, 0.0, 1.0, 0.0]]}


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"epoch": "one"},
        {"epoch": 1, "sharing": []},
        {"epoch": 1, "sharing": {"a": {"kind": "telepathy"}}},
        {"epoch": 1, "sharing": {"a": {**PATH, "modules": [-1]}}},
        {"epoch": 1, "sharing": {"a": {**PATH, "modules": [0, 3]}}},
        {"epoch": 1, "sharing": {"a": {**PATH, "modules": [0, 1, 2]}}},
        {"epoch": 1, "sharing": {"a": {**PATH, "policy_SA": [[1.0, 0.0, 0.0, 0.0], [1.0]]}}},
        {"epoch": 1, "sharing": {"a": {"kind": "tasks", "senders": ["b"], "weights_N": [], "spread": 0}}},
        {"epoch": 1, "sharing": {"a": {"kind": "tasks", "num_words": 1, "distance": 2.0, "spread": 0}}},
        {"epoch": 1, "sharing": {"a": {"kind": "positions", "num_words": -1, "distance": 2.0, "spread": 0}}},
        {"epoch": 1, "sharing": {"a": {"kind": ["tasks"], "num_words": 1, "distance": 2.0, "spread": 0}}},
        {"epoch": 1, "sharing": {"a": "path"}},
        {"epoch": 1, "sharing": {"a": {"kind": "mixture", "tasks": ["a"], "weights_LK": [[1, 2]]}}},
        {
            "epoch": 1,
            "sharing": {"a": {"kind": "guess", "tasks": ["a"], "probabilities_K": [], "accuracy": 1, "num_texts": 1}},
        },
        {"epoch": 1, "gradient_cosine": {"tasks": ["a"], "cosines": [[1], [1]]}},
        "text",
    ],
)
def test_a_damaged_line_is_refused_with_its_number(line: Any) -> None:
    with pytest.raises(RunError) as raised:
        read_course([*course_of(words, FOUR, 1), line])
    message = str(raised.value)
    assert message.startswith("sharing.jsonl:2: ") and "\n" not in message
    assert read_course([{"epoch": 1, "sharing": {"a": PATH}}])
