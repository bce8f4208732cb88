"""Scores that do not move, and models that give one label only."""

from typing import Any, cast

import pytest

from mtlkit.config import Lazy
from mtlkit.data import Target
from mtlkit.metrics import Accuracy
from mtlkit.training import EvaluationTask, Predictions, one_label
from mtlkit.training.movement import Movement
from tests.training.states import through_a_file
from tests.training.test_trainer import ends, new_model, trainer


class Task:
    """The part of an evaluation task that is looked at."""

    def __init__(self, figure: str) -> None:
        self.headline_figure = figure


TASKS = cast(list[EvaluationTask], [Task("a/f1"), Task("b/f1")])
STILL = "a/f1 on dev data is 0.00% after each of 3 epochs; a score that does not move chooses no epoch"


def seen(movement: Movement, *values: tuple[float, float]) -> list[list[str]]:
    return [movement.end_epoch(TASKS, {"a/f1": one, "b/f1": other}) for one, other in values]


def test_a_constant_headline_is_reported_once_from_the_third_epoch_on() -> None:
    movement = Movement()
    assert seen(movement, (0, 0.1), (0, 0.2), (0, 0.1), (0, 0.1)) == [[], [], [STILL], []]
    assert movement.summary(stopped_by_patience=True) == [
        "a/f1 on dev data was 0.00% after each of 4 epochs, and chose none"
    ]


def test_a_score_that_moves_later_is_not_constant_in_the_end() -> None:
    movement = Movement()
    assert seen(movement, (0, 0.1), (0, 0.2), (0, 0.1), (0.5, 0.1))[2] == [STILL]
    assert movement.summary(stopped_by_patience=False) == []


def test_patience_that_ends_a_run_whose_score_never_moved_says_so() -> None:
    movement = Movement()
    assert seen(movement, (0, 0.5), (0, 0.5)) == [[], []]
    assert movement.summary(stopped_by_patience=False) == []
    assert movement.summary(stopped_by_patience=True)[-1] == (
        "patience ended the training after epoch 2, although its score never moved; set metrics that can move, or "
        "leave patience out"
    )


def test_what_was_seen_goes_on_after_a_checkpoint() -> None:
    movement, again = Movement(), Movement()
    seen(movement, (0, 0.1), (0, 0.2))
    again.load_state_dict(through_a_file(movement.state_dict()))
    assert seen(again, (0, 0.1)) == seen(movement, (0, 0.1)) == [[STILL]]


def answers(predicted: list[Target], gold: list[Target | None]) -> Predictions:
    return Predictions("a", "", predicted, gold, [Lazy.of(Accuracy)])


@pytest.mark.parametrize(
    ("predicted", "gold", "expected"),
    [
        (["x", "x"], ["x", "y"], "the model gives every dev text of a the label 'x'"),
        ([("O", "O"), ("O",)], [("O", "B"), ("O",)], "the model gives every word of a's dev data the tag 'O'"),
        (["x", "y"], ["x", "y"], None),
        (["x", "x"], ["x", "x"], None),
        ([("O", "B")], [("O", "B")], None),
        ([], [], None),
    ],
)
def test_a_model_that_gives_one_label_is_found(predicted: Any, gold: Any, expected: str | None) -> None:
    assert one_label(answers(predicted, gold)) == expected


def test_one_label_is_reported_once() -> None:
    movement, found = Movement(), answers(["x", "x"], ["x", "y"])
    assert [len(movement.see_answers(found)) for _ in range(3)] == [1, 0, 0]


def test_a_trainer_reports_at_the_end_of_an_epoch() -> None:
    events = ends(list(trainer(epochs=4, optimizer={"type": "sgd", "lr": 1e-9}).events()))
    notes = [note for end in events for note in end.notes]
    assert [end.epoch for end in events if any("does not move" in note for note in end.notes)] == [3]
    assert events[2].to_json()["notes"] == events[2].notes
    assert len(notes) == len(set(notes))
    assert not any("move" in note for end in ends(list(trainer(new_model(), epochs=2).events())) for note in end.notes)
