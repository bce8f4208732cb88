"""Names that mean something to a command line, and the number of processes that a command may have (cases/10)."""

import json
import os
import time
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from mtlkit.archive import write_archive
from mtlkit.config import validate
from mtlkit.data import Vocabulary
from mtlkit.errors import RunError
from mtlkit.experiment import Experiment, build_model
from mtlkit.runs.transfer.jobs import JOB, Job, run_jobs
from mtlkit.training.weights import save_weights

RESERVED = [
    "all",
    "All",
    "average",
    "AVERAGE",
    "clean",
    "dev",
    "majority",
    "model",
    "shared",
    "test",
    "train",
    "transfer",
]


def descendants(process: int) -> set[int]:
    """The processes of mtlkit that have come from this one and are alive; others, such as git, end by themselves."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1])
    found, new = set[int](), {process}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    # The command line of a process that is forked is that of the server, which names what it has imported.
    # A Jsonnet file is evaluated in a short process of its own, which evaluates nothing else.
    return {child for child in found if b"mtlkit" in (line := command_line(child)) and b"jsonnet_child" not in line}


def command_line(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def most_at_once(process) -> int:
    """The most descendants that were alive at one time, until the process ends.

    A process counts once it has been seen ten times in a row, for a fifth of a second: what has just been forked to
    become git still has the command line of its parent, for as long as a busy machine lets it wait.
    """
    most, seen = 0, deque[set[int]](maxlen=10)
    while process.is_running:
        seen.append(descendants(process.pid))
        if len(seen) == seen.maxlen:
            most = max(most, len(set.intersection(*seen)))
        time.sleep(0.02)
    return most


@pytest.mark.parametrize("name", RESERVED)
def test_a_task_cannot_be_named_like_a_word_with_a_meaning(experiment, write, run, name):
    experiment["tasks"][name] = dict(experiment["tasks"]["books"])
    if name == "average":  # and `shared`, which models and figures cannot have at all
        experiment["tasks"].pop("films")
    result = run("check", write(experiment))
    assert result.returncode == 2 and name in result.stderr and "cannot" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["-s", "--force", "con", "LPT1", "a" * 101])
def test_a_name_has_to_serve_as_a_word_and_as_a_file(experiment, write, run, name):
    experiment["tasks"][name] = dict(experiment["tasks"]["books"])
    result = run("check", write(experiment))
    assert result.returncode == 2 and f"tasks.{name}: this cannot be a task's name" in result.stderr


def test_names_that_differ_only_in_case_are_refused(experiment, write, run):
    experiment["tasks"]["Books"] = dict(experiment["tasks"]["books"])
    result = run("train", write(experiment))
    assert result.returncode == 2
    assert "tasks.Books: differs from the task 'books' only in upper and lower case" in result.stderr


def test_stages_that_differ_only_in_case_are_refused(experiment, write, run):
    trainer = experiment.pop("trainer")
    experiment["stages"] = [{"name": name, "trainer": trainer} for name in ("first", "First")]
    result = run("check", write(experiment))
    assert result.returncode == 2 and "stages.1.name: 'First' differs from 'first' only in" in result.stderr


@pytest.mark.parametrize("reserved", [True, False])
def test_transfer_starts_no_process_too_many(experiment, write, fork, tmp_path, reserved):
    """Of the task `all`, none at all; of three others, two at a time and what each of these needs: nothing."""
    experiment["tasks"]["all" if reserved else "plays"] = dict(experiment["tasks"]["books"])
    experiment["trainer"] |= {"epochs": 1, "checkpoint_every": None, "kernels": "plain"}
    options = ("-s", tmp_path / "folds", "--leave-out", "all", "--processes", "2", "--limit", "20")
    process = fork("transfer", write(experiment), *options)
    most, code, said = most_at_once(process), process.wait(), process.output()
    if reserved:
        assert code == 2 and most == 0 and "tasks.all: this cannot be a task's name" in said
        assert not (tmp_path / "folds").exists()
    else:
        assert code == 0, said
        assert 1 <= most <= 2
        assert (tmp_path / "folds" / "transfer.json").exists()


def test_a_sweep_starts_no_process_too_many(experiment, write, fork, tmp_path):
    experiment["trainer"] |= {"epochs": 1, "checkpoint_every": None, "kernels": "plain"}
    options = ("-s", tmp_path / "sweep", "--grid", "model.embedder.dim=4,6,8", "--processes", "2", "--limit", "20")
    process = fork("sweep", write(experiment), *options)
    most = most_at_once(process)
    assert process.wait() == 0, process.output()
    assert 1 <= most <= 2


def test_the_job_of_a_fold_is_a_task_whatever_its_name(experiment, write, run, tmp_path):
    """A child is told `--fold`; the word `all` is then a task that is not there, not every task."""
    result = run("transfer", write(experiment), "--fold", "all", "-s", tmp_path / "folds")
    assert result.returncode == 2 and "no task is named so" in result.stderr


def test_a_job_starts_no_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv(JOB, "books")
    with pytest.raises(RunError, match="this process is the job 'books' of another mtlkit"):
        run_jobs([Job("version", ("--version",), tmp_path / "log")], 1)
    assert not (tmp_path / "log").exists()


def test_a_child_knows_that_it_is_a_job(elsewhere, tmp_path, experiment, write):
    """What a child would start is refused, in its log."""
    assert JOB not in os.environ
    command = ("sweep", str(write(experiment)), "--grid", "model.embedder.dim=4,6", "--processes", "2")
    job = Job("nested", command, tmp_path / "log")
    assert run_jobs([job], 1) == {"nested": 2}
    assert "this process is the job 'nested' of another mtlkit" in job.log.read_text()


def test_an_archive_with_such_names_still_answers(tmp_path, run):
    """Archives of earlier versions may have them, and all that was trained stays of use."""
    names = ("all", "Test", "Books", "books")
    head = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, "train": "books.tsv"}
    sharing = {"type": "private", "encoder": {"type": "lstm", "hidden_dim": 4}}
    model = {"embedder": {"type": "words", "dim": 4}, "sharing": sharing}
    experiment = validate(Experiment, {"tasks": dict.fromkeys(names, head), "model": model}, "experiment")
    vocabulary = Vocabulary.of(["fine", "film"], "filmne", {name: ["bad", "good"] for name in names})
    vocabulary.save(tmp_path / "vocabulary")
    built = build_model(experiment, vocabulary)
    save_weights(tmp_path / "weights", built, built.tasks)
    weights, seen = {"model": tmp_path / "weights"}, np.array([1], np.int64)
    write_archive(tmp_path / "a.tar.gz", experiment, tmp_path / "vocabulary", weights, seen, {"mtlkit": "0.1"})
    answered = run("predict", tmp_path / "a.tar.gz", "-", text="fine film\n")
    assert answered.returncode == 0, answered.stderr
    assert [json.loads(line)["task"] for line in answered.stdout.splitlines()] == list(names)
