"""Runs whose files were damaged or edited: every verb that reads one says which file is wrong, in one sentence."""

import json
import shutil
from typing import Any

import pytest

from mtlkit.experiment import load_experiment
from mtlkit.runs import train

LACKING = object()
DEEP = "[" * 5_000


@pytest.fixture(scope="module")
def kept(tmp_path_factory, make_corpus):
    """An experiment file `e.json` and the finished runs `run` and `other` of it, with different seeds."""
    folder = tmp_path_factory.mktemp("kept")
    tasks = {}
    for number, name in enumerate(["books", "films"]):
        files = {split: folder / f"{name}.{split}.tsv" for split in ("train", "dev", "test")}
        for offset, path in enumerate(files.values()):
            make_corpus(path, 12, 10 * number + offset)
        sources = {split: str(path) for split, path in files.items()}
        tasks[name] = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, **sources}
    encoder = {"type": "lstm", "hidden_dim": 4}
    model = {"embedder": {"type": "words", "dim": 4}, "sharing": {"type": "fully_shared", "encoder": encoder}}
    (folder / "e.json").write_text(
        json.dumps({"tasks": tasks, "model": model, "trainer": {"epochs": 1, "batch_size": 12}})
    )
    for name, seed in (("run", 13), ("other", 14)):
        loaded = load_experiment(folder / "e.json", overrides=[f"seed={seed}"])
        train(loaded, folder / name, device="cpu")
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    """A copy of these, to be damaged."""
    return shutil.copytree(kept, tmp_path / "folder")


READERS = {
    "resume": lambda at: ("train", at / "e.json", "-s", at / "run", "--resume"),
    "resume anyway": lambda at: ("train", at / "e.json", "-s", at / "run", "--resume-anyway"),
    "compare": lambda at: ("compare", at / "run", at / "other"),
    "compare as a baseline": lambda at: ("compare", at / "other", "--baseline", at / "run"),
    "diff": lambda at: ("diff", at / "other", at / "run"),
    "evaluate": lambda at: ("evaluate", at / "run", "--predictions", at / "run" / "predictions"),
    "report": lambda at: ("report", at / "run"),
    "report as a baseline": lambda at: ("report", at / "other", "--baseline", at / "run"),
    "transfer": lambda at: (
        *("transfer", at / "e.json", "--leave-out", "books", "-s", at / "folds"),
        *("--baseline", at / "run"),
    ),
}
"""The verbs that read a run, and how."""
FIGURES = ["compare", "compare as a baseline", "diff", "report", "report as a baseline", "transfer"]


def damage(file, change: Any) -> None:
    """Puts a text in the place of the file's content, or changes or removes keys of it."""
    if isinstance(change, str | bytes):
        file.write_bytes(change.encode() if isinstance(change, str) else change)
    else:
        value = {**json.loads(file.read_text()), **change}
        file.write_text(json.dumps({key: item for key, item in value.items() if item is not LACKING}))


def complains(result, file) -> None:
    assert result.returncode == 2, result.stderr
    *_, last = result.stderr.splitlines()
    assert "Traceback" not in result.stderr and str(file) in last, result.stderr


@pytest.mark.parametrize(
    ("change", "problem", "readers"),
    [
        ({"format": LACKING}, "format: is missing", ["resume", "resume anyway"]),
        ({"format": "2"}, "format: should be a valid integer", READERS),
        ({"format": None}, "format: is missing", ["resume", "resume anyway"]),
        ({"data": LACKING}, "data: is missing", READERS),
        ({"data": None}, "data: should be an object", READERS),
        ({"data": ["books.train.tsv"]}, "data: should be an object", READERS),
        ({"data": {"books.train.tsv": 3}}, "data.books.train.tsv: should be a valid string", READERS),
        ({"seed": LACKING}, "seed: is missing", READERS),
        ({"seed": "13"}, "seed: should be a valid integer", READERS),
        ({"limit": "9"}, "limit: should be a valid integer", READERS),
        ({"plugins": 3}, "plugins: should be an object", READERS),
        ({"packages": ["torch"]}, "packages: should be an object", READERS),
        ({"command": "train"}, "command: should be a valid list", READERS),
        ({"git": "abc"}, "git: should be an object", READERS),
        ({"code": []}, "code: should be an object", READERS),
        ({"resumed_anyway": {}}, "resumed_anyway: should be a valid list", READERS),
    ],
)
def test_meta_data_that_lack_something(folder, run, change, problem, readers):
    file = folder / "run" / "meta.json"
    damage(file, change)
    for reader in readers:
        result = run(*READERS[reader](folder))
        complains(result, f"{file}: missing or damaged (")
        assert problem in result.stderr, result.stderr
    assert not (folder / "folds").exists()


@pytest.mark.parametrize("content", ["[]", "3", "null", '"mtlkit run"', "", '{"kind": "mtlkit', b"\xff\xfe", DEEP])
def test_meta_data_that_are_not_an_object(folder, run, content):
    file = folder / "run" / "meta.json"
    damage(file, content)
    for reader in set(READERS) - {"evaluate", "transfer"}:
        complains(run(*READERS[reader](folder)), file)
    complains(run(*READERS["transfer"](folder)), file)
    assert run(*READERS["evaluate"](folder)).returncode == 0, "the archive has all that it needs"
    refused = run("train", folder / "e.json", "-s", folder / "run", "--force")
    complains(refused, file)
    assert "exists and is not a run that can be read" in refused.stderr and (folder / "run" / "archive.tar.gz").exists()


def test_meta_data_of_something_else(folder, run):
    damage(folder / "run" / "meta.json", {"kind": "photograph"})
    for reader in ("resume", "compare", "diff", "report"):
        result = run(*READERS[reader](folder))
        complains(result, folder / "run")
        assert "meta.json there was not written by a run" in result.stderr


def test_another_version_is_told_before_what_it_writes_otherwise(folder, run):
    damage(folder / "run" / "meta.json", {"format": 3, "data": []})
    result = run(*READERS["resume"](folder))
    complains(result, folder / "run")
    assert "begun by another version of mtlkit (format 3)" in result.stderr


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("[]", "no JSON object"),
        ("", "Expecting value"),
        (DEEP, "nested too deeply"),
        ({"test": LACKING}, "test: is missing"),
        ({"test": []}, "test: should be an object"),
        ({"test": {"books/accuracy": "high"}}, "test.books/accuracy: should be a valid number"),
        ({"dev": 3}, "dev: should be an object"),
        ({"stages": {"one": 3}}, "stages.one: should be an object"),
    ],
)
def test_figures_that_lack_something(folder, run, change, problem):
    file = folder / "run" / "metrics.json"
    damage(file, change)
    for reader in FIGURES:
        result = run(*READERS[reader](folder))
        complains(result, file)
        assert problem in result.stderr, result.stderr
    assert not (folder / "folds").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"epochs": None}, "epochs: should be a valid integer"),
        ({"stages": {"one": {"epochs": 1}}}, "stages.one.steps: is missing"),
    ],
)
def test_figures_that_only_a_report_shows(folder, run, change, problem):
    file = folder / "run" / "metrics.json"
    damage(file, change)
    result = run(*READERS["report"](folder))
    complains(result, file)
    assert problem in result.stderr


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[]", "no JSON object"),
        ('{"epoch": 1', "Expecting ',' delimiter"),
        (DEEP, "nested too deeply"),
        ("{}", "epoch: is missing"),
        ('{"epoch": "one"}', "epoch: should be a valid integer"),
        ('{"epoch": 1, "train": []}', "train: should be an object"),
        ('{"epoch": 1, "skipped": [3]}', "skipped.0: should be an object"),
    ],
)
def test_a_line_of_the_log_that_lacks_something(folder, run, line, problem):
    file = folder / "run" / "metrics.jsonl"
    file.write_text(file.read_text() + line + "\n")
    result = run(*READERS["report"](folder))
    complains(result, f"{file}:2: missing or damaged (")
    assert problem in result.stderr


@pytest.mark.parametrize("content", ["[]", "", DEEP, '{"tasks": {"books": 3}}', '{"tasks": {}, "stages": [3]}'])
def test_a_resolved_experiment_that_is_damaged(folder, run, content):
    file = folder / "run" / "experiment.resolved.json"
    damage(file, content)
    for reader in ("resume", "resume anyway", "compare", "report", "report as a baseline"):
        complains(run(*READERS[reader](folder)), file)


def test_the_outcome_of_a_stage_that_is_damaged(folder, run):
    file = folder / "run" / "checkpoints" / "outcome.json"
    whole = file.read_text()
    for change in ("[]", "", {"log_size": LACKING}, {"log_size": "3"}, {"metrics": {}}, {"weights": {"model": 3}}):
        file.write_text(whole)
        damage(file, change)
        complains(run(*READERS["resume"](folder)), file)


@pytest.mark.parametrize(
    "content", ["[]", "3", DEEP, '{"metrics": 3}', '{"test": {"a/b": 1}, "data": []}', '{"data": 3}']
)
def test_a_file_of_figures_that_is_damaged(folder, run, content):
    file = folder / "figures.json"
    file.write_text(content)
    for words in (("compare", file, folder / "run"), (*READERS["transfer"](folder)[:-1], file)):
        complains(run(*words), file)


def test_a_sweep_whose_files_are_damaged(folder, run):
    words = ("sweep", folder / "e.json", "-s", folder / "sweep")
    assert run(*words).returncode == 0
    place, record = folder / "sweep" / "base-13", folder / "sweep" / "sweep.json"
    for file, change in (
        (place / "metrics.json", {"test": []}),
        (place / "metrics.json", "[]"),
        (place / "meta.json", {"data": LACKING}),
        *((record, change) for change in ("[]", "{", DEEP, {"asked": 3}, {"asked": LACKING}, {"asked": {"grid": {}}})),
        *((record, change) for change in ({"format": LACKING}, {"identity": LACKING}, {"experiment": []})),
        *((record, {"point": point}) for point in (LACKING, [], {"model.dropout": 0})),
    ):
        whole = file.read_bytes()
        damage(file, change)
        for more in ((), ("--report",)):
            complains(run(*words, *more), file)
        file.write_bytes(whole)
    failed = folder / "sweep" / "base-13.failed.json"
    (place / "metrics.json").unlink()
    for content in ("[]", "", "{}", DEEP):
        failed.write_text(content)
        complains(run(*words), failed)


def test_folds_whose_files_are_damaged(folder, run):
    for task in ("books", "films", "all"):  # the last has nothing left to train
        words = ("transfer", folder / "e.json", "--leave-out", task, "-s", folder / "folds")
        done = run(*words, *(("--resume",) if task == "all" else ()))
        assert done.returncode == 0, done.stderr
    for name, change in (
        ("metrics.json", {"test": []}),
        ("metrics.json", "[]"),
        ("meta.json", {"data": LACKING}),
        ("meta.json", {"format": LACKING}),
        ("experiment.resolved.json", "[]"),
    ):
        file = folder / "folds" / "films" / name
        whole = file.read_bytes()
        damage(file, change)
        complains(run(*words, "--resume"), file)
        file.write_bytes(whole)
