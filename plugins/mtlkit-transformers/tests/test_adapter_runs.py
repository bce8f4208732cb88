"""Runs with adapters in a frozen encoder, from training to an archive that is used elsewhere."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load

import mtlkit
from mtlkit.experiment import load_experiment
from mtlkit.runs.inspection import inspect_experiment
from tests.interrupted_runs import check_same_weights, interrupted_at
from tests.soak.tiny_archive import packed, read_members, sealed, tar

from .conftest import Ended, needs_peft
from .test_runs import fails, succeeds, write

Run = Callable[..., Ended]
MakeExperiment = Callable[..., dict[str, Any]]
SMALL = {"type": "bottleneck", "size": 4}
LORA = {"type": "lora", "rank": 2}


def experiment_with(kind: str, make: MakeExperiment, encoder: Path) -> dict[str, Any]:
    """An experiment with adapters for all tasks, for each task, or in a pool that is searched and then fine-tuned."""
    if kind != "pool":
        experiment = make(encoder, trainable=False, adapters=LORA if kind == "lora" else SMALL)
        experiment["model"]["share_embedder"] = kind != "each"
        if kind == "each":
            experiment["trainer"]["selection"] = {"type": "per_task"}
        return experiment
    sharing = {"type": "adapter_pool", "adapter": SMALL, "num_modules": 4, "max_length": 3}
    experiment = make(encoder, sharing, trainable=False)
    trainer = experiment.pop("trainer")
    strategy = {"type": "simultaneous_online", "num_samples": 3}
    experiment["stages"] = [
        {"name": "search", "trainer": trainer | {"update_strategy": strategy}},
        {"name": "tune", "derive": {"type": "greedy"}, "trainer": trainer | {"frozen": [r"^sharing\."]}},
    ]
    return experiment


KINDS = [pytest.param("lora", marks=needs_peft), "all", "each", "pool"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_holds_adapters_and_the_digest_of_the_encoder(
    kind: str,
    experiment_of: MakeExperiment,
    encoder: Path,
    run: Run,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write(tmp_path, experiment_with(kind, experiment_of, encoder))
    succeeds(run("train", file, "-s", tmp_path / "run", "--limit", "8"))
    archive = tmp_path / "run" / "archive.tar.gz"
    members = read_members(archive)
    for weights in (load(each) for name, each in members.items() if name.startswith("weights/")):
        theta = {name for name in weights if not name.startswith(("heads.", "sharing.selector."))}
        start = "sharing.pool." if kind == "pool" else "embedders."
        assert theta and all(name.startswith(start) for name in theta)
        assert kind == "pool" or all(".adapters." in name for name in theta)
    source = json.loads(members["files/model.embedder=transformer/source.json"])
    assert source["sha256"] == hashlib.sha256((encoder / "model.safetensors").read_bytes()).hexdigest()

    here = succeeds(run("predict", archive, "--task", "books", text))
    moved = tmp_path / "moved" / "tiny"
    shutil.move(encoder, moved)
    fails(run("predict", archive, "--task", "books", text), "no model.safetensors with the sha256")
    monkeypatch.setenv("MTLKIT_ENCODERS", str(moved.parent))
    assert succeeds(run("predict", archive, "--task", "books", text)) == here


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_resumes_to_the_same_bits(
    kind: str, experiment_of: MakeExperiment, encoder: Path, run: Run, tmp_path: Path
) -> None:
    """Of the pool, in the search: adapters, controller, its optimizer and the draws of paths go on as they were."""
    experiment = experiment_with(kind, experiment_of, encoder)
    for trainer in [stage["trainer"] for stage in experiment.get("stages", [])] or [experiment["trainer"]]:
        trainer |= {"epochs": 1, "checkpoint_every": 3, "schedule": {"type": "linear"}}
    file = write(tmp_path, experiment)
    succeeds(run("train", file, "-s", tmp_path / "whole"))
    with interrupted_at(20 if kind == "pool" else 5):
        assert run("train", file, "-s", tmp_path / "broken").returncode == 130
    succeeds(run("train", file, "-s", tmp_path / "broken", "--resume"))
    check_same_weights(tmp_path / "whole", tmp_path / "broken")
    whole, broken = (read_members(tmp_path / name / "archive.tar.gz") for name in ("whole", "broken"))
    assert whole["experiment.resolved.json"] == broken["experiment.resolved.json"]  # with the paths of a pool


def test_verbs_say_which_path_each_task_took(
    experiment_of: MakeExperiment, encoder: Path, run: Run, tmp_path: Path
) -> None:
    file = write(tmp_path, experiment_with("pool", experiment_of, encoder))
    directory = tmp_path / "run"
    said = run("train", file, "-s", directory, "--limit", "8")
    succeeds(said)
    archive = directory / "archive.tar.gz"
    paths = json.loads(read_members(archive)["experiment.resolved.json"])["model"]["sharing"]["selector"]
    assert paths["type"] == "fixed" and set(paths["paths"]) == {"books", "films"}
    for task, path in paths["paths"].items():
        assert f"path of {task}: {' -> '.join(map(str, path))}" in said.stderr
    recorded = [json.loads(line) for line in (directory / "sharing.jsonl").read_text().splitlines()]
    assert recorded and "books" in json.dumps(recorded[0])
    assert "books" in succeeds(run("evaluate", archive, "--limit", "4"))
    [line] = succeeds(run("explain", archive, "--task", "films", "--format", "json", "a great film")).splitlines()
    assert str(paths["paths"]["films"][0]) in line
    succeeds(run("report", directory))
    assert "adapter_pool" in (directory / "report.html").read_text("utf-8")


def test_a_new_task_searches_a_path_through_the_adapters_of_others(
    experiment_of: MakeExperiment, encoder: Path, run: Run, tmp_path: Path
) -> None:
    experiment = experiment_with("pool", experiment_of, encoder)
    experiment["trainer"] = experiment.pop("stages")[0]["trainer"] | {"epochs": 1}
    file = write(tmp_path, experiment)
    succeeds(run("transfer", file, "--leave-out", "films", "-s", tmp_path / "transfer", "--limit", "8"))
    assert (tmp_path / "transfer" / "films" / "archive.tar.gz").is_file()


@pytest.mark.parametrize(("kind", "own", "common"), [("all", 0, 3 * 180), ("each", 3 * 180, 0), ("pool", 0, 3 * 180)])
def test_check_counts_what_is_trained(
    kind: str, own: int, common: int, experiment_of: MakeExperiment, encoder: Path, run: Run, tmp_path: Path
) -> None:
    """An adapter: 32 of the norm, 4 x 16 + 4 down and 16 x 4 + 16 up; heads have 2 x 16 + 2 parameters."""
    experiment = experiment_with(kind, experiment_of, encoder)
    if kind == "pool":
        same = {"type": "fixed", "paths": {"books": [0, 1, 2], "films": [2, 1, 0]}}
        trainer = experiment.pop("stages")[1]["trainer"]
        del trainer["frozen"]
        experiment |= {"trainer": trainer}
        experiment["model"]["sharing"]["selector"] = same
    found = inspect_experiment(load_experiment(experiment), torch.device("cpu"))
    assert {task.private_parameters for task in found.tasks} == {own + 34}
    assert {task.shared_parameters for task in found.tasks} == {common}


def test_groups_of_the_optimizer_take_adapters_by_their_names(
    experiment_of: MakeExperiment, encoder: Path, tmp_path: Path
) -> None:
    """Those that learn at next to no rate stay next to where they were."""
    experiment = experiment_with("each", experiment_of, encoder)
    groups = [{"pattern": r"^embedders\.books\.adapters\.0\.", "lr": 1e-12}]
    experiment["trainer"]["optimizer"] = {"type": "adamw", "lr": 1e-2, "weight_decay": 0.5, "groups": groups}
    run = mtlkit.train(experiment, tmp_path / "run")
    sets = [load(each) for name, each in read_members(run.archive).items() if name.startswith("weights/")]
    [weights] = [each for each in sets if "embedders.books.adapters.0.up.weight" in each]
    first, second = (weights[f"embedders.books.adapters.{number}.up.weight"].abs().max() for number in (0, 1))
    assert 0 < first < 1e-9 < 1e-3 < second


@pytest.mark.parametrize(
    "change",
    [
        {"size": 2**30},
        {"size": 5},
        {"type": "prefix", "num_tokens": 2**30},
        {"type": "os.system"},
        {"type": "bottleneck", "path": "/etc"},
        pytest.param({"type": "lora", "rank": 2**30}, marks=needs_peft),
        pytest.param({"type": "lora", "target_modules": ["(a+)+$"]}, marks=needs_peft),
    ],
    ids=str,
)
def test_a_stranger_s_adapters_are_refused_before_memory_is_allocated(
    change: dict[str, Any], experiment_of: MakeExperiment, encoder: Path, run: Run, text: Path, tmp_path: Path
) -> None:
    file = write(tmp_path, experiment_with("all", experiment_of, encoder))
    succeeds(run("train", file, "-s", tmp_path / "run", "--limit", "4", "-o", "trainer.epochs=1"))
    members = read_members(tmp_path / "run" / "archive.tar.gz")
    experiment = json.loads(members["experiment.resolved.json"])
    adapters = experiment["model"]["embedder"]["adapters"]
    experiment["model"]["embedder"]["adapters"] = change if "type" in change else adapters | change
    members["experiment.resolved.json"] = json.dumps(experiment).encode()
    (tmp_path / "forged.tar.gz").write_bytes(packed(tar(sealed(members))))
    fails(run("predict", tmp_path / "forged.tar.gz", "--task", "books", text), "forged.tar.gz")
