"""`train --profile`: the table, what is kept, and that the run comes to the same."""

import json

import pytest
import torch

from mtlkit.runs import Profiler
from mtlkit.training import EpochEnd, Step
from mtlkit.training.timing import Stopwatch

SECTIONS = {"data", "forward", "backward", "optimiser", "evaluation", "other"}


def test_a_profile_is_shown_and_kept(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 2
    plain = run("train", write(experiment), "-s", tmp_path / "plain")
    profiled = run("train", write(experiment), "-s", tmp_path / "run", "--profile")
    assert profiled.returncode == plain.returncode == 0, profiled.stderr
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == (tmp_path / "plain" / "metrics.jsonl").read_bytes()
    assert not (tmp_path / "plain" / "profile.json").exists()
    assert Stopwatch.running is None

    profile = json.loads((tmp_path / "run" / "profile.json").read_text())
    assert profile["seconds"].keys() == profile["shares"].keys() == SECTIONS
    assert all(seconds > 0 for seconds in profile["seconds"].values())
    assert sum(profile["shares"].values()) == pytest.approx(1)
    epochs = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert profile["steps"] == epochs[-1]["step"]
    tokens = sum(epoch["work"]["tokens"] for epoch in epochs)
    training = sum(profile["seconds"][name] for name in ("data", "forward", "backward", "optimiser"))
    assert profile["tokens_per_second"] == pytest.approx(tokens / training)
    assert profile["padding"] == pytest.approx(epochs[0]["shares"]["padding"])
    for name in SECTIONS:
        assert name in profiled.stdout

    trace = json.loads((tmp_path / "run" / profile["trace"]).read_text())
    names = [event.get("name") for event in trace["traceEvents"]]
    assert names.count("optimiser") == names.count("data") == 5, "a trace is of some steps, whatever the run's length"


def test_a_short_or_interrupted_run_has_a_profile_without_a_trace(tmp_path):
    profiler = Profiler(tmp_path, torch.device("cpu"))
    profiler.close()  # before any stage has begun
    assert not list(tmp_path.iterdir())
    profiler.stage("search", epochs=3)
    profiler.step(Step(1, 1, 1, 9, [], {"tokens": 6, "padded_tokens": 8}))
    profiler.epoch(EpochEnd(1, 1, {}, {}, {}, {}))
    profiler.close()
    assert [path.name for path in tmp_path.iterdir()] == ["profile-search.json"]
    (profile,) = profiler.profiles
    assert (profile.stage, profile.steps, profile.padding, profile.trace) == ("search", 1, 0.25, None)
