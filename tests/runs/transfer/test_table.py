"""What the folds of a transfer come to on average."""

from typing import Any

from mtlkit.config import validate
from mtlkit.experiment import Experiment
from mtlkit.runs import transfer_table

HEADS = {"books": "classifier", "films": "classifier", "plays": "classifier", "chunks": "crf_tagger"}


def experiment() -> Experiment:
    data = {"reader": {"type": "text_classification"}, "train": "a.tsv"}
    value: Any = {
        "tasks": {name: {**data, "head": {"type": head}} for name, head in HEADS.items()},
        "model": {"embedder": {"type": "words"}, "sharing": {"type": "fully_shared", "encoder": {"type": "lstm"}}},
    }
    return validate(Experiment, value, "experiment")


def fold(task: str, metric: str, value: float, **more: float) -> dict[str, Any]:
    return {"test": {f"{task}/{name}": figure for name, figure in {metric: value, **more}.items()}}


def test_a_task_whose_texts_were_all_seen_counts_in_no_clean_average() -> None:
    folds = {
        "books": fold("books", "accuracy", 0.9, clean_share=0.0),
        "films": fold("films", "accuracy", 0.7, clean_share=0.5, clean_accuracy=0.6),
        "chunks": fold("chunks", "f1", 0.2),
    }
    table = transfer_table(experiment(), folds, {"books/accuracy": 0.5, "films/accuracy": 0.5})
    average = table.averages["accuracy"]
    assert (average.test, average.clean_test) == ((0.9 + 0.7) / 2, 0.6)
    assert (average.baseline, average.clean_baseline) == (0.5, 0.5)
    assert list(table.averages) == ["accuracy"], "one task is not an average"
    assert table.tasks["books"].clean_test is None
    assert table.tasks["chunks"].clean_test == 0.2


def test_where_all_texts_are_clean_the_averages_are_the_same() -> None:
    folds = {task: fold(task, "accuracy", value) for task, value in {"books": 0.25, "films": 0.75}.items()}
    average = transfer_table(experiment(), folds).averages["accuracy"]
    assert average.test == average.clean_test == 0.5
