"""Runs and archives side by side: compare, evaluate of several, diff."""

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest

from mtlkit.errors import DataError
from mtlkit.experiment import load_experiment
from mtlkit.runs import train
from mtlkit.runs.named_by_archive import relocated
from mtlkit.text import LONGEST_SHOWN

INDIRECT = {"type": "message_passing", "hidden_dim": 12, "communicator": {"type": "indirect"}}
SHARED = {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}}
RUNS = (("ic-1", 1, INDIRECT), ("ic-2", 2, INDIRECT), ("fs-1", 1, SHARED))


def fails(result, *parts):
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_corpus):
    """A folder with data and three runs on them; some test texts of books were seen."""
    folder = tmp_path_factory.mktemp("trained")
    for number, name in enumerate(("books", "films")):
        for split, size in (("train", 60), ("dev", 20), ("test", 20)):
            make_corpus(folder / f"{name}.{split}.tsv", size, 10 * number + len(split))
    seen = (folder / "films.train.tsv").read_text().splitlines(keepends=True)[:5]
    with (folder / "books.test.tsv").open("a") as test:
        test.writelines(seen)
    tasks = {name: {split: f"{name}.{split}.tsv" for split in ("train", "dev", "test")} for name in ("books", "films")}
    parts = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}}
    experiment = {
        "tasks": {name: {**files, **parts} for name, files in tasks.items()},
        "model": {"embedder": {"type": "words", "dim": 12}, "sharing": INDIRECT},
        "trainer": {"epochs": 2, "batch_size": 4, "optimizer": {"type": "adam", "lr": 0.01}},
    }
    (folder / "experiment.json").write_text(json.dumps(experiment))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, seed, sharing in RUNS:
            patch.setattr(sys, "argv", ["mtlkit", "train", "experiment.json", "-o", f"seed={seed}"])
            overrides = [f"seed={seed}", f"model.sharing={json.dumps(sharing)}"]
            loaded = load_experiment(Path("experiment.json"), overrides=overrides)
            train(loaded, Path("runs", name), device="cpu")
    return folder


@pytest.fixture
def runs(trained, run, tmp_path, monkeypatch):
    """Two seeds of indirect communication, and one of a shared layer, in the current folder with their data."""
    shutil.copytree(trained, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return [Path("runs", name) for name, _, _ in RUNS]


def test_from_runs_to_a_table(runs, run, tmp_path):
    result = run("compare", *runs, "--baseline", runs[2], "--resamples", "500")
    assert result.returncode == 0, result.stderr
    assert "gain over fs" in result.stdout and "clean test" in result.stdout and "1, 2" in result.stdout
    assert "of a paired bootstrap over test texts" in result.stderr
    for form, mark in (("markdown", "| ic | 1, 2 |"), ("latex", r"\toprule"), ("json", '"baseline": "fs"')):
        file = tmp_path / f"table.{form}"
        assert run("compare", *runs, "--baseline", "fs", "--format", form, "-o", file).returncode == 0
        assert mark in file.read_text()
    result = run("compare", *runs, "--name", "Indirect", "--name", "Shared", "--baseline", "Shared", "--format", "csv")
    assert {row["system"] for row in csv.DictReader(result.stdout.splitlines())} == {"Indirect", "Shared"}


def test_figures_of_a_comparison_are_those_of_the_runs(runs, run):
    """A baseline that is not among the runs comes first."""
    figures = [json.loads((path / "metrics.json").read_text()) for path in runs]
    for split in ("dev", "test"):
        result = run("compare", *runs[:2], "--baseline", runs[2], "--split", split, "--format", "csv")
        assert result.returncode == 0, result.stderr
        rows = list(csv.DictReader(result.stdout.splitlines()))
        assert [rows[0]["system"], rows[-1]["system"]] == ["fs", "ic"]
        for row in rows:
            of_system = figures[2:] if row["system"] == "fs" else figures[:2]
            name = f"{row['task']}/{'clean_' if row['texts'] == 'clean' else ''}{row['metric']}"
            values = [each[split].get(name, each[split][name.replace("clean_", "")]) for each in of_system]
            assert float(row["mean"]) == pytest.approx(sum(values) / len(values)), name
            assert (row["p"] == "") == (row["system"] == "fs")
            assert row["low"] == "" or float(row["low"]) <= float(row["gain"]) <= float(row["high"])


def test_evaluate_gives_an_old_run_the_answers_that_it_has_not_kept(runs, run):
    kept = {file: file.read_bytes() for file in runs[0].glob("predictions/*/*")}
    assert len(kept) == 4
    for file in kept:
        file.unlink()
    result = run("compare", *runs, "--baseline", "fs", "--format", "csv")
    assert f"mtlkit evaluate {runs[0]} --split test --predictions {runs[0] / 'predictions'}" in result.stderr
    assert {row["p"] for row in csv.DictReader(result.stdout.splitlines())} == {""}
    for split in ("dev", "test"):
        result = run("evaluate", runs[0], "--split", split, "--predictions", runs[0] / "predictions")
        assert result.returncode == 0, result.stderr
    assert {file: file.read_bytes() for file in kept} == kept


def test_answers_to_other_data_do_not_take_the_place_of_a_runs_own(runs, run):
    kept = {file: file.read_bytes() for file in runs[0].glob("predictions/*/*")}
    answers = runs[0] / "predictions"
    result = run("evaluate", runs[0], "--data", "books=films.test.tsv", "--predictions", answers)
    fails(result, "keeps the run's answers to its own data", "give another folder")
    fails(
        run("evaluate", runs[0], "--limit", 5, "--predictions", answers), "as many texts as the run had; leave --limit"
    )
    assert kept and {file: file.read_bytes() for file in runs[0].glob("predictions/*/*")} == kept


def test_a_run_may_be_the_current_folder(runs, run, monkeypatch):
    monkeypatch.chdir(runs[0])
    assert run("diff", ".", "../fs-1").returncode == 1
    assert run("compare", ".", "../fs-1").returncode == 0


def test_a_directory_without_an_archive_is_told(runs, run):
    fails(run("evaluate", "runs"), "runs: has no archive.tar.gz; give the directory of a finished run")


def test_several_archives_are_scored_side_by_side(runs, run, tmp_path):
    result = run("evaluate", *runs, "--output", tmp_path / "figures.json")
    assert result.returncode == 0, result.stderr
    assert [name in result.stdout for name in ("ic-1", "ic-2", "fs-1")] == [True] * 3
    figures = json.loads((tmp_path / "figures.json").read_text())
    for path in runs:
        assert figures[path.name] == json.loads((path / "metrics.json").read_text())["test"]
    row = next(line for line in result.stdout.splitlines() if "books" in line)
    assert [f"{figures[name]['books/accuracy']:.2%}" in row for name in figures] == [True] * 3


def test_a_bad_archive_among_good_ones_is_named_before_any_is_scored(runs, run, tmp_path):
    (tmp_path / "bad.tar.gz").write_bytes(b"nothing")
    result = run("evaluate", runs[0], tmp_path / "bad.tar.gz", runs[1])
    fails(result, "bad.tar.gz: not a whole .tar.gz file")
    assert "scoring" not in result.stderr and len(result.stderr.splitlines()) == 1
    fails(run("evaluate", runs[0], runs[1] / "archive.tar.gz", "--task", "plays"), f"{runs[0]}", "no task 'plays'")
    Path("books.test.tsv").unlink()
    result = run("evaluate", *runs)
    fails(result, f"{runs[0] / 'archive.tar.gz'}: tasks.books.test: no file books.test.tsv")
    assert "scoring" not in result.stderr
    fails(run("evaluate", runs[0], runs[0]), "is given twice")
    fails(run("evaluate", *runs, "--predictions", tmp_path), "--predictions takes the answers of one archive")


def test_other_data_by_task_and_by_folder(runs, run, tmp_path):
    one, many = tmp_path / "one.json", tmp_path / "many.json"
    (tmp_path / "new.tsv").write_text("positive\ta warm book\nnegative\ta cruel plot\npositive\tkind\n")
    assert run("evaluate", runs[0], "--task", "books", "--file", tmp_path / "new.tsv", "--output", one).returncode == 0
    result = run("evaluate", *runs, "--data", f"books={tmp_path / 'new.tsv'}", "--output", many)
    assert result.returncode == 0, result.stderr
    figures = json.loads(many.read_text())["ic-1"]
    assert figures["books/accuracy"] == json.loads(one.read_text())["books/accuracy"]
    assert figures["films/accuracy"] == json.loads((runs[0] / "metrics.json").read_text())["test"]["films/accuracy"]
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("books", "films"):
        Path(f"{name}.test.tsv").rename(moved / f"{name}.test.tsv")
    fails(run("evaluate", runs[0]), "say where it is with --data TASK=FILE or --data FOLDER")
    result = run("evaluate", runs[0], "--data", moved, "--output", one)
    assert result.returncode == 0, result.stderr
    assert json.loads(one.read_text()) == json.loads((runs[0] / "metrics.json").read_text())["test"]
    (moved / "films.test.tsv").unlink()
    fails(
        run("evaluate", runs[0], "--data", moved),
        f"tasks.films.test: no films.test.tsv in {moved}; say where it is with --data TASK=FILE",
    )
    fails(run("evaluate", runs[0], "--data", "nowhere"), "--data nowhere: no such folder")
    fails(run("evaluate", runs[0], "--data", f"plays={one}"), "no task 'plays' in the archive")
    fails(run("evaluate", runs[0], "--data", "books=a", "--data", "books=b"), "a second file for 'books'")
    fails(run("evaluate", runs[0], "--data", "books=a", "--file", "b"), "give one of them")


def test_what_two_runs_differ_in(runs, run):
    result = run("diff", *runs[:2])
    assert result.returncode == 1, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["│", "settings", "│", "seed", "│", "1", "│", "2", "│"] in lines
    assert ["│", "arguments", "│", "-o", "seed", "│", "1", "│", "2", "│"] in lines
    assert "model.embedder.dim" not in result.stdout and "package" not in result.stdout
    assert "model.embedder.dim" in run("diff", *runs[:2], "--all").stdout
    value = json.loads(run("diff", runs[0], runs[2], "--format", "json").stdout)
    assert value["settings"]["model.sharing.type"] == {"left": "message_passing", "right": "fully_shared"}
    assert value["settings"]["model.sharing.communicator.type"] == {"left": "indirect"}
    assert set(value) <= {"settings", "arguments", "machine", "scores"}


def test_a_diff_shows_the_kernels_that_ran_and_not_those_that_were_asked_for(runs, run):
    """A run of an older version recorded only the latter."""
    ran = json.loads((runs[0] / "meta.json").read_text())["ran"]
    value = json.loads(run("diff", *runs[:2], "--all", "--format", "json").stdout)
    assert {name: sides["left"] for name, sides in value["machine"].items() if "kernels" in name} == {
        f"kernels of {operation}": how for operation, how in ran.items()
    }
    meta = json.loads((runs[1] / "meta.json").read_text())
    (runs[1] / "meta.json").write_text(json.dumps({key: item for key, item in meta.items() if key != "ran"}))
    value = json.loads(run("diff", *runs[:2], "--format", "json").stdout)
    assert value["machine"]["kernels"] == {"right": meta["kernels"]} and ran


def test_a_run_and_its_archive_are_the_same(runs, run, tmp_path):
    for other in (runs[0], runs[0] / "archive.tar.gz"):
        result = run("diff", runs[0], other)
        assert (result.returncode, result.stdout) == (0, "")
        assert "no differences" in result.stderr
    meta = json.loads((runs[1] / "meta.json").read_text())
    meta["data"]["books.test.tsv"] = "another"
    (runs[1] / "meta.json").write_text(json.dumps({**meta, "plugins": {"mtlkit-other": "1.0"}, "threads": 2}))
    value = json.loads(run("diff", *runs[:2], "--format", "json").stdout)
    assert value["data"].keys() == {"books.test.tsv"}
    assert value["versions"]["plugin mtlkit-other"] == {"right": "1.0"} and value["machine"] == {
        "threads": {"left": 1, "right": 2}
    }
    fails(run("diff", runs[0], tmp_path), "is not a run; give a run's directory or an archive")
    fails(run("diff", runs[0], tmp_path / "nothing"), "nothing: no such file")


def test_mistakes_of_a_comparison(runs, run, tmp_path):
    fails(run("compare", *runs, "--baseline", "nobody"), "--baseline nobody: is neither a run nor one of ic, fs")
    shutil.copytree(runs[2], "runs/fs")
    meta = json.loads((runs[2] / "meta.json").read_text())
    Path("runs/fs/meta.json").write_text(json.dumps({**meta, "limit": 9}))
    fails(run("compare", *runs, "runs/fs", "--baseline", "fs"), "could be the system of any of runs/fs-1, runs/fs")
    fails(run("compare", *runs, "--split", "train"), "--split train: runs keep no figures of such a split")
    fails(run("compare", *runs, "-o", tmp_path / "no" / "table"), "there is no folder")
    fails(run("compare", *runs, runs[0]), "same experiment and seed 1")
    fails(run("compare", *runs, "--name", "one"), "--name: 1 names for 2 systems, ic, fs; give one for each")


def test_a_search_and_its_stages_keep_the_answers_of_the_last(experiment, write, run, tmp_path):
    trainer = {"epochs": 1}
    experiment["stages"] = [{"name": name, "trainer": trainer} for name in ("first", "second")]
    del experiment["trainer"]
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    folders = {path.parent.relative_to(tmp_path / "run") for path in tmp_path.glob("run/**/books.jsonl.gz")}
    assert folders == {Path("predictions/dev"), Path("predictions/test")}
    result = run("compare", tmp_path / "run", "--format", "csv")
    assert result.returncode == 0, result.stderr


def test_a_file_is_looked_for_with_as_much_of_its_path_as_a_folder_has(tmp_path):
    """The folder of a corpus may be given, or the one of all corpora."""
    for place in ("books/test.tsv", "films/test.tsv", "test.tsv"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    for folder, found in (("", "films/test.tsv"), ("films", "films/test.tsv"), ("books", "books/test.tsv")):
        assert relocated("/old/corpora/films/test.tsv", [tmp_path / folder], "a") == str(tmp_path / found)
    with pytest.raises(
        DataError, match=r"tasks\.films\.dev: no dev\.tsv in .*books or .*; say where it is with --data"
    ):
        relocated("films/dev.tsv", [tmp_path / "books", tmp_path], "tasks.films.dev")
    with pytest.raises(DataError, match=r"no dev\.tsv in .*; say where it is with --data FOLDER$"):
        relocated("films/dev.tsv", [tmp_path], "tasks.films.dev", is_drawn=True)


@pytest.mark.timeout(600)
def test_a_path_of_half_a_million_parts_is_looked_for_at_once(tmp_path):
    """Each part of a path is a place to look in, and a stranger's archive may name paths of any length."""
    (tmp_path / "test.tsv").touch()
    assert relocated("x/" * 500_000 + "test.tsv", [tmp_path], "a") == str(tmp_path / "test.tsv")
    with pytest.raises(DataError) as caught:
        relocated("y" * 500_000, [tmp_path], "a")
    assert len(str(caught.value)) < 2 * LONGEST_SHOWN
