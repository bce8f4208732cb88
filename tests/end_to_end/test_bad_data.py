"""Data that are not what one would wish: handled as documented and told of, or refused with file and line."""

import gzip
import json
from pathlib import Path

import pytest

from mtlkit.experiment import words


@pytest.fixture
def change(experiment, tmp_path):
    """Adds lines to a split of the task `books`."""

    def add(split, *lines):
        with Path(experiment["tasks"]["books"][split]).open("ab") as file:
            file.writelines(line if isinstance(line, bytes) else f"{line}\n".encode() for line in lines)

    experiment["trainer"] = {"epochs": 1}
    return add


@pytest.fixture
def trained(experiment, write, run, tmp_path):
    def train(*options):
        result = run("train", write(experiment), "-s", tmp_path / "run", *options)
        assert "Traceback" not in result.stderr
        return result

    return train


def refused(result, *parts):
    assert result.returncode == 2, result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr


def test_what_is_left_out_is_counted_on_screen_and_in_the_meta_data(experiment, change, trained, run, tmp_path):
    change("train", "positive\t", "negative\t ")
    change("test", "positive\t")
    lines = Path(experiment["tasks"]["books"]["train"]).read_text().splitlines()
    change("dev", lines[0])
    experiment["tasks"]["books"]["reader"]["skip_empty"] = True
    experiment["drop_dev_texts"] = True
    result = trained("--limit", "50")
    assert result.returncode == 0, result.stderr
    read = (
        "texts of books: 50 train (left out: 2 without words, 10 over the limit), 21 dev, 20 test (left out: 1 without"
    )
    assert read in result.stderr
    meta = json.loads((tmp_path / "run" / "meta.json").read_text())["texts"]
    assert meta["films"]["dev"] == {"read": 20, "used": 20}
    train = meta["books"]["train"]
    assert train["read"] == 62 == train["used"] + sum(train["skipped"].values())
    assert train["skipped"]["equal to a dev text"] >= 1
    assert meta["books"]["test"] == {"read": 21, "used": 20, "skipped": {"without words": 1}}
    scored = run("evaluate", tmp_path / "run")
    assert "texts of books: 20 test (left out: 1 without words)" in scored.stderr


def test_texts_that_are_drawn_anew_are_counted_once(experiment, change, trained, tmp_path):
    for split in ("train", "dev", "test"):
        change(split, "positive\t")
    experiment["tasks"]["books"]["reader"]["skip_empty"] = True
    experiment["tasks"]["books"]["resplit"] = {"dev": 10, "test": 15}
    assert trained().returncode == 0
    meta = json.loads((tmp_path / "run" / "meta.json").read_text())["texts"]["books"]
    assert [meta[split]["used"] for split in ("train", "dev", "test")] == [75, 10, 15]
    assert sum(split["read"] for split in meta.values()) == 103
    assert meta["train"]["skipped"] == {"without words": 3}


def test_labels_that_training_has_not_seen_count_as_wrong(experiment, change, trained, tmp_path):
    change("test", *["neither\tthe film was"] * 20)
    result = trained()
    assert "tasks.books.test: targets that train lacks, and no model can give: neither" in result.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["books/accuracy"] <= 0.5


@pytest.mark.parametrize("verb", ["train", "check"])
def test_more_labels_than_an_archive_takes_are_refused_before_training(experiment, write, run, tmp_path, verb):
    labels = ["positive", "negative", *range(2**16 - 1)] * 2  # one each would not be taken for labels
    (tmp_path / "books.train.tsv").write_text("".join(f"{label}\ta text\n" for label in labels))
    result = run(verb, write(experiment), *(["-s", tmp_path / "run"] if verb == "train" else ["--data"]))
    assert result.returncode == 2
    assert "tasks.books.train: has 65,537 labels, and may have 65,536; see that" in result.stderr
    assert not (tmp_path / "run").exists()


def test_more_words_than_an_archive_takes_are_refused_before_training(experiment, write, run, monkeypatch):
    assert run("check", "--data", write(experiment)).returncode == 0
    monkeypatch.setattr(words, "MAX_WORDS", 20)  # eight million would take minutes
    result = run("check", "--data", write(experiment))
    assert result.returncode == 2
    assert "vocabulary: has 24 words, and may have 20; set max_words, or pretrained_limit" in result.stderr


def test_a_task_with_one_label_trains(experiment, trained, tmp_path):
    for split in ("train", "dev", "test"):
        Path(experiment["tasks"]["books"][split]).write_text("positive\tgood film\npositive\tfine\n")
    result = trained()
    assert result.returncode == 0
    assert "tasks.books.train: every target is 'positive'; there is nothing to learn" in result.stderr
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["books/accuracy"] == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["positive good film"], ":61: no TAB between label and text"),
        (
            ["positive\tgood", "positive\t"],
            ":62: no words in the text; remove the line or set the reader's `skip_empty`",
        ),
        ([b"positive\tcaf\xe9\n"], ":61: not UTF-8 ("),
        ([b"positive\tgood\x00film\n"], ":61: a NUL byte; convert"),
        ([b"positive\t" + b"good " * 2**22 + b"\n"], ":61: a line of more than 16,777,216 bytes; give a text file"),
    ],
    ids=["columns", "empty", "encoding", "nul", "long"],
)
def test_what_is_wrong_is_placed(experiment, change, trained, tmp_path, lines, message):
    change("train", *lines)
    place = experiment["tasks"]["books"]["train"]
    refused(trained(), f"tasks.books.train: {place}{message}")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_an_empty_split_is_refused(experiment, trained, split):
    Path(experiment["tasks"]["books"][split]).write_text("")
    refused(
        trained(), f"tasks.books.{split}: {experiment['tasks']['books'][split]}: holds no text; give a file that does"
    )


def test_a_text_to_train_on_needs_a_target(experiment, trained, tmp_path):
    path = tmp_path / "books.jsonl"
    path.write_text('{"text": "good"}\n{"text": "bad"}\n')
    task = experiment["tasks"]["books"]
    task["reader"] = {"type": "jsonl", "label_field": None}
    for split in ("train", "dev", "test"):
        task[split] = str(path)
    refused(trained(), f"tasks.books.train: {path}: text 1 of 2 has no target; training needs them all")


def test_tags_against_the_scheme_are_told(experiment, trained, tmp_path):
    path = tmp_path / "books.conll"
    path.write_text("the O\nfilm I-x\n\na B-x\nbook I-x\n\nI B-x\nam I-y\nit I-y\n\n")
    task = experiment["tasks"]["books"]
    task.update(reader={"type": "columns", "tags": 1}, head={"type": "crf_tagger"})
    for split in ("train", "dev", "test"):
        task[split] = str(path)
    result = trained()
    assert result.returncode == 0, result.stderr
    told = "in 2 texts an I- tag continues no span, first in text 1; it counts as the beginning of one"
    assert f"tasks.books.train: {told}" in result.stderr


def test_lines_to_predict_for_are_answered_around_bad_ones(archive, run, tmp_path):
    file = tmp_path / "texts.txt"
    file.write_bytes(b"good film\n\xff\na\x00b\n" + b"x" * 2**25 + b"\nbad book\n")
    result = run("predict", archive, file, "--task", "books")
    assert result.returncode == 1
    records = [json.loads(line) for line in result.stdout.splitlines()]
    errors = [record.get("error", "") for record in records]
    assert len(records) == 5 and errors[0] == errors[4] == ""
    assert ":2: not UTF-8" in errors[1] and ":3: a NUL byte" in errors[2] and ":4: a line of more than" in errors[3]


def test_a_gzip_that_holds_something_else_is_told(experiment, trained, tmp_path):
    packed = tmp_path / "books.tsv.gz"
    packed.write_bytes(gzip.compress(bytes(2**20)))
    experiment["tasks"]["books"]["train"] = str(packed)
    refused(trained(), f"tasks.books.train: {packed}:1: a NUL byte")
