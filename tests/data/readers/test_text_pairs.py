"""Pairs of texts, from the file to an answer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mtlkit
from mtlkit.config import Lazy
from mtlkit.data import (
    DatasetReader,
    Instance,
    JsonLinesReader,
    Skipped,
    TextPairsReader,
    audit,
    build_reader,
    load_corpus,
)
from mtlkit.data.instance import BETWEEN_TEXTS
from mtlkit.errors import ConfigError, DataError
from mtlkit.experiment import load_experiment
from mtlkit.runs.checks import check_experiment

SNLI = {"label": "gold_label", "first": "sentence1", "second": "sentence2"}


def reader(**settings: Any) -> DatasetReader:
    return build_reader(Lazy.of(TextPairsReader, **settings), "nfc")


def read(path: Path, content: str, **settings: Any) -> list[Any]:
    path.write_text(content, "utf-8")
    return list(reader(**settings).read(str(path)))


def words(first: str, second: str) -> tuple[str, ...]:
    return (*first.split(), BETWEEN_TEXTS, *second.split())


def test_each_line_is_two_texts_with_a_label(tmp_path: Path) -> None:
    found = read(tmp_path / "a.tsv", "yes\ta man sleeps\ta man rests\n\nno\ta dog\ta cat runs\n")
    yes, no = Instance(words("a man sleeps", "a man rests"), "yes"), Instance(words("a dog", "a cat runs"), "no")
    assert found == [yes, Skipped("blank"), no]


def test_columns_are_found_by_the_names_in_the_first_line(tmp_path: Path) -> None:
    content = "id\tsentence1\tsentence2\tgold_label\n7\ta man\tsleeps\tyes\n8\ta dog\truns\t-\n"
    settings = {**SNLI, "labels": {"yes": "entailment"}, "missing": ["-"]}
    found = read(tmp_path / "a.tsv", content, **settings)
    assert found == [Instance(words("a man", "sleeps"), "entailment"), Skipped("with a missing target")]
    to_predict = list(reader(**settings).read_texts(str(tmp_path / "a.tsv")))
    assert to_predict == [found[0], Instance(words("a dog", "runs"))]


def test_each_text_is_cut_by_itself(tmp_path: Path) -> None:
    [found] = read(tmp_path / "a.tsv", "yes\tone two three\tfour five six\n", max_words=2)
    assert found.words == words("one two", "four five")


@pytest.mark.parametrize(
    ("content", "settings", "said"),
    [
        ("yes\ta man\n", {}, "a.tsv:1: 2 columns, and the reader reads column 2"),
        ("yes\ta man\t \n", {}, "a.tsv:1: the text holds no words"),
        ("yes\ta ␞ man\tsleeps\n", {}, "a.tsv:1: the word ␞ stands between"),
        ("_\ta man\tsleeps\n", {}, "a.tsv:1: the label is `_`, which may mark"),
        ("label\ta\tb\n", SNLI, "a.tsv:1: no column 'gold_label' in the first line .columns there: label, a, b."),
        ("gold_label\tgold_label\tb\n", SNLI, "a.tsv:1: several columns 'gold_label'"),
        ("maybe\ta man\tsleeps\n", {"labels": {"yes": "y"}}, "a.tsv:1: label 'maybe' is not in"),
    ],
)
def test_a_bad_line_is_told_with_its_place(content: str, settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.tsv", content, **settings)


def test_two_settings_for_one_column_are_refused() -> None:
    with pytest.raises(ConfigError, match="the same column"):
        reader(first=2)


@pytest.mark.parametrize(
    "raw", ["a man\tsleeps", {"first": "a man", "second": "sleeps", "id": 3}, {"first": "a man", "second": "sleeps"}]
)
def test_a_pair_to_predict_is_a_line_or_an_object(raw: str | Mapping[str, object]) -> None:
    assert reader().parse(raw) == Instance(words("a man", "sleeps"))
    if isinstance(raw, Mapping):
        assert reader().unused_fields(raw) == {name: raw[name] for name in raw if name == "id"}


@pytest.mark.parametrize("raw", ["a man sleeps", "a\tb\tc", {"first": "a man"}, {"first": "a", "second": ""}])
def test_what_is_no_pair_is_refused(raw: str | Mapping[str, object]) -> None:
    with pytest.raises(DataError, match=r"one TAB between them|no field 'second'|no words"):
        reader().parse(raw)


def test_json_lines_hold_pairs_too(tmp_path: Path) -> None:
    built = build_reader(Lazy.of(JsonLinesReader, text_field="premise", second_field="hypothesis"), "nfc")
    line = {"premise": "a man", "hypothesis": "sleeps", "label": "yes"}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    assert list(built.read(str(tmp_path / "a.jsonl"))) == [Instance(words("a man", "sleeps"), "yes")]
    assert built.reads_pairs and built.parse("a man\tsleeps").words == words("a man", "sleeps")
    assert built.unused_fields({**line, "id": 1}) == {"id": 1}
    for wrong in (
        {"second_field": "b", "tags_field": "c"},
        {"second_field": "b", "words_field": "c"},
        {"max_words": 2},
    ):
        with pytest.raises(ConfigError):
            build_reader(Lazy.of(JsonLinesReader, **wrong), "nfc")


@pytest.mark.parametrize("lenient", [False, True])
def test_a_pair_is_a_duplicate_of_an_equal_pair_only(lenient: bool, tmp_path: Path) -> None:
    corpora = {}
    lines = {"train": "yes\ta man\tsleeps\nno\ta\tman sleeps\n", "test": "no\ta man\tsleeps\nyes\tsleeps\ta man\n"}
    for split, content in lines.items():
        (tmp_path / f"{split}.tsv").write_text(content, "utf-8")
        corpora[split] = load_corpus(Lazy.of(TextPairsReader), str(tmp_path / f"{split}.tsv"), cache=None)
    found = audit({"pairs": corpora}, ignore_case=lenient, ignore_white_space=lenient).tasks["pairs"]
    assert found.repeats == {"train": 0, "test": 0} and found.test_in_train == 1 and found.clean == 1


def experiment(tmp_path: Path, **task: Any) -> dict[str, Any]:
    for split in ("train", "dev", "test"):
        second = [("same", "film") if number % 3 else ("other", "dog") for number in range(24)]
        lines = [f"{label}\tgood film {number}\tgood {word} {split}\n" for number, (label, word) in enumerate(second)]
        (tmp_path / f"{split}.tsv").write_text("".join(lines), "utf-8")
    files = {split: str(tmp_path / f"{split}.tsv") for split in ("train", "dev", "test")}
    own = {"reader": {"type": "text_pairs"}, "head": {"type": "classifier"}, **files, **task}
    return {
        "tasks": {"pairs": own},
        "model": {
            "embedder": {"type": "words", "dim": 4},
            "sharing": {"type": "message_passing", "hidden_dim": 4, "communicator": {"type": "indirect"}},
        },
        "trainer": {"epochs": 1, "batch_size": 8, "kernels": "pure"},
    }


def test_a_run_on_pairs_answers_and_explains_them(tmp_path: Path) -> None:
    """An embedder of words reads the mark as a word like others."""
    run = mtlkit.train(experiment(tmp_path), tmp_path / "run")
    assert 0 <= run.evaluate(limit=4).figures["pairs/accuracy"] <= 1
    [answer] = run.predict([{"first": "good film", "second": "good dog", "id": 9}], "pairs")
    assert answer["label"] in ("same", "other") and answer["id"] == 9
    assert answer["words"] == ["good", "film", BETWEEN_TEXTS, "good", "dog"]
    [wrong] = run.predict(["good film"], "pairs")
    assert "one TAB between them" in wrong["error"]
    assert run.explain("good film\tgood dog", "pairs").words == ("good", "film", BETWEEN_TEXTS, "good", "dog")


def test_a_limit_that_would_cut_the_second_text_is_refused(tmp_path: Path) -> None:
    loaded = load_experiment(experiment(tmp_path, max_length=5))
    with pytest.raises(ConfigError, match="max_length: would cut the second text of a pair"):
        check_experiment(loaded.experiment, "experiment.json")
