"""Dev and test texts that are trained on: counted, and reported with a remedy that holds."""

import re
from pathlib import Path
from typing import Any

import pytest

from mtlkit.experiment import Experiment, load_corpora

TEXTS = [f"{'pos' if number % 2 else 'neg'}\tunique text number {number}\n" for number in range(40)]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name, texts in {"all": TEXTS, "first": TEXTS[:20], "mixed": TEXTS[17:30], "last": TEXTS[30:]}.items():
        Path(f"{name}.tsv").write_text("".join(texts))


def reported(tasks: dict[str, dict[str, Any]], **settings: Any) -> tuple[list[str], dict[str, dict[str, int]]]:
    """The lines about texts that are trained on, and their numbers, of tasks given by their data."""
    parts = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}}
    sharing = {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 8}}
    model = {"embedder": {"type": "words", "dim": 8}, "sharing": sharing}
    named = {name: {**parts, **{key: _path(value) for key, value in task.items()}} for name, task in tasks.items()}
    lines: list[str] = []
    experiment = Experiment.model_validate({"tasks": named, "model": model, **settings})
    corpora = load_corpora(experiment, say=lines.append)
    quiet = ("reading ", "texts of ")
    return [line for line in lines if not line.startswith(quiet)], corpora.facts()["seen_texts"]


def _path(value: Any) -> Any:
    return f"{value}.tsv" if isinstance(value, str) else value


def test_splits_without_a_common_text_are_not_mentioned() -> None:
    assert reported({"a": {"train": "first", "dev": "last"}}) == ([], {"dev": {}, "test": {}})


def test_texts_of_several_tasks_are_counted_in_a_line_for_each_split() -> None:
    tasks = {
        "a": {"train": "first", "dev": "mixed", "test": "last"},
        "b": {"train": "last", "dev": "mixed", "test": "mixed"},
        "c": {"train": "first", "dev": "last"},
    }
    lines, counts = reported(tasks)
    assert counts == {"dev": {"a": 3, "b": 3, "c": 10}, "test": {"a": 10, "b": 13}}
    assert lines == [
        "dev texts that are also train texts of some task: a 3 of 13, b 3 of 13, c 10 of 10; "
        "drop_dev_texts leaves them out of training",
        "tasks.b.test: all 13 texts are train or dev texts of the task, so that test figures say nothing of new texts; "
        "leave test out and set resplit: { dev: N, test: M, keep_together: true }, which draws it",
        "test texts that are also train or dev texts of some task: a 10 of 10; clean figures leave them out",
    ]


def test_the_advice_to_drop_dev_texts_holds() -> None:
    lines, counts = reported({"a": {"train": "first", "dev": "mixed"}}, drop_dev_texts=True)
    assert counts["dev"] == {}
    assert lines == ["tasks.a.train: 3 of 20 texts are dev texts of some task, and left out"]


def test_a_file_named_for_two_splits_is_reported_and_the_advice_holds() -> None:
    ((line,), counts) = reported({"a": {"train": "all", "dev": "all"}})
    assert counts == {"dev": {"a": 40}, "test": {}}
    assert line == (
        "tasks.a.dev: all 40 texts are train texts of the task, so that dev figures say nothing of new texts; "
        "leave dev out and set resplit: { dev: N, keep_together: true }, which draws it"
    )
    followed = {"train": "all", "resplit": {"dev": 8, "keep_together": True}}
    assert reported({"a": followed}) == ([], {"dev": {}, "test": {}})


@pytest.mark.parametrize("own", [{"dev": "last", "test": "last"}, {"test": "all"}, {"dev": "last", "test": "all"}])
def test_a_test_file_that_is_another_split_is_reported_and_the_advice_holds(own: dict[str, str]) -> None:
    lines, counts = reported({"a": {"train": "all" if own["test"] == "all" else "first", **own}})
    message = (
        f"tasks.a.test: all {counts['test']['a']} texts are train or dev texts of the task, so that test figures say"
    )
    assert any(line.startswith(message) for line in lines)
    followed = {"train": "all", "resplit": {"dev": 4, "test": 4, "keep_together": True}}
    assert reported({"a": followed}) == ([], {"dev": {}, "test": {}})


def test_a_test_file_beside_drawn_dev_texts_is_reported_and_the_advice_holds() -> None:
    ((line,), counts) = reported({"a": {"train": "all", "test": "all", "resplit": {"dev": 8}}})
    assert counts["test"] == {"a": 40}
    assert line.endswith("; leave test out and set resplit.test, which draws it")
    assert reported({"a": {"train": "all", "resplit": {"dev": 8, "test": 8}}})[0] == []


def test_copies_drawn_into_two_splits_are_reported_and_the_advice_holds() -> None:
    Path("twice.tsv").write_text("".join(TEXTS) + "".join(TEXTS[:30]))
    ((line,), counts) = reported({"a": {"train": "twice", "resplit": {"dev": 20}}})
    found = re.fullmatch(r"dev texts that are also train texts of some task: a (\d+) of 20; drop_dev_texts .*", line)
    assert found and counts["dev"] == {"a": int(found[1])} and int(found[1]) > 0
    together = {"train": "twice", "resplit": {"dev": 20, "keep_together": True}}
    assert reported({"a": together}) == ([], {"dev": {}, "test": {}})
    (dropped,), counts = reported({"a": {"train": "twice", "resplit": {"dev": 20}}}, drop_dev_texts=True)
    assert counts["dev"] == {} and "are dev texts of some task, and left out" in dropped


def test_where_all_drawn_texts_are_trained_on_they_are_to_be_kept_together() -> None:
    Path("thrice.tsv").write_text("".join(TEXTS) * 9)
    ((line,), _) = reported({"a": {"train": "thrice", "resplit": {"dev": 9}}})
    assert line.startswith("tasks.a.dev: all 9 texts are train texts") and line.endswith("; set resplit.keep_together")
    together = {"train": "thrice", "resplit": {"dev": 9, "keep_together": True}}
    assert reported({"a": together}) == ([], {"dev": {}, "test": {}})


def test_tasks_of_one_file_that_are_drawn_apart_are_reported_and_the_advice_holds() -> None:
    """Each would be trained on dev texts of the other, through what they share."""
    draw = {"dev": 8, "test": 6}
    lines, counts = reported({name: {"train": "all", "resplit": draw} for name in ("a", "b")})
    assert all(counts[split].keys() == {"a", "b"} for split in ("dev", "test"))
    advice = "; give tasks with the same files the same resplit, with one drawn_as, so that they are drawn alike"
    assert [line.endswith(advice) for line in lines] == [True, True]
    alike = {name: {"train": "all", "resplit": {**draw, "drawn_as": "corpus"}} for name in ("a", "b")}
    assert reported(alike) == ([], {"dev": {}, "test": {}})
    differing = {"a": alike["a"], "b": {"train": "all", "resplit": {"dev": 10, "drawn_as": "corpus"}}}
    assert reported(differing)[0][0].endswith(advice)


def test_tasks_of_one_file_in_which_targets_are_missing_are_told_what_helps() -> None:
    """They cannot be drawn alike, since their texts are not the same."""
    rows = [f"word{number}\tN\t{'_' if number % 3 else 'X'}\n\n" for number in range(60)]
    Path("part.tsv").write_text("".join(rows))

    def task(tags: int) -> dict[str, Any]:
        reader = {"type": "columns", "tags": tags, "missing": ["_"]}
        return {"train": "part", "reader": reader, "head": {"type": "crf_tagger"}, "resplit": {"dev": 9}}

    def dev_lines(**settings: Any) -> list[str]:
        return [line for line in reported({"a": task(1), "b": task(2)}, **settings)[0] if line.startswith("dev texts")]

    assert [line.partition("; ")[2] for line in dev_lines()] == ["drop_dev_texts leaves them out of training"]
    assert not dev_lines(drop_dev_texts=True)
