"""Sweeps: many runs, of which none is lost, run twice or counted twice, whoever is killed."""

import json
import re
import signal
import sys
import time
from pathlib import Path
from statistics import fmean, stdev

import optuna
import pytest

from mtlkit.runs import RunDirectory

GRID = ("--grid", "trainer.optimizer.lr=0.01,0.003,0.001", "--grid", "model.dropout=0,0.2")
NAMES = [f"trainer.optimizer.lr={lr},model.dropout={dropout}-13" for lr in (0.01, 0.003, 0.001) for dropout in (0, 0.2)]


@pytest.fixture
def small(experiment, write):
    """An experiment file whose runs take a second."""
    experiment["trainer"] = {"epochs": 2, "batch_size": 8, "optimizer": {"type": "adam", "lr": 0.01}}
    return write(experiment)


def results(directory):
    return json.loads((directory / "results.json").read_text())


def trials_of(directory):
    """The trials of all studies in the journal."""
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(directory / "study.log")))
    return [trial for study in storage.get_all_studies() for trial in storage.get_all_trials(study._study_id)]


def assert_same_runs(directory, other, names):
    for name in names:
        for file in ("metrics.jsonl", "metrics.json", "checkpoints/best-model.safetensors"):
            assert (directory / name / file).read_bytes() == (other / name / file).read_bytes(), f"{name}: {file}"


def wait_for_checkpoint(process, directory):
    """The run that a process of a sweep is in the middle of."""
    begun = re.compile(r"^(.+): begins$", re.MULTILINE)
    process.wait_until(lambda: begun.search(process.output()))
    run = directory / begun.search(process.output())[1]
    process.wait_until(lambda: list(run.glob("checkpoints/step-*")))
    assert not RunDirectory(run).is_finished
    return run.name


def test_six_trials_by_three_processes_of_which_one_is_killed(experiment, write, fork, run, tmp_path):
    experiment["trainer"] |= {"epochs": 2, "checkpoint_every": 5}
    file, whole, broken = write(experiment), tmp_path / "whole", tmp_path / "broken"
    undisturbed = run("sweep", file, *GRID, "-s", whole)
    assert undisturbed.returncode == 0, undisturbed.stderr
    processes = [fork("sweep", file, *GRID, "-s", broken, stops_at_step=20)]
    processes[0].wait_until(lambda: ": begins" in processes[0].output())  # before others have taken all there is
    processes += [fork("sweep", file, *GRID, "-s", broken) for _ in range(2)]
    victim = wait_for_checkpoint(processes[0], broken)
    processes[0].kill()
    assert [process.wait() for process in processes] == [-signal.SIGKILL, 0, 0]
    said = [process.output() for process in processes]
    others = "".join(said[1:])
    assert f"{victim}: goes on" in others and "resuming after step" in others
    assert sorted(path.parent.name for path in broken.glob("*/metrics.json")) == sorted(NAMES)
    assert_same_runs(broken, whole, NAMES)
    assert (broken / "results.json").read_bytes() == (whole / "results.json").read_bytes()
    # Each has been finished once and counted once; the victim, begun by one process, by another.
    assert "".join(said).count("scoring test data") == 6
    trials = trials_of(broken)
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 6
    assert [trial.value for trial in trials] == [point["dev"]["mean"] for point in results(whole)["points"]]
    again = run("sweep", file, *GRID, "-s", broken)
    assert again.returncode == 0 and "begins" not in again.stderr and "goes on" not in again.stderr
    assert again.stdout == undisturbed.stdout
    assert len(trials_of(broken)) == 6


def test_a_sweep_in_processes_is_interrupted_and_goes_on(experiment, write, start, run, tmp_path):
    file, directory = write(experiment), tmp_path / "sweep"
    arguments = ["sweep", file, "--grid", "model.dropout=0,0.2", "-s", directory]
    process = start(*arguments, "--processes", "2")
    while len(list(directory.glob("*/checkpoints/step-*"))) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 128 + signal.SIGINT, err
    assert f"-m mtlkit sweep {file} --grid model.dropout=0,0.2" in err and "Traceback" not in err
    assert not out
    plan = run(*arguments, "--dry-run")
    assert plan.returncode == 0 and "begun" in plan.stdout
    last = run(*arguments)
    assert last.returncode == 0, last.stderr
    assert "goes on" in last.stderr
    assert [len(point["runs"]) for point in results(directory)["points"]] == [1, 1]


def test_dev_data_choose_and_seeds_are_averaged(small, run, tmp_path):
    directory = tmp_path / "sweep"
    done = run("sweep", small, "--grid", "trainer.optimizer.lr=0.03,0.0001", "--seeds", "14,13", "-s", directory)
    assert done.returncode == 0, done.stderr
    found = results(directory)
    for point in found["points"]:
        metrics = [json.loads((directory / each["run"] / "metrics.json").read_text()) for each in point["runs"]]
        best = [each["best"]["model"] for each in metrics]
        assert [each["dev"] for each in point["runs"]] == best
        assert (point["dev"]["mean"], point["dev"]["deviation"]) == (fmean(best), stdev(best))
        test = [each["test"]["average/accuracy"] for each in metrics]
        assert point["test"]["mean"] == pytest.approx(fmean(test))
        assert [each["seed"] for each in point["runs"]] == [14, 13]
    assert found["best"]["point"] == {"trainer.optimizer.lr": 0.03}
    assert f"mtlkit train {small} -o trainer.optimizer.lr=0.03" in done.stdout
    assert found["best"]["command"] in (directory / "sweep.md").read_text()
    # A run of a sweep is a run like any other.
    name = "trainer.optimizer.lr=0.03-14"
    alone = run("train", small, "-o", "trainer.optimizer.lr=0.03", "-o", "seed=14", "-s", tmp_path / "alone")
    assert alone.returncode == 0, alone.stderr
    assert (tmp_path / "alone" / "metrics.jsonl").read_bytes() == (directory / name / "metrics.jsonl").read_bytes()
    assert run("evaluate", directory / name).returncode == 0


def test_a_sweep_grows_but_becomes_no_other(experiment, write, run, tmp_path):
    experiment["trainer"] = {"epochs": 1}
    file, directory = write(experiment), tmp_path / "sweep"
    assert run("sweep", file, "--grid", "model.dropout=0,0.1", "-s", directory).returncode == 0
    before = (directory / "model.dropout=0-13" / "archive.tar.gz").stat().st_mtime_ns
    grown = run("sweep", file, "--grid", "model.dropout=0,0.2,0.1", "--seeds", "2", "-s", directory)
    assert grown.returncode == 0, grown.stderr
    assert grown.stderr.count(": begins") == 4
    assert (directory / "model.dropout=0-13" / "archive.tar.gz").stat().st_mtime_ns == before
    assert [len(point["runs"]) for point in results(directory)["points"]] == [2, 2, 2]
    for arguments, says in [
        (("--grid", "model.dropout=0,0.2", "--seeds", "2"), "its values of model.dropout have 0.1 among them"),
        (("--grid", "model.dropout=0,0.2,0.1"), "it has the seed 14 as well"),
        (("--grid", "trainer.epochs=1", "--seeds", "2"), "it varies model.dropout, in this order"),
        (("--grid", "model.dropout=0,0.2,0.1", "--seeds", "2", "--limit", "5"), "it was begun without --limit"),
        (
            ("--grid", "model.dropout=0,0.2,0.1", "--seeds", "2", "-o", "trainer.epochs=2"),
            "changed since the sweep was begun: trainer.epochs (was 1, is 2);",
        ),
    ]:
        refused = run("sweep", file, *arguments, "-s", directory)
        assert refused.returncode == 2 and says in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    # As a version wrote it that knew no normal forms, and lacked another setting whose default is what held before.
    record = json.loads((directory / "sweep.json").read_text())
    del record["experiment"]["normalization"], record["experiment"]["trainer"]["on_nonfinite"]
    (directory / "sweep.json").write_text(json.dumps(record))
    arguments = ("--grid", "model.dropout=0,0.2,0.1", "--seeds", "2", "-s", directory)
    refused = run("sweep", file, *arguments)
    assert 'changed since the sweep was begun: normalization (was "none", is "nfc"); undo' in refused.stderr
    goes_on = run("sweep", write({**experiment, "normalization": "none"}), *arguments)
    assert goes_on.returncode == 0, goes_on.stderr


def test_a_run_that_diverges_has_failed_and_the_rest_goes_on(experiment, write, run, tmp_path):
    experiment["trainer"] = {"epochs": 1, "optimizer": {"type": "sgd"}, "gradient_clip": None}
    file, directory = write(experiment), tmp_path / "sweep"
    arguments = ("sweep", file, "--grid", "trainer.optimizer.lr=1e39,0.1", "-s", directory)
    first = run(*arguments)
    assert first.returncode == 1, first.stderr
    assert "lr=1e+39-13: failed: " in first.stderr and "is not finite" in first.stderr
    assert (directory / "trainer.optimizer.lr=0.1-13" / "archive.tar.gz").exists()
    assert [len(point["failed"]) for point in results(directory)["points"]] == [1, 0]
    assert results(directory)["best"]["point"] == {"trainer.optimizer.lr": 0.1}
    assert [trial.state.name for trial in trials_of(directory)] == ["FAIL", "COMPLETE"]
    again = run(*arguments)
    assert again.returncode == 1 and "begins" not in again.stderr and "goes on" not in again.stderr
    (directory / "trainer.optimizer.lr=1e+39-13.failed.json").unlink()
    assert "lr=1e+39-13: goes on" in run(*arguments).stderr
    assert [trial.state.name for trial in trials_of(directory)] == ["FAIL", "COMPLETE", "FAIL"]
    (directory / "study.log").write_text("not\nof Optuna\n")
    damaged = run(*arguments)
    assert damaged.returncode == 2 and "study.log: damaged" in damaged.stderr and "delete it" in damaged.stderr
    (directory / "study.log").unlink()
    rebuilt = run(*arguments)
    assert rebuilt.returncode == 1 and "begins" not in rebuilt.stderr and "goes on" not in rebuilt.stderr
    assert [trial.state.name for trial in trials_of(directory)] == ["FAIL", "COMPLETE"]


@pytest.mark.parametrize("point", ['{"trainer.optimizer.lr":9}', '{"tasks.books.train":"/etc/passwd"}', "5"])
def test_a_study_of_a_stranger_has_nothing_trained_that_is_not_asked_for(small, run, tmp_path, point):
    arguments = ("sweep", small, "--grid", "trainer.optimizer.lr=0.1", "-s", tmp_path / "sweep")
    assert run(*arguments).returncode == 0
    journal = tmp_path / "sweep" / "study.log"
    content = journal.read_text()
    assert '"point":{"trainer.optimizer.lr":0.1}' in content
    journal.write_text(content.replace('"point":{"trainer.optimizer.lr":0.1}', f'"point":{point}'))
    refused = run(*arguments)
    told = "sweep: the study has a point that this sweep does not ask for"
    assert refused.returncode == 2 and told in refused.stderr and "Traceback" not in refused.stderr
    assert run(*arguments[:-1], tmp_path / "another").returncode == 0, "the remedy"


def test_points_are_drawn_from_ranges(experiment, write, run, tmp_path):
    experiment["trainer"] = {"epochs": 1}
    file = write(experiment)
    arguments = (
        "--range",
        "trainer.optimizer.lr=1e-4:1e-1:log",
        "--range",
        "model.embedder.dim=4:9",
        "--sampler",
        "random",
    )
    grid = (
        "--grid",
        "model.sharing.type=private,fully_shared",
        "-o",
        'model.sharing={"encoder":{"type":"lstm","hidden_dim":4}}',
    )
    for directory, trials in (("sweep", "2"), ("sweep", "4"), ("other", "4")):
        done = run("sweep", file, *arguments, *grid, "--trials", trials, "-s", tmp_path / directory)
        assert done.returncode == 0, done.stderr
    points = [point["point"] for point in results(tmp_path / "sweep")["points"]]
    assert points == [point["point"] for point in results(tmp_path / "other")["points"]]
    assert len(points) == 4 == len({json.dumps(point) for point in points})
    for point in points:
        assert 1e-4 <= point["trainer.optimizer.lr"] <= 1e-1
        assert point["model.embedder.dim"] in range(4, 10) and isinstance(point["model.embedder.dim"], int)
        assert point["model.sharing.type"] in ("private", "fully_shared")
    tpe = run("sweep", file, *arguments[:-2], *grid, "--trials", "5", "-s", tmp_path / "sweep")
    assert tpe.returncode == 0, tpe.stderr
    assert len(results(tmp_path / "sweep")["points"]) == 5


def test_a_database_holds_the_trials(small, run, tmp_path):
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    for grid in ("model.dropout=0,0.1", "model.dropout=0,0.1,0.2"):
        done = run("sweep", small, "--grid", grid, "-s", tmp_path / "sweep", "--storage", url)
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "sweep" / "study.log").exists()
    summaries = optuna.get_all_study_summaries(url)
    assert [study.n_trials for study in summaries] == [2, 3]
    with (tmp_path / "books.train.tsv").open("a") as data:
        data.write("positive\tone more warm text\n")
    grown = run("sweep", small, "--grid", "model.dropout=0,0.1,0.2,0.3", "-s", tmp_path / "sweep", "--storage", url)
    assert grown.returncode == 0 and f"do not compare: {tmp_path / 'books.train.tsv'}" in grown.stderr, grown.stderr
    refused = run("sweep", small, "-s", tmp_path / "sweep2", "--storage", "nosuch://x")
    assert refused.returncode == 2 and "--storage: cannot be used" in refused.stderr
    assert not (tmp_path / "sweep2").exists()


def test_the_seed_is_an_argument_where_the_file_has_one(experiment, run, tmp_path):
    experiment["trainer"] = {"epochs": 1}
    file = tmp_path / "experiment.jsonnet"
    file.write_text(
        f"function(dim=12, seed=5) {json.dumps(experiment)} + {{ seed: seed, model+: {{ embedder+: {{ dim: dim }} }} }}"
    )
    directory = tmp_path / "sweep"
    done = run("sweep", file, "--grid", "dim=4", "--seeds", "2", "-s", directory)
    assert done.returncode == 0, done.stderr
    assert f"mtlkit train {file} --tla dim=4" in done.stdout
    resolved = json.loads((directory / "dim=4-6" / "experiment.resolved.json").read_text())
    assert (resolved["seed"], resolved["model"]["embedder"]["dim"]) == (6, 4)


def test_mistakes_are_told_before_anything_is_trained(small, experiment, write, run, tmp_path):
    for arguments, says in [
        (("--grid", "hidden=1,2"), "--grid hidden: the file takes no arguments"),
        (("--grid", "model.dropuot=0.1"), "at model.dropuot=0.1: "),
        (("--grid", "model.dropout=0,2"), "at model.dropout=2: "),
        (("--grid", "model.dropout=0", "-o", "model.dropout=0.1"), "model.dropout is varied, and"),
        (("--seeds", "none"), "--seeds none: give their number"),
        (("--range", "model.dropout=0:0.5"), "--range and --trials go together"),
        (("--trials", "3"), "--range and --trials go together"),
    ]:
        result = run("sweep", small, *arguments)
        assert result.returncode == 2 and says in result.stderr, result.stderr
        assert len(result.stderr.splitlines()) == 1 and "Traceback" not in result.stderr
    assert not Path("runs").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("years of work")
    result = run("sweep", small, "-s", tmp_path / "thesis")
    assert result.returncode == 2 and "exists and is not a sweep" in result.stderr
    for task in experiment["tasks"].values():
        del task["dev"]
    result = run("sweep", write(experiment))
    assert result.returncode == 2 and "no task has dev data to choose a point by" in result.stderr


def test_a_mistake_in_the_data_stops_the_sweep(small, run, tmp_path):
    (tmp_path / "books.train.tsv").write_text("no label here\n")
    result = run("sweep", small, "--grid", "model.dropout=0,0.1", "-s", tmp_path / "sweep")
    assert result.returncode == 2 and "books.train.tsv:1" in result.stderr
    assert result.stderr.count(": begins") == 1 and "Traceback" not in result.stderr


def test_data_that_changed_within_a_sweep_are_told(experiment, small, run, tmp_path):
    arguments = ("sweep", small, "-s", tmp_path / "sweep", "--grid")
    assert run(*arguments, "model.dropout=0").returncode == 0 and "notes" not in results(tmp_path / "sweep")
    file = Path(experiment["tasks"]["books"]["train"])
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:20]))
    result = run(*arguments, "model.dropout=0,0.2")
    sentence = f"data changed within the sweep, so its figures do not compare: {file}"
    assert result.returncode == 0 and sentence in result.stderr
    assert results(tmp_path / "sweep")["notes"] == [sentence]
    assert f"D{sentence[1:]}." in (tmp_path / "sweep" / "sweep.md").read_text()


def test_the_plan_and_the_report_change_nothing(small, run, tmp_path):
    directory = tmp_path / "sweep"
    arguments = ("sweep", small, "--grid", "model.dropout=0,0.1", "-s", directory)
    plan = run(*arguments, "--dry-run")
    assert plan.returncode == 0 and plan.stdout.count("│ open ") == 2 and not directory.exists()
    report = run(*arguments, "--report")
    assert report.returncode == 0 and "0/1" in report.stdout and not directory.exists()
    drawn = run("sweep", small, "--range", "trainer.optimizer.lr=1e-4:1e-2:log", "--trials", "2", "--report")
    assert drawn.returncode == 0 and drawn.stdout == "" and "no point has been drawn there yet" in drawn.stderr


@pytest.fixture
def without_optuna(monkeypatch):
    """Keeps Optuna from being imported here."""
    monkeypatch.setitem(sys.modules, "optuna", None)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("--range", "model.dropout=0:0.5", "--trials", "2"), "--range"),
        (("--grid", "model.dropout=0,0.5", "--storage", "sqlite:///trials.db"), "--storage"),
    ],
)
def test_what_needs_optuna_says_how_to_install_it(small, run, tmp_path, without_optuna, arguments, option):
    for more in ((), ("--report",), ("--dry-run",)):
        result = run("sweep", small, *arguments, *more, "-s", tmp_path / "sweep")
        assert result.returncode == 2
        assert result.stderr.strip() == (f"sweep: {option} needs Optuna; install it with: pip install 'mtlkit[sweep]'")
        assert not (tmp_path / "sweep").exists()


def test_grids_and_seeds_need_no_optuna(small, run, tmp_path, request):
    arguments = ("sweep", small, "--grid", "model.dropout=0,0.1", "--seeds", "2", "-s")
    with_it = run(*arguments, tmp_path / "with")
    request.getfixturevalue("without_optuna")
    for more in ("--dry-run", "--report"):
        shown = run(*arguments, tmp_path / "without", more)
        assert shown.returncode == 0, shown.stderr
    without = run(*arguments, tmp_path / "without")
    assert (with_it.returncode, without.returncode) == (0, 0), without.stderr
    assert without.stdout == with_it.stdout
    assert (tmp_path / "without" / "results.json").read_bytes() == (tmp_path / "with" / "results.json").read_bytes()
    assert not (tmp_path / "without" / "study.log").exists()
    seeds_alone = run("sweep", small, "--seeds", "13,14", "-s", tmp_path / "seeds")
    assert seeds_alone.returncode == 0 and seeds_alone.stderr.count(": begins") == 2, seeds_alone.stderr


def test_where_optuna_is_installed_later_its_study_is_made_of_the_runs(small, run, tmp_path):
    directory = tmp_path / "sweep"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "optuna", None)
        assert run("sweep", small, "--grid", "model.dropout=0,0.1", "-s", directory).returncode == 0
    grown = run("sweep", small, "--grid", "model.dropout=0,0.1,0.2", "-s", directory)
    assert grown.returncode == 0 and grown.stderr.count(": begins") == 1, grown.stderr
    assert [trial.value for trial in trials_of(directory)] == [
        point["dev"]["mean"] for point in results(directory)["points"]
    ]


def test_a_failed_run_is_not_tried_again_without_optuna(experiment, write, run, tmp_path, without_optuna):
    experiment["trainer"] = {"epochs": 1, "optimizer": {"type": "sgd"}, "gradient_clip": None}
    arguments = ("sweep", write(experiment), "--grid", "trainer.optimizer.lr=1e39,0.1", "-s", tmp_path / "sweep")
    first = run(*arguments)
    assert first.returncode == 1 and "lr=1e+39-13: failed: " in first.stderr, first.stderr
    assert [len(point["failed"]) for point in results(tmp_path / "sweep")["points"]] == [1, 0]
    again = run(*arguments)
    assert again.returncode == 1 and "begins" not in again.stderr and "goes on" not in again.stderr
    (tmp_path / "sweep" / "trainer.optimizer.lr=1e+39-13.failed.json").unlink()
    assert "lr=1e+39-13: goes on" in run(*arguments).stderr


def test_processes_share_a_grid_without_optuna_and_one_is_killed(
    experiment, write, fork, run, tmp_path, without_optuna
):
    experiment["trainer"] |= {"epochs": 2, "checkpoint_every": 5}
    file, whole, broken = write(experiment), tmp_path / "whole", tmp_path / "broken"
    grid = ("--grid", "model.dropout=0,0.1", "--seeds", "2")
    names = [f"model.dropout={dropout}-{seed}" for dropout in (0, 0.1) for seed in (13, 14)]
    undisturbed = run("sweep", file, *grid, "-s", whole)
    assert undisturbed.returncode == 0, undisturbed.stderr
    sweep = ("sweep", file, *grid, "-s", broken)
    processes = [fork(*sweep, lacking=("optuna",), stops_at_step=20)]
    processes[0].wait_until(lambda: ": begins" in processes[0].output())  # before others have taken all there is
    processes.append(fork(*sweep, lacking=("optuna",)))
    victim = wait_for_checkpoint(processes[0], broken)
    processes[0].kill()
    assert [process.wait() for process in processes] == [-signal.SIGKILL, 0]
    said = [process.output() for process in processes]
    assert f"{victim}: goes on" in said[1] and "resuming after step" in said[1]
    assert "".join(said).count("scoring test data") == 4, "each run is finished once"
    assert_same_runs(broken, whole, names)
    assert (broken / "results.json").read_bytes() == (whole / "results.json").read_bytes()
    assert not (broken / "study.log").exists()
    parent = fork("sweep", file, *grid, "-s", tmp_path / "parent", "--processes", "2", lacking=("optuna",))
    assert parent.wait() == 0, parent.output()
    assert_same_runs(tmp_path / "parent", whole, names)
    assert not (tmp_path / "parent" / "study.log").exists()
