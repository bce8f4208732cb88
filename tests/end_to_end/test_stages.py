"""A run in stages: each has its trainer, goes on where the one before ended, and the last one is the archive's."""

import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from mtlkit.archive import open_archive
from mtlkit.experiment import seed_of
from mtlkit.kernels.compute import Compute, Computing
from mtlkit.runs import stage
from mtlkit.training.derivations import BestOfSamples

PATHS_OF = ("books", "films")


@pytest.fixture
def staged(experiment):
    """A search, and then the heads alone along the paths that it has found; each task keeps its own best epoch."""
    for task in experiment["tasks"].values():
        task["head"]["pool"] = "mean"
    module = {"type": "bilstm", "hidden_dim": 6}
    experiment["model"]["sharing"] = {"type": "pool", "module": module, "num_modules": 3, "max_length": 2}
    trainer = experiment.pop("trainer")
    search = trainer | {"epochs": 3, "update_strategy": {"type": "simultaneous_online", "num_samples": 2}}
    tune = trainer | {"epochs": 4, "frozen": ["^embedders", "^sharing"], "selection": {"type": "per_task"}}
    experiment["stages"] = [
        {"name": "search", "trainer": search},
        {"name": "tune", "derive": {"type": "greedy"}, "trainer": tune},
    ]
    return experiment


@pytest.fixture
def transfer(experiment):
    """A shared LSTM learned from one task, and read, as it is, by the network of another one."""
    trainer = experiment.pop("trainer") | {"epochs": 2}
    shared = r"^sharing\.left_to_right\.shared_lstm\."
    experiment["stages"] = [
        {"name": "source", "tasks": ["books"], "trainer": trainer},
        {"name": "target", "tasks": ["films"], "keep": [shared], "trainer": trainer | {"frozen": [shared]}},
    ]
    return experiment


def weights(directory, stage, name="model"):
    return load_file(directory / "stages" / stage / "checkpoints" / f"best-{name}.safetensors")


def test_fine_tuning_moves_the_heads_alone_along_the_greedy_paths(staged, write, run, tmp_path):
    result = run("train", write(staged), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    before = weights(tmp_path / "run", "search")
    for task in PATHS_OF:
        after = weights(tmp_path / "run", "tune", task)
        shared = {name for name in after if name.startswith(("embedders", "sharing"))}
        assert shared == {name for name in before if name.startswith(("embedders", "sharing.pool"))}
        assert all(after[name].equal(before[name]) for name in shared)
        assert not all(after[name].equal(before[name]) for name in after.keys() - shared)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert list(metrics["stages"]) == ["search", "tune"]
    assert metrics["test"] == metrics["stages"]["tune"]["test"]
    assert metrics["stages"]["search"]["epochs"] == 3 and "paths" not in metrics["stages"]["search"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in lines] == ["search"] * 3 + ["tune"] * 4


def test_a_derived_architecture_is_an_ordinary_archive(staged, write, run, tmp_path):
    """Its experiment has fixed paths and no stages; evaluate gives the run's figures, and predict an answer."""
    assert run("train", write(staged), "-s", tmp_path / "run").returncode == 0
    archive, figures = tmp_path / "run" / "archive.tar.gz", tmp_path / "figures.json"
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    with open_archive(archive, torch.device("cpu")) as opened:
        resolved = opened.experiment.to_json()
        best = {task: list(opened.model_for(task).sharing.best(task)) for task in PATHS_OF}
    assert "stages" not in resolved or resolved["stages"] == []
    assert resolved["trainer"]["epochs"] == 4
    selector = resolved["model"]["sharing"]["selector"]
    assert selector == {"type": "fixed", "paths": metrics["stages"]["tune"]["paths"]} == {**selector, "paths": best}
    assert run("evaluate", archive, "--output", figures).returncode == 0
    assert json.loads(figures.read_text()) == metrics["test"]
    answer = run("predict", archive, "--task", "films", "-", text="a warm book\n")
    assert json.loads(answer.stdout)["label"] in ("positive", "negative"), answer.stderr


def test_only_the_shared_layer_is_transferred_and_it_stays_as_it_is(transfer, write, run, tmp_path):
    result = run("train", write(transfer), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    before, after = weights(tmp_path / "run", "source"), weights(tmp_path / "run", "target")
    kept = {name for name in after if name in before and after[name].equal(before[name])}
    assert kept == {name for name in after if ".shared_lstm." in name} and len(kept) == 4
    with open_archive(tmp_path / "run" / "archive.tar.gz", torch.device("cpu")) as archive:
        assert list(archive.experiment.tasks) == ["films"]
    test = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert {name.split("/")[0] for name in test} == {"films"}


def test_interrupted_in_any_stage_it_resumes_to_the_same_bits(staged, write, run, tmp_path, monkeypatch):
    """As if the machine had stopped while a checkpoint was written, in the search or in the stage after it."""
    staged["stages"][1]["derive"] = {"type": "best_of_samples", "num_samples": 4}
    for stage_settings in staged["stages"]:
        stage_settings["trainer"] = stage_settings["trainer"] | {"batch_size": 8}  # 48 steps and 64
    file, whole = write(staged), tmp_path / "whole"
    assert run("train", file, "-s", whole).returncode == 0

    class Killed(BaseException):
        """As if the machine had stopped."""

    saved, total, stop = torch.save, 0, 0

    def save(state, path):
        nonlocal total
        saved(state, path)
        total += 3  # checkpoint_every
        if total >= stop:
            raise Killed

    names = ["metrics.jsonl", "sharing.jsonl", "metrics.json", "stages/tune/paths.json"]
    names += [f"stages/tune/checkpoints/best-{task}.safetensors" for task in PATHS_OF]
    for stop in (5, 24, 54, 80):
        broken, total = tmp_path / f"broken-{stop}", 0
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(torch, "save", save)
            run("train", file, "-s", broken)
        result = run("train", file, "-s", broken, "--resume")
        assert result.returncode == 0, result.stderr
        for name in names:
            assert (broken / name).read_bytes() == (whole / name).read_bytes(), (stop, name)
        again = run("train", file, "-s", broken, "--resume")
        assert again.returncode == 0, again.stderr
        assert (broken / "metrics.json").read_bytes() == (whole / "metrics.json").read_bytes()


def test_stages_of_neighbouring_seeds_share_no_seed():
    experiments = {seed: SimpleNamespace(seed=seed) for seed in range(13, 33)}
    seeds = {(seed, number): seed_of(experiments[seed], number) for seed in experiments for number in range(4)}
    assert len(set(seeds.values())) == len(seeds) and all(0 <= each < 2**63 for each in seeds.values())
    assert {number: seeds[number, 0] for number in experiments} == {number: number for number in experiments}


def test_a_run_begun_with_summed_seeds_resumes_with_them(staged, write, run, tmp_path, monkeypatch):
    """A version of before wrote nothing about seeds; the stage after the search then has the seed 14, not a digest."""
    folder, file = tmp_path / "run", write(staged)
    assert run("train", file, "-s", folder).returncode == 0
    meta = json.loads((folder / "meta.json").read_text())
    assert meta.pop("stage_seeds") == "digest"
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "metrics.json").unlink()
    (folder / "stages" / "tune" / "checkpoints" / "outcome.json").unlink()
    seeds = []
    monkeypatch.setattr(stage, "seed_of", lambda *given, **how: seeds.append(seed_of(*given, **how)) or seeds[-1])
    result = run("train", file, "-s", folder, "--resume")
    assert result.returncode == 0, result.stderr
    assert seeds == [13, 14]


def spoil(experiment, path, value):
    *parents, last = path.split(".")
    for key in parents:
        experiment = experiment[int(key) if key.isdecimal() else key]
    experiment[int(last) if last.isdecimal() else last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("stages.1.name", "search", "stages: two stages are named 'search'; rename one"),
        ("stages.1.tasks", ["film"], "stages.1.tasks: no task is named 'film'; did you mean 'films'?"),
        ("stages.0.derive", {"type": "greedy"}, "stages.0.derive: no stage before this one has searched"),
        ("stages.0.keep", [], "stages.0.keep: there is no stage before this one; remove it"),
        ("stages.1.keep", ["^heads", "nothing"], "stages.1.keep.1: "),
        (
            "stages.0.trainer.selection",
            {"type": "per_task"},
            "stages.1.derive: the stage before keeps weights for each task by itself ('per_task'), so there is no one "
            "model to derive paths from; give it another selection",
        ),
        ("trainer", {"epochs": 3}, "trainer: each stage has a trainer of its own; move this into stages.0.trainer"),
        ("stages.1.trainer.epoch", 3, "stages.1.trainer.epoch: unknown setting; did you mean 'epochs'?"),
        ("stages.1.trainer.frozen", ["sharring"], "stages.1.trainer.frozen.0: "),
        ("stages.1.trainer.update_strategy", {"type": "alternating", "num_samples": 1}, "stages.1.trainer.update_"),
    ],
)
def test_a_mistake_in_a_stage_is_told_with_its_place(staged, write, run, path, value, said):
    spoil(staged, path, value)
    result = run("check", write(staged))
    assert result.returncode == 2, result.stderr
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr


def test_weights_per_task_are_no_model_to_go_on_with(transfer, write, run):
    transfer["stages"][0] |= {"tasks": ["books", "films"]}
    transfer["stages"][0]["trainer"] |= {"selection": {"type": "per_task"}}
    result = run("check", write(transfer))
    assert result.returncode == 2
    assert "no one model to go on with; give it another selection, or begin again with keep: []" in result.stderr


def test_tasks_that_no_stage_trains_are_told(transfer, write, run):
    transfer["stages"][1]["tasks"] = ["books"]
    result = run("check", write(transfer))
    assert result.returncode == 2
    assert "stages: none of them trains films" in result.stderr


def test_a_derived_path_needs_a_search_of_the_same_tasks(staged, write, run):
    staged["stages"][0]["tasks"] = ["books"]
    result = run("check", write(staged))
    assert "stages.1.derive: the stage before has searched no path for films" in result.stderr


def test_paths_are_derived_from_one_model_whatever_is_kept(staged, write, run):
    staged["stages"][0]["trainer"]["selection"] = {"type": "per_task"}
    staged["stages"][1]["keep"] = []
    result = run("check", write(staged))
    assert result.returncode == 2
    assert "stages.1.derive: the stage before keeps weights for each task by itself" in result.stderr


@pytest.mark.parametrize("of_model", ["pool", "fully_shared"])
def test_paths_of_a_stages_own_scheme_are_not_the_models(staged, write, run, of_model):
    pool = staged["model"]["sharing"]
    staged["stages"][0]["sharing"] = pool | {"num_modules": 9}
    staged["model"]["sharing"] = pool if of_model == "pool" else {"type": "fully_shared", "encoder": pool["module"]}
    result = run("check", write(staged))
    assert result.returncode == 2
    assert "stages.1.derive: the stage before has searched in a sharing scheme of its own" in result.stderr


def test_a_task_without_a_derived_path_is_told_where_it_is_trained(staged, write, run):
    staged["stages"][1]["tasks"] = ["books"]
    staged["stages"].append({"name": "both", "trainer": {"epochs": 1}})
    result = run("check", write(staged))
    assert result.returncode == 2
    assert "stages.2.tasks: the stage that derived paths had none for films" in result.stderr


def test_what_a_later_stage_cannot_run_on_is_told_before_the_first_one_trains(transfer, write, run, tmp_path):
    transfer["stages"][1]["trainer"]["kernels"] = "graphs"
    result = run("train", write(transfer), "-s", tmp_path / "run", "--device", "cpu")
    assert result.returncode == 2
    assert "stages.1.trainer.kernels: there are graphs on CUDA devices only" in result.stderr
    assert not (tmp_path / "run").exists()


def test_paths_are_scored_with_the_threads_of_their_stage(staged, write, run, tmp_path, monkeypatch):
    """The number is noted and not given to torch: two threads that share a processor with other work wait for each
    other at every operation, so that this run could take minutes.
    """
    numbers, threads, computes = [1], [], set()

    def derive(self, scheme, task, score):
        threads.append(numbers[-1])
        computes.update(module.compute for module in scheme.modules() if isinstance(module, Computing))
        return scheme.best(task)

    monkeypatch.setattr(torch, "get_num_threads", lambda: numbers[-1])
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    monkeypatch.setattr(BestOfSamples, "derive", derive)
    staged["stages"][0]["trainer"] |= {"epochs": 1, "threads": 2, "kernels": "pure"}
    staged["stages"][1]["trainer"] |= {"epochs": 1, "threads": 1, "kernels": "plain"}
    staged["stages"][1]["derive"] = {"type": "best_of_samples"}
    result = run("train", write(staged), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    assert 2 in numbers
    assert threads == [1, 1]
    assert computes == {Compute("plain", threads=1)}
    assert numbers[-1] == 1


def test_the_data_that_are_checked_are_those_of_all_stages(transfer, write, run, tmp_path):
    with (tmp_path / "films.train.tsv").open("a") as file:
        file.write("positive\tunheard\npositive\tunheard\n")
    told = []
    for verb in (["check", "--data"], ["train", "-s", tmp_path / "run"]):
        result = run(*verb, write(transfer))
        assert result.returncode == 0, result.stderr
        told.append(next(line for line in result.stderr.splitlines() if line.startswith("vocabulary: ")))
    assert told[0] == told[1]
