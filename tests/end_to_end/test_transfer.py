"""A task is left out, and reads what the others have learned: one fold, all folds, and their table."""

import json
import os
import re
import shutil
import signal
import sys
import threading
import time

import pytest
import torch
from safetensors.torch import load_file

import mtlkit
from mtlkit.archive import open_archive
from mtlkit.runs import TransferSettings, plan_transfer

LSTM = {"type": "lstm", "hidden_dim": 5}
POOL = {"type": "pool", "module": {"type": "bilstm", "hidden_dim": 6}, "num_modules": 3, "max_length": 2}
INDIRECT = {"type": "message_passing", "hidden_dim": 5, "communicator": {"type": "indirect"}}
BILSTM = {"type": "bilstm", "hidden_dim": 6}
LAYERS = {
    "type": "message_passing",
    "communicator": {"type": "indirect"},
    "reader": {"type": "layer", "layer": {"type": "transformer_layer", "heads": 2}},
}
SEARCH = {"type": "simultaneous_online", "num_samples": 2}


@pytest.fixture
def three(experiment):
    """Three tasks, the third one with the first one's texts, which are then no clean test texts; one epoch."""
    experiment["tasks"]["plays"] = dict(experiment["tasks"]["books"])
    experiment["trainer"] |= {"epochs": 1, "checkpoint_every": None}
    return experiment


def weights(fold, stage):
    return load_file(fold / "stages" / stage / "checkpoints" / "best-model.safetensors")


def transfer(run, *arguments):
    result = run("transfer", *arguments)
    assert result.returncode == 0, result.stderr
    return result


def figures_of(fold):
    return json.loads((fold / "metrics.json").read_text())


@pytest.mark.parametrize(
    ("sharing", "options", "layer", "reader"),
    [
        ({"type": "fully_shared", "encoder": LSTM}, [], r"^sharing\.encoder\.", "fully_shared"),
        ({"type": "stacked_shared_private", "encoder": LSTM}, [], r"^sharing\.shared\.", "stacked_shared_private"),
        ({"type": "parallel_shared_private", "encoder": LSTM}, [], r"^sharing\.shared\.", "parallel_shared_private"),
        (
            {"type": "adversarial_shared_private", "encoder": LSTM, "private_encoder": {**LSTM, "hidden_dim": 4}},
            ["--embeddings", "copy"],
            r"^sharing\.shared\.",
            "parallel_shared_private",
        ),
        (INDIRECT, [], r"\.shared_lstm\.", "message_passing"),
        ({**INDIRECT, "share": "per_task", "bidirectional": True}, [], r"\.shared_lstm\.", "message_passing"),
        (INDIRECT, ["--scope", "attention"], r"\.(shared_lstm|communicator)\.", "message_passing"),
        (INDIRECT, ["--scope", "all_shared"], r"\.(shared_lstm|channels)\.", "message_passing"),
        (LAYERS, [], r"\.shared_layer\.", "message_passing"),
        ({**LAYERS, "speaker": BILSTM}, ["--scope", "attention"], r"\.(mailbox|communicator)\.", "message_passing"),
        (POOL, [], r"^sharing\.pool\.", "pool"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "-".join(value) if isinstance(value, list) else "",
)
def test_the_shared_layer_goes_over_and_stays_as_it_is(three, write, run, tmp_path, sharing, options, layer, reader):
    three["model"] |= {"sharing": sharing, "dropout": 0.0}
    three["trainer"] |= {"kernels": "plain"} | ({"update_strategy": SEARCH} if sharing is POOL else {})
    transfer(run, write(three), "--leave-out", "films", "-s", tmp_path / "folds", *options)
    fold = tmp_path / "folds" / "films"
    before, after = weights(fold, "source"), weights(fold, "target")
    same = {name for name in after if name in before and after[name].equal(before[name])}
    assert same == {name for name in after if re.search(layer, name)} and same
    (table,) = [name for name in after if name.startswith("embedders.")]
    alike = torch.cosine_similarity(after[table].flatten(), before[table].flatten(), dim=0)
    assert (alike > 0.5) == ("copy" in options)  # what is trained on stays near to where it began
    with open_archive(fold / "archive.tar.gz", torch.device("cpu")) as archive:
        assert archive.experiment.model.sharing.type == reader and list(archive.experiment.tasks) == ["films"]


def test_a_fold_is_a_run_that_can_be_evaluated_and_asked(three, write, run, tmp_path):
    result = transfer(run, write(three), "--leave-out", "plays", "-s", tmp_path / "folds")
    fold, figures = tmp_path / "folds" / "plays", tmp_path / "figures.json"
    test = figures_of(fold)["test"]
    assert run("evaluate", fold, "--output", figures).returncode == 0
    assert json.loads(figures.read_text()) == test
    assert json.loads(run("predict", fold, "-", text="a warm book\n").stdout)["label"] in ("positive", "negative")
    assert f"{test['plays/accuracy']:.2%}" in result.stdout
    held = run("transfer", tmp_path / "experiment.json", "--leave-out", "plays", "-s", tmp_path / "folds")
    assert held.returncode == 2 and "holds a run; --resume goes on with it" in held.stderr
    assert not (tmp_path / "folds" / "transfer.json").exists()


def test_a_fold_goes_on_after_a_change_where_that_is_wanted(three, write, run, fork, tmp_path):
    """The change comes too late for what the other tasks share, and is in time for the new task."""
    folds, anyway = tmp_path / "folds", ["--leave-out", "films", "-s", tmp_path / "folds"]
    transfer(run, write(three), *anyway)
    for unfinished in ("metrics.json", "stages/target/checkpoints/outcome.json"):  # as if killed in the second stage
        (folds / "films" / unfinished).unlink()
    before, three["trainer"]["epochs"] = weights(folds / "films", "source"), 2
    file = write(three)
    refused = run("transfer", file, *anyway, "--resume")
    assert refused.returncode == 2 and "or go on all the same with --resume-anyway" in refused.stderr
    transfer(run, file, *anyway, "--resume-anyway")
    (note,) = json.loads((folds / "films" / "meta.json").read_text())["resumed_anyway"]
    assert note["changes"] == [
        "stages.0.trainer.epochs (was 1, is 2) too late for its stage, which is done",
        "stages.1.trainer.epochs (was 1, is 2)",
    ]
    after = weights(folds / "films", "source")
    assert all(after[name].equal(before[name]) for name in before)
    stages = figures_of(folds / "films")["stages"]
    assert [stages[name]["epochs"] for name in ("source", "target")] == [1, 2]
    assert run("transfer", file, *anyway, "--resume").returncode == 0
    done = fork("transfer", file, "--leave-out", "all", "-s", folds, "--resume-anyway")
    assert done.wait() == 0 and "films: was done before" in done.output(), done.output()


def test_the_table_of_all_folds_has_the_gain_over_a_baseline(three, write, run, tmp_path):
    """Folds that were trained one by one are folds of all. A text that is seen elsewhere counts in no clean figure."""
    file, folds, kept = write(three), tmp_path / "folds", tmp_path / "kept.json"
    for task in three["tasks"]:
        transfer(run, file, "--leave-out", task, "-s", folds)
    assert run("train", file, "-s", tmp_path / "run").returncode == 0
    kept.write_text(json.dumps({"metrics": figures_of(tmp_path / "run")}))
    found, base = {task: figures_of(folds / task)["test"] for task in three["tasks"]}, figures_of(tmp_path / "run")
    for baseline in (tmp_path / "run", tmp_path / "run" / "archive.tar.gz", kept):
        result = transfer(run, file, "--leave-out", "all", "-s", folds, "--resume", "--baseline", baseline)
        assert "films: was done before" in result.stderr
        table = json.loads((folds / "transfer.json").read_text())
        for task, row in table["tasks"].items():
            assert row["test"] == found[task][f"{task}/accuracy"]
            assert row["gain"] == row["test"] - base["test"][f"{task}/accuracy"]
    average = table["averages"]["accuracy"]
    assert average["test"] == pytest.approx(sum(row["test"] for row in table["tasks"].values()) / 3)
    assert average["gain"] == pytest.approx(sum(row["gain"] for row in table["tasks"].values()) / 3)
    assert table["kept"] == table["frozen"] and table["limit"] is None
    header, _, *rows = (folds / "transfer.md").read_text().splitlines()
    assert header == "| task | test | clean test | baseline | gain | clean baseline | clean gain |"
    assert [row.split(" | ")[0] for row in rows] == ["| books", "| films", "| plays", "| average"]
    assert rows[1].split(" | ")[3:5] == [
        f"{base['test']['films/accuracy']:.2%}", f"{100 * table['tasks']['films']['gain']:+.2f}"
    ]  # fmt: skip


def test_clean_figures_leave_out_what_other_tasks_have_seen(three, write, run, tmp_path):
    """Half of the films' test texts are train texts of books here."""
    books = (tmp_path / "books.train.tsv").read_text().splitlines()[:10]
    films = (tmp_path / "films.test.tsv").read_text().splitlines()
    (tmp_path / "films.test.tsv").write_text("\n".join([*books, *films[:10]]) + "\n")
    transfer(run, write(three), "--leave-out", "films", "-s", tmp_path / "folds")
    test = figures_of(tmp_path / "folds" / "films")["test"]
    assert test["films/clean_share"] <= 0.5
    shown = run("transfer", tmp_path / "experiment.json", "--leave-out", "films", "-s", tmp_path / "folds", "--resume")
    assert f"{test['films/clean_accuracy']:.2%}" in shown.stdout


def when(is_so, action):
    """Does something, in a thread, as soon as something is so."""

    def wait():
        while not is_so():
            time.sleep(0.005)
        action()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_interrupted_and_killed_and_resumed_gives_the_same_table(experiment, write, start, run, fork, tmp_path):
    """First Ctrl-C comes to the command, then SIGKILL; a child of what is killed ends by itself, with a checkpoint."""
    experiment["trainer"]["epochs"] = 8  # no end before the signal
    file, whole, broken = write(experiment), tmp_path / "whole", tmp_path / "broken"
    for task, directory in (("books", whole), ("films", whole), ("books", broken)):
        transfer(run, file, "--leave-out", task, "-s", directory)
    transfer(run, file, "--leave-out", "all", "-s", whole, "--resume")

    def trains(stage):
        return lambda: list((broken / "films" / "stages" / stage / "checkpoints").glob("step-*"))

    command = ["transfer", file, "--leave-out", "all", "--processes", "2", "-s", broken, "--resume"]
    thread = when(trains("source"), lambda: os.kill(os.getpid(), signal.SIGINT))
    stopped = run(*command)
    thread.join()
    assert stopped.returncode == 128 + signal.SIGINT
    assert "books: was done before" in stopped.stderr and "films: ended with code 130" in stopped.stderr
    assert stopped.stderr.splitlines()[-1].startswith("interrupted; go on with: mtlkit transfer ")
    assert stopped.stderr.splitlines()[-1].endswith(f" -s {broken} --resume")

    killed = start(*command)
    when(trains("target"), killed.kill).join()
    assert killed.wait() == -signal.SIGKILL
    killed.communicate()
    deadline = time.monotonic() + 900
    while (broken / "films.log").read_text().count(
        "interrupted; go on with"
    ) < 2:  # its child's, after the lock is free
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not (broken / ".films.lock").exists()
    assert not (broken / "transfer.json").exists() and not (broken / "films" / "archive.tar.gz").exists()

    resumed = fork(*command)
    assert resumed.wait() == 0, resumed.output()
    assert "books: was done before" in resumed.output() and "films: done after" in resumed.output()
    assert (broken / "transfer.json").read_bytes() == (whole / "transfer.json").read_bytes()
    for stage in ("source", "target"):
        last, expected = weights(broken / "films", stage), weights(whole / "films", stage)
        assert all(last[name].equal(expected[name]) for name in expected)


def fails(result, *parts):
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--leave-out", "book"], "experiment.json: --leave-out book: no task is named so; did you mean 'books'?"),
        (
            ["--leave-out", "books", "--scope", "encoder"],
            "the scopes of 'message_passing', as it is set, are lstm, att",
        ),
        (["--leave-out", "books", "--processes", "2"], "--processes is about several folds, and this is one"),
        (["--leave-out", "all", "--resume", "--force"], "--resume goes on with folds and --force deletes them"),
        (["--leave-out", "all", "--resume"], "runs/transfer-experiment: holds no fold to go on with"),
        (
            ["--leave-out", "all", "--baseline", "nowhere"],
            "--baseline nowhere: is not there; give the directory of a",
        ),
        (["--leave-out", "all", "--device", "tpu"], "--device tpu: no such device"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_wrong_options(experiment, write, run, tmp_path, options, said):
    fails(run("transfer", write(experiment), *options), said)
    assert not (tmp_path / "elsewhere" / "runs").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_machines_divide_the_folds_and_one_is_killed(three, write, fork, run, tmp_path):
    """They share a disk. What the killed one was at is gone on with, to the bits of a fold that nothing befell."""
    three["trainer"] |= {"epochs": 4, "checkpoint_every": 3}
    file, whole, folds = write(three), tmp_path / "whole", tmp_path / "folds"
    transfer(run, file, "--leave-out", "books", "-s", whole)
    worker = ("transfer", file, "--leave-out", "all", "--worker", "-s", folds)
    killed = fork(*worker)
    killed.wait_until(lambda: list(folds.glob("books/stages/source/checkpoints/step-*")))
    killed.kill()
    others = [fork(*worker), fork(*worker)]
    assert [each.wait() for each in others] == [0, 0], others[0].output() + others[1].output()
    said = "".join(each.output() for each in others)
    assert [said.count(f"{task}: done after") for task in three["tasks"]] == [1, 1, 1], said
    assert "resuming after step" in (folds / "books.log").read_text()
    for stage in ("source", "target"):
        last, expected = weights(folds / "books", stage), weights(whole / "books", stage)
        assert last.keys() == expected.keys() and all(last[name].equal(expected[name]) for name in last)
    assert json.loads((folds / "transfer.json").read_text())["tasks"].keys() == three["tasks"].keys()
    again = fork(*worker)
    assert again.wait() == 0 and again.output().count("was done before") == 3
    other = fork(*worker, "-o", "trainer.batch_size=8")
    assert other.wait() == 2 and "the experiment changed since the run was begun" in other.output()


def test_workers_train_all_folds_and_delete_none(experiment, write, run):
    file = write(experiment)
    one = run("transfer", file, "--leave-out", "books", "--worker")
    fails(one, "--worker: it is about several folds; give --leave-out all without --force, or leave --worker out")
    force = run("transfer", file, "--leave-out", "all", "--worker", "--force")
    fails(force, "--worker: --force would delete what other machines are at; give --leave-out all without --force")


@pytest.mark.parametrize(
    ("sharing", "said"),
    [
        ({"type": "private", "encoder": LSTM}, "'private' shares nothing between tasks"),
        ({"type": "cross_stitch", "encoder": LSTM}, "in 'cross_stitch' each network belongs to a task"),
        ({**INDIRECT, "communicator": {"type": "direct"}}, "with the communicator 'direct', each LSTM belongs to a"),
        (
            {**INDIRECT, "communicator": {"type": "direct"}, "speakers": "shared"},
            "a task hears other tasks, and a new one, which is trained alone, has none",
        ),
        ({**POOL, "selector": {"type": "fixed", "paths": {}}}, "selector: 'fixed' has no path for a new task"),
        ({"type": "hierarchical", "layers": [LSTM], "depths": {}}, "the layers stand for the depths of the tasks"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_schemes_without_a_shared_layer(experiment, write, run, sharing, said):
    experiment["model"]["sharing"] = sharing
    result = run("transfer", write(experiment), "--leave-out", "all")
    fails(result, "experiment.json: model.sharing: nothing can be transferred: ", said)


def test_experiments_that_cannot_be_made_into_folds(experiment, write, run):
    weights_per_task = experiment["trainer"] | {"selection": {"type": "per_task"}}
    only = {"books": experiment["tasks"]["books"]}
    staged = {key: value for key, value in experiment.items() if key != "trainer"} | {"stages": [{"name": "one"}]}
    own = experiment["model"] | {"share_embedder": False}
    tasks = {**experiment["tasks"], "plays": experiment["tasks"]["books"]}
    for change, said in (
        (experiment | {"tasks": only}, "tasks: 'books' is the only one, so nothing is left to learn a shared layer"),
        (staged, "stages: the experiment has some already"),
        (experiment | {"tasks": tasks, "trainer": weights_per_task}, "trainer.selection: 'per_task' keeps weights for"),
    ):
        fails(run("transfer", write(change), "--leave-out", "books"), f"experiment.json: {said}")
    twice = run("transfer", write(experiment), "--leave-out", "books", "--leave-out", "films")
    fails(twice, "--leave-out films: is a second one; give one task, or all")
    copied = run("transfer", write(experiment | {"model": own}), "--leave-out", "books", "--embeddings", "copy")
    fails(copied, "--embeddings copy: each task has an embedder of its own")


def test_folds_that_are_not_those_of_the_experiment(three, write, run, tmp_path):
    file, folds = write(three), tmp_path / "folds"
    transfer(run, file, "--leave-out", "books", "-s", folds, "--limit", "20")
    everything = ("transfer", file, "--leave-out", "all", "-s", folds)
    fails(run(*everything), "folds/books: holds a run; --resume goes on with it")
    fails(run(*everything, "--resume"), "folds/books: was begun with --limit 20; resume it with --limit 20")
    fails(
        run(*everything, "--resume", "--limit", "20", "--scope", "all_shared"),
        "folds/books: the experiment changed since the run was begun: stages",
    )
    fails(run("transfer", file, "--leave-out", "films", "-s", folds / "books"), "is itself a run")
    kept, figures = tmp_path / "kept.json", {"metrics": {"test": {"books/accuracy": 0.5}}}
    for value, said in (
        ({"films/accuracy": 0.5}, "has no test figure books/accuracy; give a run on the same tasks"),
        ({"films/accuracy": "good"}, "has no test figures; give the directory of a finished run"),
        ([0.5], "has no test figures; give the directory of a finished run"),
        ({**figures, "limit": 20}, "was run with --limit 20, so its figures do not compare; give a run on as many"),
        ({**figures, "data": {"books.test.tsv": "0"}}, "was run on other data (books.test.tsv), so its figures do not"),
    ):
        kept.write_text(json.dumps(value))
        compared = run("transfer", file, "--leave-out", "books", "-s", tmp_path / "new", "--baseline", kept)
        fails(compared, f"--baseline {kept}: {said}")


def test_force_deletes_all_folds_first_and_failures_are_told(experiment, write, run, tmp_path, monkeypatch):
    """Otherwise a fold from before would pass for one that is done when what has failed goes on."""
    file, folds = write(experiment), tmp_path / "folds"
    transfer(run, file, "--leave-out", "books", "-s", folds, "--limit", "10")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    result = run("transfer", file, "--leave-out", "all", "-s", folds, "--force", "--processes", "2")
    assert result.returncode == 2
    *lines, last = result.stderr.splitlines()
    assert sorted(lines) == [
        f"{task}: ended with code 1: {folds / task}.log does not say why" for task in ("books", "films")
    ]
    assert last.startswith(f"{folds}: 2 of 2 folds did not come to an end (books, films); ")
    assert sorted(path.name for path in folds.iterdir()) == ["books.log", "films.log"]


def test_folds_are_trained_from_python_as_by_the_verb(three, write, run, tmp_path):
    three["model"]["sharing"] = {"type": "fully_shared", "encoder": LSTM}
    file = write(three)
    plan = plan_transfer(mtlkit.load_experiment(file), None, TransferSettings(), directory=tmp_path / "python")
    for task, fold in plan.folds.items():
        mtlkit.train(fold, plan.run(task).path, device="cpu")
    plan.write(plan.table())
    written = json.loads((tmp_path / "python" / "transfer.json").read_text())
    assert list(plan.folds) == list(written["tasks"]) == list(three["tasks"])
    transfer(run, file, "--leave-out", "plays", "-s", tmp_path / "verb", "--device", "cpu")
    assert figures_of(tmp_path / "verb" / "plays") == figures_of(tmp_path / "python" / "plays")
