"""Killed and resumed is the same, bit for bit, as never killed."""

import inspect
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file

from tests.soak.forked import has_stopped, stop_at


def newest_step(directory):
    return max((int(path.name.removeprefix("step-")) for path in directory.glob("checkpoints/step-*")), default=0)


def train_until(fork, arguments, directory, step, number):
    """Starts training, sends a signal once a checkpoint at or after `step` is there; the exit code and the output."""
    process = fork(*arguments, stops_at_step=step + 20)  # not at its end, however late the signal comes
    process.wait_until(lambda: newest_step(directory) >= step)
    process.send(number)
    return process.wait(), process.output()


def stopping(folder, step):
    """A folder on the path of imports for a process that is to stop at a step, as one that is forked can."""
    place = folder / "stopping"
    place.mkdir()
    imports = "import os, re, signal\nfrom pathlib import Path\nfrom typing import Any\n"
    (place / "sitecustomize.py").write_text(f"{imports}\n{inspect.getsource(stop_at)}\nstop_at({step})\n")
    return place


def assert_same_run(directory, other):
    answers = [path.relative_to(other) for path in other.glob("predictions/*/*")]
    assert len(answers) == 4
    for name in ("metrics.jsonl", "sharing.jsonl", "metrics.json", "checkpoints/best-model.safetensors", *answers):
        assert (directory / name).read_bytes() == (other / name).read_bytes(), name
    last, expected = (
        load_file(path / "checkpoints" / f"step-{newest_step(path):08d}" / "model.safetensors")
        for path in (directory, other)
    )
    assert last.keys() == expected.keys()
    assert all(last[name].equal(expected[name]) for name in expected)


def test_killed_three_times_and_resumed_gives_the_same_bits(experiment, write, fork, run, tmp_path):
    file, whole, broken = write(experiment), tmp_path / "whole", tmp_path / "broken"
    assert run("train", file, "-s", whole).returncode == 0
    code, _ = train_until(fork, ["train", file, "-s", broken], broken, 4, signal.SIGKILL)
    assert code == -signal.SIGKILL
    for step in (37, 80):
        code, output = train_until(fork, ["train", file, "-s", broken, "--resume"], broken, step, signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert "resuming after step" in output
    assert not (broken / "archive.tar.gz").exists()
    last = run("train", file, "-s", broken, "--resume")
    assert last.returncode == 0, last.stderr
    assert_same_run(broken, whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(experiment, write, run, tmp_path, number):
    """A command of its own, not a fork: what it prints to go on with depends on how it was started. Until the signal
    comes it stands still, or it might be at its end by then.
    """
    experiment["trainer"]["schedule"] = {"type": "linear"}
    experiment["trainer"]["accumulate"] = 2
    file, whole, broken = write(experiment), tmp_path / "whole", tmp_path / "broken"
    assert run("train", file, "-s", whole).returncode == 0
    words = [sys.executable, "-m", "mtlkit", "train", str(file), "-s", str(broken)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(stopping(tmp_path, 20)), *filter(None, sys.path)])}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    while process.poll() is None and not has_stopped(process.pid):
        time.sleep(0.01)
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate()
    assert process.returncode == 128 + number
    command = f"{sys.executable} -m mtlkit train {file} -s {broken} --resume"
    assert f"go on with: {command}" in output.splitlines()[-1]
    assert "Traceback" not in output
    subprocess.run(command, shell=True, check=True, capture_output=True)
    assert_same_run(broken, whole)


def test_a_finished_run_can_be_resumed_and_stays_the_same(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 1
    file, directory = write(experiment), tmp_path / "run"
    assert run("train", file, "-s", directory).returncode == 0
    names = ("metrics.json", "archive.tar.gz")
    before = [(directory / name).read_bytes() for name in names]
    again = run("train", file, "-s", directory, "--resume")
    assert again.returncode == 0, again.stderr
    assert [(directory / name).read_bytes() for name in names] == before


def test_a_changed_experiment_is_not_resumed(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 1
    directory = tmp_path / "run"
    assert run("train", write(experiment), "-s", directory).returncode == 0
    experiment["model"]["embedder"]["dim"] = 13
    refused = run("train", write(experiment), "-s", directory, "--resume")
    assert refused.returncode == 2
    assert "the experiment changed since the run was begun: model.embedder.dim" in refused.stderr


def test_a_damaged_checkpoint_is_passed_over(experiment, write, fork, run, tmp_path):
    experiment["trainer"]["epochs"] = 2
    file, whole, broken = write(experiment), tmp_path / "whole", tmp_path / "broken"
    assert run("train", file, "-s", whole).returncode == 0
    train_until(fork, ["train", file, "-s", broken], broken, 12, signal.SIGKILL)
    newest = broken / "checkpoints" / f"step-{newest_step(broken):08d}" / "state.pt"
    newest.write_bytes(newest.read_bytes()[:-100])
    resumed = run("train", file, "-s", broken, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "damaged" in resumed.stderr
    assert_same_run(broken, whole)


def test_metrics_of_every_epoch_are_logged(experiment, write, run, tmp_path):
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert lines[-1]["dev"].keys() == {"books/accuracy", "films/accuracy", "average/accuracy"}


def test_what_is_shared_is_written_down_after_every_epoch(experiment, write, run, tmp_path):
    experiment["trainer"] |= {"epochs": 2, "records": [{"type": "sharing", "texts": 4}, {"type": "gradient_cosine"}]}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    metrics, sharing = (
        [json.loads(line) for line in (tmp_path / "run" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("metrics", "sharing")
    )
    assert [(line["epoch"], line["step"]) for line in sharing] == [(line["epoch"], line["step"]) for line in metrics]
    for line in sharing:
        assert list(line) == ["epoch", "step", "sharing", "gradient_cosine"]
        assert {task: said["kind"] for task, said in line["sharing"].items()} == dict.fromkeys(
            ["books", "films"], "positions"
        )
        assert line["gradient_cosine"]["tasks"] == ["books", "films"]
        (own, cosine), (same, other) = line["gradient_cosine"]["cosines"]
        assert own == other == 1 and cosine == same and -1 <= cosine <= 1


def test_records_change_no_other_file_and_none_leave_none(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 2
    assert run("train", write(experiment), "-s", tmp_path / "with").returncode == 0
    experiment["trainer"]["records"] = []
    assert run("train", write(experiment), "-s", tmp_path / "without").returncode == 0
    assert (tmp_path / "with" / "sharing.jsonl").exists()
    assert not (tmp_path / "without" / "sharing.jsonl").exists()
    for name in ("metrics.jsonl", "metrics.json", "checkpoints/best-model.safetensors"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes(), name


def test_changed_data_are_not_resumed_on(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 1
    file, directory = write(experiment), tmp_path / "run"
    assert run("train", file, "-s", directory).returncode == 0
    with (tmp_path / "books.train.tsv").open("a") as data:
        data.write("positive\tone more warm text\n")
    refused = run("train", file, "-s", directory, "--resume")
    assert refused.returncode == 2
    assert f"the data changed since the run was begun: {tmp_path / 'books.train.tsv'}" in refused.stderr


def test_two_processes_do_not_train_in_one_directory(experiment, write, fork, run, tmp_path):
    experiment["trainer"]["epochs"] = 1000
    file, directory = write(experiment), tmp_path / "run"
    first = fork("train", file, "-s", directory)
    first.wait_until(lambda: newest_step(directory))
    for option in ("--resume", "--force"):
        second = run("train", file, "-s", directory, option)
        assert second.returncode == 2
        assert "another process is training here" in second.stderr
    first.send(signal.SIGINT)
    first.wait()
    assert "go on with" in first.output()


def test_a_loss_that_is_no_number_ends_the_run_and_is_not_saved(experiment, write, run, tmp_path):
    experiment["trainer"] |= {"optimizer": {"type": "sgd", "lr": 1e39}, "gradient_clip": None}
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 2
    assert "is not finite" in result.stderr and "epoch 1" in result.stderr
    assert newest_step(tmp_path / "run") <= 3


def test_half_written_files_of_a_killed_run_are_swept_away(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 1
    file, directory = write(experiment), tmp_path / "run"
    assert run("train", file, "-s", directory).returncode == 0
    (directory / ".archive.tar.gz-1a2b3c4d").write_text("half")
    (directory / "checkpoints" / ".step-00000009-abcd_123").mkdir()
    assert run("train", file, "-s", directory, "--resume").returncode == 0
    assert not [path for path in directory.rglob(".*")]
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("kernels", ["plain", "pure"])  # the other tests have compiled ones, where they can be built
def test_other_kernels_resume_to_the_same_bits(experiment, write, fork, run, tmp_path, kernels):
    experiment["trainer"] |= {"kernels": kernels, "epochs": 2}
    file, whole, broken = write(experiment), tmp_path / "whole", tmp_path / "broken"
    assert run("train", file, "-s", whole).returncode == 0
    assert json.loads((whole / "meta.json").read_text())["kernels"] == kernels
    code, _ = train_until(fork, ["train", file, "-s", broken], broken, 2, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert run("train", file, "-s", broken, "--resume").returncode == 0
    assert_same_run(broken, whole)


@pytest.mark.parametrize(("encoder", "noted"), [("bilstm", True), ("lstm", False)])
def test_encoders_that_have_kernels_are_noted(experiment, write, run, tmp_path, encoder, noted):
    experiment["model"]["sharing"] = {"type": "private", "encoder": {"type": encoder, "hidden_dim": 4}}
    experiment["trainer"] |= {"kernels": "pure", "epochs": 1}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    assert json.loads((tmp_path / "run" / "meta.json").read_text())["kernels"] == ("pure" if noted else None)
