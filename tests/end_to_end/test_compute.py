"""What a run says it used is what ran."""

import json

import pytest

from mtlkit.kernels import choice
from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.sharing.communicators import Communicator, Message

IN_ONE_EPOCH = {"epochs": 1, "checkpoint_every": None}


@pytest.fixture
def without_compiler(monkeypatch):
    for name in ("compiled_recurrence", "compiled_lstm"):
        monkeypatch.setattr(choice, name, lambda *_: BuildError("there is no C++ compiler"))


@pytest.fixture
def unfused(registry, experiment):
    """An experiment with a communicator of a plugin that has no fused form."""

    @Communicator.register("mean_of_tasks")
    class MeanCommunicator(Communicator):
        """The plain mean of the other tasks' states."""

        sources = "tasks"

        def prepare(self, inputs_BTE, sources, mask_BT):
            return sources.unbind(1)

        def step(self, time, previous_BD, memory):
            states_BND = memory[time]
            weights_BN = states_BND.new_full(states_BND.shape[:2], 1 / states_BND.shape[1])
            return Message(states_BND.mean(dim=1), weights_BN)

    assert MeanCommunicator.operations == ("networks",)
    experiment["model"]["sharing"]["communicator"] = {"type": "mean_of_tasks"}
    experiment["trainer"] |= IN_ONE_EPOCH
    return experiment


@pytest.mark.parametrize("chosen", ["auto", "compiled"])
def test_a_communicator_without_a_fused_form_runs_step_by_step(unfused, write, run, tmp_path, without_compiler, chosen):
    unfused["trainer"]["kernels"] = chosen
    result = run("train", write(unfused), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    meta = json.loads((tmp_path / "run" / "meta.json").read_text())
    assert meta["kernels"] is None
    assert meta["ran"] == {"networks": "one by one", "recurrence": "step by step"}
    assert ("changes nothing" in result.stderr) == (chosen == "compiled")
    assert "no compiled kernels" not in result.stderr, "nothing would have used them"


def test_compiled_kernels_are_insisted_on_where_something_would_use_them(
    experiment, write, run, tmp_path, without_compiler
):
    experiment["trainer"] |= {**IN_ONE_EPOCH, "kernels": "compiled"}
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 2
    assert "trainer.kernels: there are no compiled kernels, since there is no C++ compiler" in result.stderr


def test_what_ran_is_recorded_over_a_resumed_run_or_not_at_all(experiment, write, run, tmp_path):
    experiment["trainer"] |= {**IN_ONE_EPOCH, "kernels": "pure"}
    file, folder = write(experiment), tmp_path / "run"
    assert run("train", file, "-s", folder).returncode == 0
    meta, outcome = folder / "meta.json", folder / "checkpoints" / "outcome.json"
    assert json.loads(meta.read_text())["ran"] == {"recurrence": "pure"}
    assert run("train", file, "-s", folder, "--resume").returncode == 0
    assert json.loads(meta.read_text())["ran"] == {"recurrence": "pure"}
    for path in (meta, outcome):  # as a version that did not record it would have left them
        value = json.loads(path.read_text())
        del value["ran"]
        path.write_text(json.dumps(value))
    assert run("train", file, "-s", folder, "--resume").returncode == 0
    assert "ran" not in json.loads(meta.read_text())
