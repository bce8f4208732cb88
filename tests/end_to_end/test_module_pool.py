"""A search as a user runs it: what does not fit is told, a killed search goes on, and its paths are an experiment."""

import json

import pytest
import torch

from mtlkit.archive import open_archive

SEARCH = {"type": "simultaneous_online", "num_samples": 2}


@pytest.fixture
def search(experiment):
    """Paths through three modules; the heads read the mean, as bidirectional modules want it."""
    for task in experiment["tasks"].values():
        task["head"]["pool"] = "mean"
    module = {"type": "bilstm", "hidden_dim": 6}
    experiment["model"]["sharing"] = {"type": "pool", "module": module, "num_modules": 3, "max_length": 2}
    experiment["trainer"]["update_strategy"] = dict(SEARCH)
    return experiment


def fails(result, *parts):
    assert result.returncode == 2, result.stderr
    for part in parts:
        assert part in result.stderr
    assert len(result.stderr.splitlines()) == len(parts), result.stderr


def test_a_search_needs_paths(experiment, write, run):
    experiment["trainer"]["update_strategy"] = {"type": "alternating"}
    fails(
        run("check", write(experiment)),
        "trainer.update_strategy: 'alternating' searches for paths, and the sharing scheme 'message_passing' has none; "
        "take another strategy, such as 'joint', or a scheme with paths (",
    )


def test_a_controller_needs_a_search(search, write, run):
    del search["trainer"]["update_strategy"]
    fails(
        run("check", write(search)),
        "trainer.update_strategy: 'joint' would never train what chooses the paths of 'pool'; take one that searches "
        "(accumulated, alternating, simultaneous_online), or a selector that has nothing to learn",
    )


@pytest.mark.parametrize("strategy", [{"type": "alternating"}, {"type": "accumulated", "reward_on": "dev"}])
def test_rewards_on_dev_data_need_dev_data(search, write, run, strategy):
    del search["tasks"]["films"]["dev"]
    search["trainer"]["update_strategy"] = strategy
    fails(
        run("check", write(search)),
        f"trainer.update_strategy: '{strategy['type']}' takes rewards on dev data, as it is set, which films does "
        "not have; set the task's dev",
    )


def test_modules_and_paths_that_do_not_fit_are_told_before_any_training(search, write, run):
    search["model"]["sharing"]["module"]["hidden_dim"] = 7
    fails(run("check", write(search)), "model.sharing: module: takes embeddings of 12 and gives states of 14")
    search["model"]["sharing"]["module"]["hidden_dim"] = 6
    search["trainer"]["update_strategy"] = {"type": "joint"}
    search["model"]["sharing"]["selector"] = {"type": "fixed", "paths": {"books": [0], "films": [0, 3]}}
    fails(run("check", write(search)), "model.sharing: paths.films: there is no module 3; the pool's are 0 to 2")


def test_a_strategy_that_cannot_teach_is_told(search, write, run):
    search["trainer"]["update_strategy"]["num_samples"] = 1
    fails(run("check", write(search)), "trainer.update_strategy: num_samples: one reward has nothing to be compared")


def test_an_interrupted_search_resumes_to_the_same_bits(search, write, run, tmp_path, monkeypatch):
    """A whole run, and one whose checkpoints after the first epochs are taken away."""
    search["trainer"] |= {
        "epochs": 2,
        "update_strategy": {"type": "alternating", "module_steps": 7, "search_rounds": 2},
    }
    file, whole, broken = write(search), tmp_path / "whole", tmp_path / "broken"
    assert run("train", file, "-s", whole).returncode == 0

    class Killed(BaseException):
        """As if the machine had stopped."""

    saved = torch.save

    def save(state, path):
        saved(state, path)
        if state["trainer"]["step"] > 25:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(torch, "save", save)
        run("train", file, "-s", broken)
    result = run("train", file, "-s", broken, "--resume")
    assert result.returncode == 0, result.stderr
    assert "resuming after step" in result.stderr
    for name in ("metrics.jsonl", "sharing.jsonl", "metrics.json", "checkpoints/best-model.safetensors"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


def test_found_paths_are_an_ordinary_experiment(search, write, run, tmp_path):
    """Trains a search, writes its best paths down, trains those, and evaluates and predicts with both archives."""
    search["trainer"]["epochs"] = 1
    assert run("train", write(search), "-s", tmp_path / "search").returncode == 0
    with open_archive(tmp_path / "search" / "archive.tar.gz", torch.device("cpu")) as archive:
        paths = {task: list(archive.model_for(task).sharing.selector.best(task)) for task in search["tasks"]}
    search["model"]["sharing"]["selector"] = {"type": "fixed", "paths": paths}
    search["trainer"]["update_strategy"] = {"type": "joint"}
    result = run("train", write(search), "-s", tmp_path / "fixed")
    assert result.returncode == 0, result.stderr
    for name in ("search", "fixed"):
        archive = tmp_path / name / "archive.tar.gz"
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        result = run("evaluate", archive, "--output", tmp_path / "figures.json")
        assert result.returncode == 0, result.stderr
        assert json.loads((tmp_path / "figures.json").read_text()) == metrics["test"]
        (tmp_path / "texts").write_text("a warm book\n")
        result = run("predict", archive, tmp_path / "texts", "--task", "books")
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["label"] in ("positive", "negative")
