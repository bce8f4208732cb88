"""A user's mistake ends in one clear message that names its place, exit code 2, and no traceback."""

import gzip

import pytest


def fails(result, *parts):
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr


@pytest.mark.parametrize("verb", ["check", "train"])
def test_a_misspelt_key(experiment, write, run, tmp_path, verb):
    experiment["trainer"]["epoch"] = 3
    result = run(verb, write(experiment))
    fails(result, "experiment.json: trainer.epoch: unknown setting; did you mean 'epochs'?")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "elsewhere" / "runs").exists()


def test_a_wrong_type_three_levels_down(experiment, write, run):
    experiment["model"]["sharing"]["communicator"]["attention_dim"] = "100"
    fails(
        run("check", write(experiment)),
        'experiment.json: model.sharing.communicator.attention_dim: should be a valid integer (got "100")',
    )


def test_an_unknown_component(experiment, write, run):
    experiment["tasks"]["books"]["head"]["type"] = "clasifier"
    fails(
        run("check", write(experiment)),
        "experiment.json: tasks.books.head.type: no Head 'clasifier'; did you mean 'classifier'?",
    )


def test_a_missing_file(experiment, write, run):
    experiment["tasks"]["books"]["dev"] = "nowhere.tsv"
    fails(run("check", write(experiment)), "experiment.json: tasks.books.dev: no file nowhere.tsv")


def test_a_corrupt_gzip(experiment, write, run, tmp_path):
    packed = tmp_path / "books.train.tsv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "books.train.tsv").read_bytes())[:-30])
    experiment["tasks"]["books"]["train"] = str(packed)
    result = run("train", write(experiment))
    fails(result, f"tasks.books.train: {packed}:", "damaged gzip")
    assert not (tmp_path / "elsewhere" / "runs").exists()


def test_every_error_at_once(experiment, write, run):
    experiment["sed"] = 1
    experiment["model"]["dropout"] = 1.5
    experiment["model"]["embedder"]["dim"] = True
    del experiment["tasks"]["films"]["train"]
    result = run("check", write(experiment))
    fails(
        result,
        "sed: unknown setting; did you mean 'seed'?",
        "model.dropout: should be less than 1 (got 1.5)",
        "model.embedder.dim: should be a valid integer (got true)",
        "tasks.films.train: is missing",
    )
    assert len(result.stderr.splitlines()) == 4


def test_parts_that_do_not_fit(experiment, write, run):
    experiment["tasks"]["books"]["head"] = {"type": "crf_tagger"}
    fails(
        run("check", write(experiment)),
        "tasks.books.head: 'crf_tagger' needs one tag per word, ",
        "the reader 'text_classification' gives one label per text",
    )
    experiment["tasks"]["books"]["head"] = {"type": "classifier"}
    experiment["model"]["sharing"]["communicator"] = {
        "type": "direct",
        "edges": {"books": ["film"], "films": ["books"]},
    }
    fails(run("check", write(experiment)), "film")


def test_scores_that_would_be_written_under_one_name(experiment, write, run, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import mtlkit\n\n\n"
        "@mtlkit.Metric.register('mine')\n"
        "class Mine(mtlkit.Metric):\n"
        "    target_kind, headline = 'label', 'right'\n"
        "    def update(self, predicted, gold): ...\n"
        "    def compute(self): return {'right': 0.0, 'clean_right': 0.0, 'share': 0.0}\n"
    )
    experiment["tasks"]["books"]["metrics"] = [{"type": "accuracy"}, {"type": "accuracy"}]
    experiment["tasks"]["films"]["metrics"] = [{"type": "mine"}]
    fails(
        run("check", write(experiment), "--include-package", tmp_path / "mine.py"),
        "tasks.books.metrics.1: gives the score 'accuracy', as metrics.0 does; remove one of them",
        "tasks.films.metrics.0: 'clean_right' is not the name of a metric, since 'clean_' stands for clean texts; ",
        "tasks.films.metrics.0: 'share' is the name of a figure of mtlkit's own; rename the score",
    )


def test_a_directory_that_is_no_run_is_never_deleted(experiment, write, run, tmp_path):
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter").write_text("years of work")
    fails(run("train", write(experiment), "-s", precious, "--force"), "is not a run")
    assert (precious / "chapter").read_text() == "years of work"


def test_a_run_is_only_replaced_by_force(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 1
    file, directory = write(experiment), tmp_path / "run"
    assert run("train", file, "-s", directory).returncode == 0
    fails(run("train", file, "-s", directory), "--resume", "--force")
    (directory / "report.html").write_text("of the run before")
    (directory / "notes").write_text("years of work")
    fails(run("train", file, "-s", directory, "--force"), "--force would delete notes, which mtlkit did not make")
    assert (directory / "report.html").exists() and (directory / "notes").read_text() == "years of work"
    (directory / "notes").unlink()
    assert run("train", file, "-s", directory, "--force").returncode == 0
    assert not (directory / "report.html").exists()


def test_a_device_that_is_not_there(experiment, write, run):
    fails(run("train", write(experiment), "--device", "cuda:99"), "--device cuda:99")
    fails(run("train", write(experiment), "--device", "gpu"), "--device gpu: no such device")


def test_variables_and_overrides(experiment, write, run):
    file = write(experiment)
    fails(run("check", file, "--var", "data=/corpora"), "for text use --str data=/corpora")
    fails(run("check", file, "-o", "trainer.epochs"), "-o NAME=VALUE")
    fails(run("check", file, "-o", "trainer.epochs=many"), 'trainer.epochs: should be a valid integer (got "many")')
    assert run("check", file, "-o", "trainer.epochs=2").returncode == 0


def test_a_variable_that_nothing_reads(run, tmp_path):
    (tmp_path / "a.jsonnet").write_text("{ seed: std.extVar('seed') }")
    fails(run("check", tmp_path / "a.jsonnet", "--var", "seed=1", "--var", "sead=2"), "'sead'; did you mean 'seed'?")


def test_not_an_archive(run, tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"nothing")
    fails(run("evaluate", tmp_path / "a.tar.gz"), "a.tar.gz: not a whole .tar.gz file")
    fails(run("evaluate", tmp_path / "b.tar.gz"), "b.tar.gz: no such file")


def test_settings_that_would_do_nothing(experiment, write, run):
    experiment["trainer"] |= {"patience": 2, "test_every_epoch": True}
    for task in experiment["tasks"].values():
        del task["dev"], task["test"]
    fails(run("check", write(experiment)), "trainer.patience: ", "trainer.test_every_epoch: ")


def test_a_selection_that_sees_no_dev_data(experiment, write, run):
    experiment["trainer"]["selection"] = {"type": "weighted", "weights": {"books": 1}}
    del experiment["tasks"]["books"]["dev"]
    fails(
        run("check", write(experiment)), "trainer.selection: takes no task with dev data into account (films have some)"
    )


def test_faults_of_all_kinds_are_told_together(experiment, write, run):
    experiment["tasks"]["books"]["head"] = {"type": "crf_tagger"}
    experiment["trainer"]["selection"] = {"type": "weighted", "weights": {"bocks": 1}}
    experiment["model"]["sharing"]["communicator"] = {"type": "direct", "edges": {"books": ["film"]}}
    result = run("check", write(experiment))
    fails(result, "tasks.books.head: ", "trainer.selection: ", "model.sharing: ")
    assert len(result.stderr.splitlines()) == 3


def test_vectors_of_another_size(experiment, write, run, tmp_path):
    (tmp_path / "vectors.txt").write_text("warm 1 2 3\n")
    experiment["vocabulary"] = {"pretrained": str(tmp_path / "vectors.txt")}
    fails(run("check", write(experiment)), "model.embedder: ", "has dim 12", "3 numbers")


def test_a_directory_that_cannot_be_made(experiment, write, run, tmp_path):
    (tmp_path / "file").write_text("")
    fails(run("train", write(experiment), "-s", tmp_path / "file" / "run"), "cannot be made")


def test_a_limit_belongs_to_the_start_of_a_run(experiment, write, run, tmp_path):
    experiment["trainer"]["epochs"] = 1
    file, directory = write(experiment), tmp_path / "run"
    assert run("train", file, "-s", directory, "--limit", "20").returncode == 0
    fails(
        run("train", file, "-s", directory, "--limit", "10", "--resume"),
        "was begun with --limit 20; resume it with --limit 20",
    )


def test_half_an_environment_of_several_processes_is_refused(experiment, write, run, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    fails(run("train", write(experiment)), "RANK is missing")


def test_labels_that_train_lacks_are_told(experiment, write, run, tmp_path):
    with (tmp_path / "books.dev.tsv").open("a") as file:
        file.write("neutral\ta film\n")
    experiment["trainer"]["epochs"] = 1
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert "tasks.books.dev: targets that train lacks, and no model can give: neutral" in result.stderr


def test_frozen_is_too_much_for_the_loss_though_the_search_goes_on(experiment, write, run):
    module = {"type": "bilstm", "hidden_dim": 6}
    experiment["model"]["sharing"] = {"type": "pool", "module": module, "num_modules": 3, "max_length": 2}
    search = {"type": "simultaneous_online", "num_samples": 2}
    experiment["trainer"] = {"update_strategy": search, "frozen": ["embedders", "heads", "pool"]}
    fails(run("check", write(experiment)), "trainer.frozen: leaves nothing to train for books, films; freeze less")


def test_frozen_is_all_that_one_tasks_batches_meet(experiment, write, run):
    experiment["trainer"]["frozen"] = ["embedders", "heads", "channels", "shared_lstm", "task_lstms.books"]
    for verb in (["train"], ["check", "--data"]):
        fails(run(*verb, write(experiment)), "trainer.frozen: leaves nothing to train on the way of a task's batch")


def test_no_machine_has_so_many_threads(experiment, write, run):
    experiment["trainer"]["threads"] = 10**12
    fails(run("check", write(experiment)), "trainer.threads: should be less than or equal to 1024")


def test_records_that_cannot_be(experiment, write, run):
    experiment["trainer"]["records"] = [{"type": "sharing"}, {"type": "sharing", "texts": 1}]
    twice = "trainer.records.1: 'sharing' is there twice, and a line has it once; remove one of them"
    fails(run("check", write(experiment)), twice)
    experiment["trainer"]["records"] = [{"type": "gradient_cosine", "pattern": "nowhere"}]
    nowhere = "trainer.records.0: pattern: no trained parameter is named like 'nowhere' (names begin with embedders"
    fails(run("check", write(experiment)), nowhere)
    experiment["trainer"]["records"] = [{"type": "gradient_cosine"}]
    del experiment["tasks"]["films"]
    alone = "trainer.records.0: compares the gradients of tasks, and 'books' is the only one; leave the record out, or"
    fails(run("check", write(experiment)), alone)


@pytest.mark.parametrize("verb", ["check", "train"])
def test_a_group_of_parameters_that_are_not_there(experiment, write, run, tmp_path, verb):
    groups = [
        {"pattern": "^embedders", "lr": 0.1},
        {"pattern": "^embeders", "lr": 0.1},
        {"pattern": "table", "lr": 0.1},
    ]
    experiment["trainer"]["optimizer"] = {"type": "adam", "groups": groups}
    result = run(verb, write(experiment))
    fails(
        result, "trainer.optimizer.groups.1.pattern: '^embeders': no parameter that is trained has a name that matches"
    )
    experiment["trainer"]["optimizer"]["groups"].pop(1)
    fails(run(verb, write(experiment)), "trainer.optimizer.groups.1.pattern: 'table': groups before this one take all")
    experiment["trainer"]["optimizer"]["groups"].pop(1)
    experiment["trainer"]["frozen"] = ["^embedders"]
    fails(
        run(verb, write(experiment)), "trainer.optimizer.groups.0.pattern: '^embedders': no parameter that is trained"
    )
    assert not (tmp_path / "elsewhere" / "runs").exists()


def test_a_group_of_the_controllers_optimizer(experiment, write, run):
    module = {"type": "lstm", "hidden_dim": 12}
    experiment["model"]["sharing"] = {"type": "pool", "module": module, "num_modules": 2, "max_length": 2}
    optimizer = {"type": "adam", "groups": [{"pattern": "^embedders", "lr": 0.1}]}
    experiment["trainer"]["update_strategy"] = {"type": "accumulated", "controller_optimizer": optimizer}
    result = run("check", write(experiment))
    fails(result, "trainer.update_strategy.controller_optimizer.groups.0.pattern: '^embedders': no parameter that is")
    optimizer["groups"][0]["pattern"] = "selector"
    assert run("check", write(experiment)).returncode == 0
