"""What the command line says of an experiment before anything is trained."""

import json

import pytest

from mtlkit.plugins import Plugin


def fails(result, said):
    assert result.returncode == 2, result.stderr
    assert said in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_default_is_changed_by_an_override(experiment, write, run):
    del experiment["trainer"]["optimizer"]
    result = run("check", write(experiment), "-o", "trainer.optimizer.lr=0.01", "--resolved")
    assert result.returncode == 0, result.stderr
    optimizer = json.loads(result.stdout)["trainer"]["optimizer"]
    assert (optimizer["type"], optimizer["lr"]) == ("adam", 0.01)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_no_generator_takes(experiment, write, run, seed):
    fails(run("check", write({**experiment, "seed": seed})), "experiment.json: seed: should be ")


def test_the_largest_seed(experiment, write, run):
    assert run("train", write({**experiment, "seed": 2**63 - 1}), "--dry-run").returncode == 0


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_nesting_without_end(run, tmp_path, depth):
    file = tmp_path / "deep.json"
    file.write_text('{"seed": ' + "[" * depth + "]" * depth + "}")
    result = run("check", file)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    if depth > 300:
        fails(result, "deep.json: objects and lists are nested too deeply to be an experiment")


def test_no_tasks(experiment, write, run):
    file = write(experiment)
    fails(run("check", file, "-o", "tasks=null"), "tasks: should be an object {name: value, ...} (got null)")
    fails(run("check", file, "-o", "tasks={}"), "tasks: should have 1 or more items (got {})")


def test_options_about_data_need_data(experiment, write, run):
    file = write(experiment)
    fails(run("check", file, "--limit", "3"), "--limit is about data: give --data as well")
    fails(run("check", file, "--device", "cpu"), "--device is about data: give --data as well")
    assert run("check", file, "--data", "--limit", "3", "--device", "cpu").returncode == 0


def test_a_failed_plugin_is_named_only_where_a_component_is_missing(experiment, write, run, monkeypatch):
    broken = Plugin("broken", "mtlkit-broken", "1.0", "broken", "ImportError: no torch")
    for place in ("mtlkit.experiment.loading.load_plugins", "mtlkit.plugins.load_plugins"):
        monkeypatch.setattr(place, lambda include: [broken])
    fails(run("check", write(experiment), "-o", "model.dropout=no "), 'should be a valid number (got "no ")')
    fails(run("check", "no.json"), "no.json: no such file")
    hint = "plugin mtlkit-broken failed to import: ImportError: no torch"
    for command in (["check", write(experiment), "-o", "model.sharing.type=new"], ["components", "encoder", "new"]):
        result = run(*command)
        assert result.returncode == 2
        assert result.stderr.splitlines()[-1] == hint
        assert "'new'" in result.stderr


def test_edges_and_weights_that_name_no_task(experiment, write, run):
    experiment["model"]["sharing"]["communicator"] = {"type": "direct", "edges": {"books": ["film"]}}
    experiment["trainer"]["selection"] = {"type": "weighted", "weights": {"book": 1}}
    stderr = run("check", write(experiment)).stderr
    assert "model.sharing: edges: no task is named 'film'; did you mean 'films'?" in stderr
    assert "trainer.selection: weights: no task is named 'book'; did you mean 'books'?" in stderr


def test_sections_are_listed_like_components(run):
    result = run("components", "trainer")
    assert result.returncode == 0
    assert "trainer: How a model is trained." in result.stdout
    assert "epochs: integer > 0; default 10  The largest number of epochs; the task sampler" in result.stdout
    for section in ("experiment", "tasks", "vocabulary", "model"):
        assert "settings" in run("components", section).stdout
    fails(run("components", "traner"), "no kind of component 'traner'; did you mean 'trainer'?")
