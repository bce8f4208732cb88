"""Files that `resplit` draws from: no text of one may be that of another, however it is named."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from mtlkit.errors import ConfigError, DataError
from mtlkit.experiment import Experiment, files_pooled_twice, load_corpora
from mtlkit.runs.checks import check_experiment

TEXTS = [f"{'pos' if number % 2 else 'neg'}\tunique text number {number}\n" for number in range(40)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("u.tsv").write_text("".join(TEXTS))
    Path("other.tsv").write_text("pos\tanother text\nneg\tone more\n")
    return tmp_path


def experiment(reader: dict[str, Any] | None = None, **settings: Any) -> Experiment:
    task = {"reader": reader or {"type": "text_classification"}, "train": "u.tsv", "head": {"type": "classifier"}}
    sharing = {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 8}}
    model = {"embedder": {"type": "words", "dim": 8}, "sharing": sharing}
    return Experiment.model_validate({"tasks": {"t": {**task, **settings}}, "model": model})


def linked(path: str) -> None:
    Path(path).symlink_to("u.tsv")


def linked_hard(path: str) -> None:
    Path(path).hardlink_to("u.tsv")


def copied(path: str) -> None:
    Path(path).write_text("".join(TEXTS))


def shuffled(path: str) -> None:
    Path(path).write_text("".join(reversed(TEXTS)))


def with_other_line_ends(path: str) -> None:
    Path(path).write_bytes("".join(TEXTS).replace("\n", "\r\n").encode())


def packed(path: str) -> None:
    with gzip.open(path, "wt") as file:
        file.write("".join(TEXTS))


@pytest.mark.parametrize("path", ["u.tsv", "./u.tsv", "../{}/u.tsv", "linked", "hard"])
def test_one_file_is_not_pooled_twice_and_that_is_known_before_it_is_read(folder: Path, path: str) -> None:
    linked("linked")
    linked_hard("hard")
    path = path.format(folder.name)
    wrong = experiment(dev=path, resplit={"dev": 8})
    message = r"tasks\.t\.dev: .* holds the same texts as train.*; leave dev out, since resplit draws it from train$"
    with pytest.raises(ConfigError, match=f"^x: {message}"):
        check_experiment(wrong, "x")
    with pytest.raises(DataError, match=f"^{message}"):
        load_corpora(wrong)
    check_experiment(experiment(resplit={"dev": 8}), "x")


@pytest.mark.parametrize("make", [copied, shuffled, with_other_line_ends, packed])
def test_a_copy_is_not_pooled_either(make: Any) -> None:
    name = "copy.tsv.gz" if make is packed else "copy.tsv"
    make(name)
    same = rf"{name} holds the same texts as train \(u\.tsv\)"
    with pytest.raises(DataError, match=rf"^tasks\.t\.dev: {same}; leave dev out, since resplit draws it from train$"):
        load_corpora(experiment(dev=name, resplit={"dev": 8}))
    with pytest.raises(DataError, match=rf"^tasks\.t\.test: {same}; leave test out"):
        load_corpora(experiment(dev="other.tsv", test=name, resplit={"dev": 8, "test": 4}))


def test_all_mistakes_are_named_and_what_they_advise_draws_from_the_train_file() -> None:
    with pytest.raises(ConfigError) as refused:
        check_experiment(experiment(dev="u.tsv", test="u.tsv", resplit={"dev": 8, "test": 6}), "x")
    assert str(refused.value).splitlines() == [
        "x: tasks.t.dev: u.tsv holds the same texts as train; leave dev out, since resplit draws it from train",
        "x: tasks.t.test: u.tsv holds the same texts as train; leave test out, since resplit draws it from train",
    ]
    followed = experiment(resplit={"dev": 8, "test": 6})
    check_experiment(followed, "x")
    corpora = load_corpora(followed)
    assert {split: len(corpus) for split, corpus in corpora.by_task["t"].items()} == {"train": 26, "dev": 8, "test": 6}
    assert corpora.facts()["seen_texts"] == {"dev": {}, "test": {}}


def test_a_source_that_names_a_part_of_a_file_is_not_the_whole() -> None:
    """`planted` and `vader` make several splits from what is one file, or none."""
    vader = {"type": "vader", "domain": "movie"}
    for dev, problems in (("dev", 0), ("train", 1)):
        task = experiment(vader, train="train", dev=dev, resplit={"dev": 8}).tasks["t"]
        assert len(list(files_pooled_twice(task, task.reader.build()))) == problems
    planted = {"type": "planted", "rule": "one"}
    parts = experiment(planted, train="train:50", dev="dev:20", test="test:20", resplit={"dev": 8, "test": 4})
    check_experiment(parts, "x")
    assert len(load_corpora(parts).by_task["t"]["train"]) == 78
