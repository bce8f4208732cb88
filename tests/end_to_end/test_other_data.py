"""Runs on other data: compare, report, evaluate and transfer say so, and go on only with --anyway."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mtlkit.errors import ConfigError
from mtlkit.experiment import load_experiment
from mtlkit.runs import baseline_figures, train

LSTM = {"type": "lstm", "hidden_dim": 4}
REMEDY = "; compare runs on the same data, or give --anyway to compare these all the same"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_corpus):
    """A folder with data and four runs: two on all texts, one with a limit, and one with other texts to train on."""
    folder = tmp_path_factory.mktemp("trained")
    for place, split in enumerate(("train", "dev", "test")):
        make_corpus(folder / f"books.{split}.tsv", 30, place)
    make_corpus(folder / "books.more.tsv", 40, 7)
    parts = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}}
    experiment: dict[str, Any] = {
        "tasks": {"books": {**{split: f"books.{split}.tsv" for split in ("train", "dev", "test")}, **parts}},
        "model": {"embedder": {"type": "words", "dim": 4}, "sharing": {"type": "private", "encoder": LSTM}},
        "trainer": {"epochs": 1},
    }
    (folder / "experiment.json").write_text(json.dumps(experiment))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, limit, *overrides in (
            ("all", None),
            ("wide", None, "model.embedder.dim=6"),
            ("few", 20, "model.embedder.dim=5"),
            ("more", None, "tasks.books.train=books.more.tsv"),
        ):
            loaded = load_experiment(Path("experiment.json"), overrides=overrides)
            train(loaded, Path("runs", name), device="cpu", limit=limit)
    return folder


@pytest.fixture
def here(trained, run, tmp_path, monkeypatch):
    """The current folder: a copy of the runs with their data."""
    shutil.copytree(trained, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def refused(result, sentence):
    assert result.returncode == 2 and "Traceback" not in result.stderr, result.stderr
    *_, last = result.stderr.splitlines()
    assert last == sentence


COUNTS = (
    "--limit (none against 20), the train texts of books (30 against 20), the dev texts of books (30 against 20) and "
    "1 more"
)


def test_a_run_on_fewer_texts_does_not_compare(here, run):
    sentence = f"runs/all and runs/few: do not compare, since they differ in {COUNTS}"
    refused(run("compare", "runs/all", "runs/few", "--baseline", "all"), f"{sentence}{REMEDY}")
    result = run("compare", "runs/all", "runs/few", "--baseline", "all", "--anyway", "--format", "json")
    assert result.returncode == 0 and sentence in result.stderr
    found = json.loads(result.stdout)
    assert sentence in found["notes"]
    assert {record["p"] for record in found["results"]} == {None}, "answers to other texts cannot be paired"


def test_a_run_on_other_training_texts_has_intervals_over_the_same_test_texts(here, run):
    sentence = "runs/all and runs/more: do not compare, since they differ in the train texts of books (30 against 40)"
    refused(run("compare", "runs/all", "runs/more"), f"{sentence}{REMEDY}")
    result = run("compare", "runs/all", "runs/more", "--baseline", "all", "--anyway", "--format", "markdown")
    assert result.returncode == 0 and sentence in result.stderr and sentence in result.stdout
    assert "paired bootstrap" in result.stdout


def test_runs_on_the_same_data_compare_without_a_word(here, run):
    result = run("compare", "runs/all", "runs/wide", "--baseline", "all")
    assert result.returncode == 0 and "differ" not in result.stderr


def test_packed_data_are_the_same_data(here, run):
    """Other bytes under another name, which hold the same texts."""
    for split in ("train", "dev", "test"):
        Path(f"packed.{split}.tsv.gz").write_bytes(gzip.compress(Path(f"books.{split}.tsv").read_bytes()))
    options = [f"tasks.books.{split}=packed.{split}.tsv.gz" for split in ("train", "dev", "test")]
    loaded = load_experiment(Path("experiment.json"), overrides=options)
    train(loaded, Path("runs", "packed"), device="cpu")
    result = run("compare", "runs/all", "runs/packed")
    assert result.returncode == 0 and "differ" not in result.stderr


def test_another_normal_form_does_not_compare(here, run):
    """As that of a run which was made before there was the setting: it has none."""
    resolved = Path("runs/wide/experiment.resolved.json")
    before = json.loads(resolved.read_text())
    assert before.pop("normalization") == "nfc"
    resolved.write_text(json.dumps(before))
    sentence = "runs/all and runs/wide: do not compare, since they differ in normalization (nfc against none)"
    refused(run("compare", "runs/all", "runs/wide"), f"{sentence}{REMEDY}")
    refused(run("report", "runs/all", "--baseline", "runs/wide"), f"{sentence}{REMEDY}")
    result = run("compare", "runs/all", "runs/wide", "--anyway")
    assert result.returncode == 0 and sentence in result.stderr


def test_a_report_shows_a_baseline_on_other_data_only_anyway(here, run):
    sentence = f"runs/all and runs/few: do not compare, since they differ in {COUNTS}"
    refused(run("report", "runs/all", "--baseline", "runs/few"), f"{sentence}{REMEDY}")
    assert not Path("runs/all/report.html").exists()
    result = run("report", "runs/all", "--baseline", "runs/few", "--anyway")
    assert result.returncode == 0 and sentence in result.stderr
    assert f"{sentence}." in Path("runs/all/report.html").read_text()
    result = run("report", "runs/all", "--baseline", "runs/wide")
    assert result.returncode == 0 and "differ" not in result.stderr


def test_a_report_of_an_archive_is_of_the_texts_that_are_read_for_it(here, run):
    shutil.copy("runs/all/archive.tar.gz", "all.tar.gz")
    result = run("report", "all.tar.gz", "--baseline", "runs/wide")
    assert result.returncode == 0 and "differ" not in result.stderr
    result = run("report", "all.tar.gz", "--baseline", "runs/wide", "--limit", 9)
    sentence = "all.tar.gz and runs/wide: do not compare, since they differ in the test texts of books (9 against 30)"
    refused(result, f"{sentence}{REMEDY}")


def test_the_command_that_writes_a_runs_own_answers_does_so(here, run):
    """After those of an evaluation with another limit were put in their place."""
    kept = {file: file.read_bytes() for file in Path("runs/few").glob("predictions/*/*")}
    assert run("evaluate", "runs/few", "--limit", 5, "--predictions", "few").returncode == 0
    shutil.copytree("few", "runs/few/predictions", dirs_exist_ok=True)
    result = run("compare", "runs/few")
    assert result.returncode == 2 and "its answers are to other test texts of books than its figures" in result.stderr
    command = result.stderr.partition("write its own by mtlkit ")[2].partition(", or give --anyway")[0]
    assert run(*command.split()).returncode == 0
    assert run("compare", "runs/few").returncode == 0
    assert kept and {file: file.read_bytes() for file in Path("runs/few").glob("predictions/*/*")} == kept


def test_a_baseline_of_a_transfer_was_scored_on_the_same_texts(here, run):
    """Wherever they lie: files of other names are told apart by the task and split that they are of."""

    def experiment(*overrides):
        return load_experiment(Path("experiment.json"), overrides=overrides).experiment

    assert baseline_figures(Path("runs/all"), experiment(), ["books"], None)
    message = "runs/all: does not compare, since it differs in the test data of books; give a run on the same data"
    with pytest.raises(ConfigError, match=message):
        baseline_figures(Path("runs/all"), experiment("tasks.books.test=books.more.tsv"), ["books"], None)
    resolved = Path("runs/all/experiment.resolved.json")
    resolved.write_text(json.dumps({**json.loads(resolved.read_text()), "normalization": "nfkc"}))
    with pytest.raises(ConfigError, match=r"runs/all: does not compare, since it differs in normalization \("):
        baseline_figures(Path("runs/all"), experiment(), ["books"], None)


def test_archives_side_by_side_are_of_the_same_data_or_said_to_differ(here, run, tmp_path):
    sentence = "all and more: do not compare, since they differ in the train texts of books (30 against 40)"
    result = run("evaluate", "runs/all", "runs/more")
    refused(result, f"{sentence}{REMEDY}")
    assert "scoring" not in result.stderr
    result = run("evaluate", "runs/all", "runs/more", "--anyway", "--output", tmp_path / "found.json")
    assert result.returncode == 0 and sentence in result.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["more"]["notes"] == [sentence] and "notes" not in found["all"]
    result = run("evaluate", "runs/all", "runs/wide")
    assert result.returncode == 0 and "differ" not in result.stderr


def test_archives_that_were_scored_on_other_texts_are_told_apart(here, run):
    lines = Path("books.test.tsv").read_text().splitlines(keepends=True)
    Path("turned.tsv").write_text("".join(lines[::-1]))
    loaded = load_experiment(Path("experiment.json"), overrides=["tasks.books.test=turned.tsv"])
    train(loaded, Path("runs", "turned"), device="cpu")
    sentence = "all and turned: do not compare, since they differ in the test texts of books or their order"
    refused(run("evaluate", "runs/all", "runs/turned"), f"{sentence}{REMEDY}")
    result = run("evaluate", "runs/all", "runs/turned", "--data", "books=turned.tsv")
    assert result.returncode == 0 and "differ" not in result.stderr


CHANGED = (
    "books: the {} of books.test.tsv changed since the run was trained{}, so these figures do not compare with its own"
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: lines[:12], CHANGED.format("texts", " (12 texts against 30)")),
        (lambda lines: lines[::-1], CHANGED.format("texts", " (30 texts against 30)")),
        (lambda lines: ["negative" + lines[0][8:], *lines[1:]], CHANGED.format("targets", "")),
    ],
)
def test_evaluate_says_that_the_data_have_changed(here, run, tmp_path, change, expected):
    file, figures = Path("books.test.tsv"), tmp_path / "figures.json"
    lines = file.read_text().splitlines(keepends=True)
    lines[0] = lines[0].replace("negative\t", "positive\t")
    file.write_text("".join(change(lines)))
    result = run("evaluate", "runs/all", "--data", ".", "--output", figures)
    assert result.returncode == 0 and expected in result.stderr.splitlines()
    assert json.loads(figures.read_text())["notes"] == [expected]
    result = run("evaluate", "runs/all", "--data", ".", "--predictions", "runs/all/predictions")
    refused(
        result,
        f"--predictions runs/all/predictions: keeps the run's answers to its own data, and {expected}; "
        "give another folder",
    )
    assert run("compare", "runs/all", "runs/wide").returncode == 0, "the answers are still its own"
    assert run("evaluate", "runs/all", "--data", ".", "--predictions", tmp_path / "answers").returncode == 0
    assert (
        expected in run("report", "runs/all", "--data", ".").stderr
        and f"{expected}." in Path("runs/all/report.html").read_text()
    )


def test_an_archive_that_knows_only_digests_of_files_is_enough(here, run):
    """As those of older versions do. With another limit than the run's the texts are others anyway."""
    result = run("evaluate", "runs/few")
    assert "changed" not in result.stderr
    Path("books.test.tsv").write_text("positive\ta warm book\nnegative\ta cruel plot\n")
    sentence = CHANGED.format("file", "")
    assert sentence in run("evaluate", "runs/few", "--data", ".").stderr
    assert sentence in run("evaluate", "runs/all", "--data", ".", "--limit", 1).stderr


def test_data_that_the_user_names_are_no_change(here, run, tmp_path):
    Path("new.tsv").write_text("positive\ta warm book\nnegative\ta cruel plot\n")
    for arguments in (("--data", "books=new.tsv"), ("--file", "new.tsv"), ("--file", "books.test.tsv"), ()):
        result = run("evaluate", "runs/all", *arguments, "--output", tmp_path / "figures.json")
        assert result.returncode == 0 and "changed" not in result.stderr
        assert "notes" not in json.loads((tmp_path / "figures.json").read_text())
    shutil.copy("new.tsv", "books.test.tsv")
    assert "changed" in run("evaluate", "runs/all", "--file", "books.test.tsv").stderr


def test_figures_of_texts_that_were_trained_on_are_said_to_be_of_such(here, run, tmp_path):
    seen = "books: 30 of 30 texts are train or dev texts of the run, so the figures say little about new texts"
    for split in ("test", "dev"):
        result = run(
            *("evaluate", "runs/all", "--file", "books.train.tsv", "--split", split),
            *("--output", tmp_path / "figures.json"),
        )
        assert result.returncode == 0 and seen in result.stderr
        assert json.loads((tmp_path / "figures.json").read_text())["notes"] == [seen]
    assert "train or dev texts" not in run("evaluate", "runs/all", "--split", "train").stderr
    assert "train or dev texts" not in run("evaluate", "runs/all").stderr


def test_figures_with_notes_are_read_as_a_baseline(here, run, tmp_path):
    Path("books.test.tsv").write_text("positive\ta warm book\nnegative\ta cruel plot\n")
    assert run("evaluate", "runs/all", "--data", ".", "--output", tmp_path / "figures.json").returncode == 0
    experiment = load_experiment(Path("experiment.json")).experiment
    found = baseline_figures(tmp_path / "figures.json", experiment, ["books"], None)
    assert "books/accuracy" in found and "notes" not in found
