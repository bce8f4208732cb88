"""Numbers that are none, and memory that runs out: what a user sees, and what is left in the run directory."""

import json
import re
import shutil
from pathlib import Path

import pytest

import mtlkit

PLUGIN = '''
import torch
import mtlkit
from mtlkit.encoders import LstmEncoder


@mtlkit.Encoder.register("greedy_lstm")
class GreedyLstm(mtlkit.Encoder):
    """Runs out of memory where a batch has more than three texts."""

    def __init__(self, hidden_dim: int, spoils: int = 0, *, input_dim: mtlkit.Runtime[int]) -> None:
        super().__init__()
        self.inner, self.spoils, self.calls = LstmEncoder(hidden_dim, input_dim=input_dim), spoils, 0
        self.output_dim = hidden_dim
        self.unread = torch.nn.Linear(2, 2)

    def forward(self, states_BTD, mask_BT):
        self.calls += self.training
        if self.training and not self.spoils and len(mask_BT) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        states_BTD = self.inner(states_BTD, mask_BT)
        return states_BTD * float("inf") if self.training and self.calls == self.spoils else states_BTD
'''


@pytest.fixture
def trained(experiment, write, run, tmp_path, registry):
    (tmp_path / "greedy.py").write_text(PLUGIN)

    def train(spoils=0, **trainer):
        encoder = {"type": "greedy_lstm", "hidden_dim": 4, "spoils": spoils}
        experiment["model"]["sharing"] = {"type": "fully_shared", "encoder": encoder}
        experiment["trainer"].update(epochs=2, checkpoint_every=5, **trainer)
        options = ("-s", tmp_path / "run", "--include-package", tmp_path / "greedy.py")
        result = run("train", write(experiment), *options)
        assert "Traceback" not in result.stderr
        return result

    return train


def epochs(tmp_path):
    return [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_what_was_saved(trained, tmp_path):
    result = trained(spoils=8)
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert "the loss is not finite in step 8, of epoch 1, on texts " in last
    assert "'s train split; what was saved before is kept; look at these texts, lower the learning rate" in last
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("step-*")] == ["step-00000005"]


def test_texts_are_named_as_the_file_counts_them(experiment, trained):
    """Whatever is left out before them: here ten lines without words, and with `drop_dev_texts` another."""

    def named():
        texts, task = re.search(r"on texts? ([\d, ]+) of (\w+)'s train split", trained(spoils=8).stderr).groups()
        return [int(number) for number in texts.split(", ")], task

    before, task = named()
    shutil.rmtree(Path(experiment["tasks"]["books"]["train"]).parent / "run")
    train, dev = (Path(experiment["tasks"][task][split]) for split in ("train", "dev"))
    dev.write_text(f"{dev.read_text()}positive\tseen before\n")
    train.write_text("positive\t\n" * 10 + "positive\tseen before\n" + train.read_text())
    experiment["tasks"][task]["reader"]["skip_empty"] = experiment["drop_dev_texts"] = True
    assert named() == ([number + 11 for number in before], task)


def test_a_step_that_is_skipped_is_told_of(trained, tmp_path):
    result = trained(spoils=8, on_nonfinite="skip")
    assert result.returncode == 0, result.stderr
    assert "step 8 was left out: its loss or gradient is not finite (texts " in result.stderr
    first, second = epochs(tmp_path)
    assert [each["step"] for each in first["skipped"]] == [8] and "skipped" not in second


def test_batches_that_do_not_fit_are_told_of(trained, tmp_path):
    result = trained()
    assert result.returncode == 2
    assert "out of memory in step 1: a batch of 4 texts of " in result.stderr.splitlines()[-1]
    assert "or split such batches with on_out_of_memory: 'split'" in result.stderr


def test_they_can_be_taken_in_parts(trained, tmp_path):
    result = trained(on_out_of_memory="split")
    assert result.returncode == 0, result.stderr
    assert "30 batches did not fit the memory and were taken in parts" in result.stderr
    assert [each["work"]["split_batches"] for each in epochs(tmp_path)] == [30, 30]


def test_a_part_that_learns_nothing_is_named_once(trained, tmp_path):
    result = trained(on_out_of_memory="split")
    told = "no gradient has reached sharing.encoder.unread in the first epoch; they are as they began"
    assert result.stderr.count(told) == 1
    assert [each.get("idle") for each in epochs(tmp_path)] == [["sharing.encoder.unread"], None]


def test_the_problems_of_an_epoch_are_reported_to_python_too(trained, tmp_path):
    trained(on_out_of_memory="split")  # writes plugin and experiment
    said = []
    overrides = {"trainer.epochs": 1, "trainer.on_nonfinite": "skip", "model.sharing.encoder.spoils": 8}
    loaded = mtlkit.load_experiment(next(tmp_path.glob("*.json*")), overrides=overrides)
    mtlkit.train(loaded, tmp_path / "python", device="cpu", say=said.append)
    assert [line.partition(":")[0] for line in said if "left out" in line] == ["step 8 was left out"]
    assert sum("no gradient has reached sharing.encoder.unread" in line for line in said) == 1


def test_a_point_of_a_sweep_that_does_not_fit_has_failed_and_the_rest_goes_on(trained, run, tmp_path):
    trained()  # writes plugin and experiment
    options = ("--include-package", tmp_path / "greedy.py", "--grid", "trainer.batch_size=4,3")
    result = run("sweep", tmp_path / "experiment.json", *options, "-s", tmp_path / "sweep")
    assert result.returncode == 1, result.stderr
    assert "batch_size=4-13: failed: out of memory in step 1: a batch of 4 texts of " in result.stderr
    assert (tmp_path / "sweep" / "trainer.batch_size=3-13" / "archive.tar.gz").exists()
