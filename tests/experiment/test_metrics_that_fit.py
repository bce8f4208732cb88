"""Metrics that the labels of a task can give."""

from typing import Any

import pytest

from mtlkit.data import Corpus, Instance, recognise
from mtlkit.errors import DataError
from mtlkit.experiment import Corpora, Experiment, headlines_of, replaced_headlines, with_metrics_that_fit

POS, NER = ["DET NOUN", "VERB"], ["B-A I-A O", "O O"]


def corpus(targets: list[str], kind: Any = "tags") -> Corpus:
    return Corpus.from_instances(
        [
            Instance(("w",) * len(target.split()), tuple(target.split()) if kind == "tags" else target)
            for target in targets
        ],
        kind,
    )


def experiment(**task: Any) -> Experiment:
    reader = {"type": "columns", "tags": 1}
    value = {
        "tasks": {"t": {"reader": reader, "train": "x", "dev": "x", "head": {"type": "crf_tagger"}, **task}},
        "model": {
            "embedder": {"type": "words", "dim": 2},
            "sharing": {"type": "private", "encoder": {"type": "lstm", "hidden_dim": 2}},
        },
    }
    return Experiment.model_validate(value)


def fit(given: Experiment, **splits: Corpus) -> tuple[Experiment, list[str]]:
    said: list[str] = []
    schemes = {"t": recognise(splits["train"])} if splits["train"].target_kind == "tags" else {}
    return with_metrics_that_fit(given, Corpora({"t": splits}, schemes), said.append), said


def metrics(given: Experiment) -> list[str]:
    return [metric.type for metric in given.tasks["t"].scorers()]


def test_own_metrics_of_spans_are_replaced_where_no_tag_marks_one() -> None:
    before = experiment()
    after, said = fit(before, train=corpus(POS), dev=corpus(POS))
    assert metrics(before) == ["span_f1", "token_accuracy"] and metrics(after) == ["token_accuracy"]
    assert said == [
        "tasks.t.metrics: no tag marks a span, so token_accuracy is the metric in place of the head's scores of spans"
    ]
    assert replaced_headlines(before, after) == {"headlines": {"t": "token_accuracy"}}
    assert headlines_of(before, {"headlines": {"t": "token_accuracy"}}) == {"t": "token_accuracy"}
    assert headlines_of(before, {}) == {"t": "f1"}


def test_types_of_spans_without_letters_are_told_how_to_be_written_and_the_remedy_works() -> None:
    _, said = fit(experiment(), train=corpus(["O O PER PER O O O", "O O LOC"]))
    assert said[0].endswith("; if tags such as 'PER' are types of spans, write them as I-PER")
    after, said = fit(experiment(), train=corpus(["O O I-PER I-PER O O O", "O O I-LOC"]))
    assert metrics(after) == ["span_f1", "token_accuracy"] and not said


def test_a_dev_split_without_a_type_of_train_is_said() -> None:
    _, said = fit(experiment(), train=corpus(NER), dev=corpus(["B-B I-B O"]), test=corpus(["B-A B-B"]))
    assert said == ["tasks.t.dev: no tag of a span occurs in train, so scores of spans are 0 whatever a model gives"]


def test_metrics_that_can_move_stay() -> None:
    for given, texts in ((experiment(), NER), (experiment(metrics=[{"type": "token_accuracy"}]), POS)):
        after, said = fit(given, train=corpus(texts), dev=corpus(texts))
        assert after == given and not said and replaced_headlines(given, after) == {}


def test_metrics_of_a_task_whose_scheme_is_not_known_stay() -> None:
    given = experiment()
    assert with_metrics_that_fit(given, Corpora({"t": {"train": corpus(POS)}})) == given


def test_a_set_metric_of_spans_is_refused_and_its_remedy_works() -> None:
    given = experiment(metrics=[{"type": "token_accuracy"}, {"type": "span_f1"}])
    with pytest.raises(DataError) as error:
        fit(given, train=corpus(POS))
    assert str(error.value) == (
        "tasks.t.metrics.1: 'span_f1' scores spans, and no tag of the task marks one; set token_accuracy in its place, "
        "or the reader's scheme if the tags do mark spans"
    )
    assert metrics(fit(experiment(metrics=[{"type": "token_accuracy"}]), train=corpus(POS))[0]) == ["token_accuracy"]


@pytest.mark.parametrize(
    ("train", "dev", "said"),
    [
        (NER, ["O O"], "tasks.t.dev: no tag marks a span, so scores of spans are 0 whatever a model gives"),
        (POS, ["DET"], "tasks.t.dev: every target is 'DET', so scores say nothing about the other labels"),
    ],
)
def test_a_dev_split_on_which_a_score_is_constant_is_said(train: list[str], dev: list[str], said: str) -> None:
    assert fit(experiment(), train=corpus(train), dev=corpus(dev))[1][-1] == said
