"""Which epoch's weights are kept."""

import pytest

from mtlkit.config import Lazy
from mtlkit.errors import ConfigError
from mtlkit.training import ModelSelection
from mtlkit.training.selection import MeanSelection, PerTaskSelection, WeightedSelection

TASKS = ["a", "b", "c"]
HEADLINES = {"a": 0.5, "b": 0.8, "c": 0.2}


def weighted(**weights: float) -> ModelSelection:
    return Lazy.of(WeightedSelection, weights=weights).build(tasks=TASKS)


def test_mean() -> None:
    assert MeanSelection().scores(HEADLINES) == {"model": pytest.approx(0.5)}
    assert {MeanSelection().weights_for(task) for task in TASKS} == {"model"}


def test_per_task() -> None:
    assert PerTaskSelection().scores(HEADLINES) == HEADLINES
    assert [PerTaskSelection().weights_for(task) for task in TASKS] == TASKS


def test_weighted() -> None:
    assert weighted(a=3.0, b=1.0).scores(HEADLINES) == {"model": pytest.approx((3 * 0.5 + 0.8) / 4)}
    assert weighted(c=1.0).scores(HEADLINES) == {"model": pytest.approx(0.2)}
    assert weighted(c=1.0).weights_for("a") == "model"


def test_tasks_without_dev_data_leave_their_weight_to_the_others() -> None:
    assert weighted(a=1.0, b=1.0).scores({"a": 0.5}) == {"model": pytest.approx(0.5)}
    assert weighted(b=1.0).scores({"a": 0.5}) == {}


def test_weights_must_make_sense() -> None:
    with pytest.raises(ConfigError, match=r"^weights: no task is named 'd' \(the tasks: a, b, c\)"):
        weighted(a=1.0, d=1.0)
    with pytest.raises(ConfigError, match=r"^weights: all are 0; give at least one task a weight"):
        weighted(a=0.0)
