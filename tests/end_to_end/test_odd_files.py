"""Files as people have them: what is told on screen and in meta.json, and what is refused before a run begins."""

import json
from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture
def trained(experiment, write, run, tmp_path):
    experiment["trainer"] = {"epochs": 1}

    def train():
        result = run("train", write(experiment), "-s", tmp_path / "run")
        assert "Traceback" not in result.stderr
        return result

    return train


def test_counts_of_blank_lines_and_vectors_stand_on_screen_and_in_the_meta_data(
    experiment, trained, write, run, tmp_path
):
    with Path(experiment["tasks"]["books"]["train"]).open("a") as file:
        file.write("\n \t\n")
    (tmp_path / "a.vec").write_text("4 4\ngood 1 2 3 4\nbad 1 2 3 4\ngood 9 9 9 9\n 1 1 1 1\n")
    experiment["vocabulary"] = {"pretrained": str(tmp_path / "a.vec")}
    experiment["model"]["embedder"] = {"type": "words", "dim": 4}
    result = trained()
    assert result.returncode == 0, result.stderr
    assert "texts of books: 60 train (left out: 2 blank), 20 dev" in result.stderr
    assert "vectors: 2 words (not used: 1 repeated, 1 without a word)" in result.stderr
    meta = json.loads((tmp_path / "run" / "meta.json").read_text())
    assert meta["texts"]["books"]["train"] == {"read": 62, "used": 60, "skipped": {"blank": 2}}
    assert meta["vectors"] == {"words": 2, "repeated": 1, "without a word": 1}
    stats = run("data", "stats", write(experiment))
    assert "texts of books: 60 train (left out: 2 blank), 20 dev" in stats.stderr


@pytest.mark.parametrize("verb", ["train", "check"])
def test_vectors_that_are_not_finite_are_refused_before_training(experiment, write, run, tmp_path, verb):
    (tmp_path / "a.vec").write_text("good 1 2 3 4\nbad 1 nan 3 4\n")
    experiment["vocabulary"] = {"pretrained": str(tmp_path / "a.vec")}
    experiment["model"]["embedder"] = {"type": "words", "dim": 4}
    result = run(verb, write(experiment), *(["-s", tmp_path / "run"] if verb == "train" else ["--data"]))
    assert result.returncode == 2
    assert f"{tmp_path}/a.vec:2: the vector of 'bad' has nan; mend or remove it" in result.stderr
    assert not (tmp_path / "run").exists()


def test_the_size_of_vectors_with_a_header_is_that_of_the_vectors(experiment, write, run, tmp_path):
    (tmp_path / "a.vec").write_text((CASES / "07-vectors" / "header.vec").read_text())
    experiment["vocabulary"] = {"pretrained": str(tmp_path / "a.vec")}
    experiment["model"]["embedder"] = {"type": "words", "dim": 16}
    result = run("check", write(experiment))
    assert result.returncode == 2
    assert "dim 16, but the pretrained vectors have 4 numbers each; set its dim to 4" in result.stderr
    experiment["model"]["embedder"]["dim"] = 4
    assert run("check", "--data", write(experiment)).returncode == 0


def test_a_label_of_dev_that_looks_like_one_of_train_is_refused_before_training(experiment, trained, tmp_path):
    with Path(experiment["tasks"]["books"]["dev"]).open("a") as file:
        file.write("positive\u00a0\tgood film\n")
    result = trained()
    assert result.returncode == 2
    assert r"'positive\xa0' (1 in dev, first in text 21) differ only in white space; write them alike" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_label_to_score_that_looks_like_a_known_one_is_refused(archive, run, tmp_path):
    (tmp_path / "a.tsv").write_text("positive\tgood film\nPositive\tgood\n")
    result = run("evaluate", archive, "--task", "books", "--file", tmp_path / "a.tsv")
    assert result.returncode == 2
    assert "tasks.books: the label 'Positive' (1 in the file, first in text 2) differs from 'positive'" in result.stderr
