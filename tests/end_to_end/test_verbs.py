"""Train, evaluate, predict and look, as a user does."""

import json
import shutil
import tarfile

import pytest


@pytest.fixture
def trained(trained_once, elsewhere, tmp_path):
    return shutil.copytree(trained_once("small"), tmp_path / "run")


def test_evaluate_gives_the_figures_of_training(trained, run, tmp_path):
    metrics = json.loads((trained / "metrics.json").read_text())
    for split in ("dev", "test"):
        result = run("evaluate", trained / "archive.tar.gz", "--split", split, "--output", tmp_path / "figures.json")
        assert result.returncode == 0, result.stderr
        assert json.loads((tmp_path / "figures.json").read_text()) == metrics[split]
    assert metrics["test"]["average/accuracy"] > metrics["test"]["average/majority"]


def test_evaluate_another_file(trained, run, tmp_path):
    (tmp_path / "new.tsv").write_text("positive\ta warm book\nnegative\ta cruel plot\nunheard\tof this label\n")
    arguments = [
        "evaluate",
        trained,
        "--task",
        "books",
        "--file",
        tmp_path / "new.tsv",
        "--output",
        tmp_path / "f.json",
    ]
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "f.json").read_text())["books/accuracy"] <= 2 / 3


def test_predict_raw_text_without_labels(trained, run):
    result = run("predict", trained / "archive.tar.gz", "--task", "films", "-", text="the cast was warm\nvery bleak\n")
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["words"] for record in records] == [["the", "cast", "was", "warm"], ["very", "bleak"]]
    assert all(record["label"] in ("positive", "negative") and 0 < record["probability"] <= 1 for record in records)


def test_predict_goes_on_after_a_bad_line(trained, run, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "warm"}\n{"txt": "warm"}\nnot json\n{"text": "bleak"}\n')
    result = run("predict", trained, tmp_path / "in.jsonl", "--task", "books")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert ["error" in record for record in records] == [False, True, True, False]
    assert f"{tmp_path / 'in.jsonl'}:3" in records[2]["error"]
    assert result.returncode == 1


def test_predict_for_all_tasks(trained, run):
    result = run("predict", trained, "-", text="warm\n")
    assert [json.loads(line)["task"] for line in result.stdout.splitlines()] == ["books", "films"]


def test_the_same_seed_gives_the_same_run(experiment, write, run, tmp_path, trained):
    assert run("train", write(experiment), "-s", tmp_path / "again").returncode == 0
    for name in ("metrics.jsonl", "checkpoints/best-model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (trained / name).read_bytes()


def test_networks_in_threads_give_the_same_run(experiment, write, run, tmp_path):
    experiment["model"]["sharing"]["communicator"] = {"type": "direct", "include_self": True}
    experiment["trainer"]["epochs"] = 1
    for number in (1, 2):
        experiment["trainer"]["network_threads"] = number
        assert run("train", write(experiment), "-s", tmp_path / str(number)).returncode == 0
    for name in ("metrics.jsonl", "checkpoints/best-model.safetensors"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_per_task_selection_keeps_weights_for_each(experiment, write, run, tmp_path):
    experiment["trainer"]["selection"] = {"type": "per_task"}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    with tarfile.open(tmp_path / "run" / "archive.tar.gz") as archive:
        names = archive.getnames()
    assert {"weights/books.safetensors", "weights/films.safetensors"} <= set(names)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    result = run("evaluate", tmp_path / "run", "--output", tmp_path / "f.json")
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "f.json").read_text()) == metrics["test"]


def test_leaked_test_texts_are_scored_apart(experiment, write, run, tmp_path):
    test = tmp_path / "books.test.tsv"
    test.write_text((tmp_path / "films.train.tsv").read_text() + test.read_text())
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert {"books/clean_accuracy", "average/clean_accuracy"} <= metrics["test"].keys()
    assert "films/clean_accuracy" not in metrics["test"]
    audit = run("data", "audit", write(experiment))
    assert "test texts of books in films: 60" in audit.stdout


def test_test_texts_of_any_task_can_be_kept_from_training(experiment, write, run, tmp_path):
    """Then the run is the one of a smaller file, and no test text was seen; dev texts stay."""
    books, films = tmp_path / "books.test.tsv", tmp_path / "films.train.tsv"
    lines = films.read_text().splitlines(keepends=True)
    leaked, rest = lines[:7], lines[7:]
    texts = {line.split("\t")[1] for line in leaked}
    rest = [line for line in rest if line.split("\t")[1] not in texts]
    books.write_text("".join(leaked) + books.read_text())
    experiment["drop_test_texts"] = True
    dropping = run("train", write(experiment), "-s", tmp_path / "dropping")
    assert dropping.returncode == 0, dropping.stderr
    assert f"tasks.films.train: {len(lines) - len(rest)} of 60 texts are test texts of some task" in dropping.stderr
    films.write_text("".join(rest))
    experiment["drop_test_texts"] = False
    assert run("train", write(experiment), "-s", tmp_path / "smaller").returncode == 0
    for name in ("metrics.json", "checkpoints/best-model.safetensors"):
        assert (tmp_path / "dropping" / name).read_bytes() == (tmp_path / "smaller" / name).read_bytes()
    assert "books/clean_accuracy" not in json.loads((tmp_path / "dropping" / "metrics.json").read_text())["test"]


def test_dev_texts_can_be_kept_from_training(experiment, write, run, tmp_path):
    dev = (tmp_path / "books.dev.tsv").read_text().splitlines(keepends=True)
    with (tmp_path / "films.train.tsv").open("a") as films:
        films.writelines(dev[:3])
    experiment["drop_dev_texts"] = True
    result = run("train", write(experiment), "-s", tmp_path / "run", "-o", "trainer.epochs=1")
    assert result.returncode == 0, result.stderr
    assert "tasks.films.train: 3 of 63 texts are dev texts of some task, and left out" in result.stderr


def test_splits_can_be_drawn_anew(experiment, write, run, tmp_path):
    """The archive draws the same ones when it is evaluated; a file that is given is taken as it is."""
    experiment["tasks"]["books"]["resplit"] = {"dev": 30, "test": 25}
    experiment["trainer"]["epochs"] = 1
    result = run("train", write(experiment), "-s", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (25 * figures["test"]["books/accuracy"]) % 1 == pytest.approx(0, abs=1e-9)
    assert run("evaluate", tmp_path / "run", "--output", tmp_path / "again.json").returncode == 0
    assert json.loads((tmp_path / "again.json").read_text()) == figures["test"]
    given = run("evaluate", tmp_path / "run", "--task", "books", "--file", tmp_path / "books.test.tsv")
    assert given.returncode == 0, given.stderr
    experiment["tasks"]["books"]["resplit"] = {"dev": 90, "test": 25}
    failed = run("train", write(experiment), "-s", tmp_path / "other")
    assert failed.returncode == 2 and "tasks.books.resplit: 115 of 100 texts are asked for" in failed.stderr


def test_what_cannot_be_kept_from_training_is_told(experiment, write, run, tmp_path):
    experiment["drop_test_texts"] = True
    (tmp_path / "books.test.tsv").write_text((tmp_path / "films.train.tsv").read_text())
    failed = run("train", write(experiment), "-s", tmp_path / "run")
    assert failed.returncode == 2
    assert "tasks.films.train: every text is a test text of some task; give other texts" in failed.stderr
    for task in experiment["tasks"].values():
        del task["test"]
    failed = run("check", write(experiment))
    assert "drop_test_texts: no task has test data, so there is nothing to leave out" in failed.stderr


def test_what_a_run_leaves(trained):
    left = {path.name for path in trained.iterdir()}
    assert left == {
        "archive.tar.gz",
        "checkpoints",
        "experiment.json",
        "experiment.resolved.json",
        "meta.json",
        "metrics.json",
        "metrics.jsonl",
        "predictions",
        "sharing.jsonl",
        "sources",
        "vocabulary",
    }
    meta = json.loads((trained / "meta.json").read_text())
    assert len(meta["data"]) == 6
    assert {"mtlkit", "torch", "python", "seed", "device", "threads", "kernels"} <= meta.keys()


def test_check_shows_the_model(experiment, write, run):
    result = run("check", write(experiment), "--data")
    assert result.returncode == 0, result.stderr
    assert "sharing.left_to_right.shared_lstm (B, T, 12)" in result.stdout
    assert "memory estimate" in result.stdout


def test_dry_run_writes_nothing(experiment, write, run, tmp_path):
    assert run("train", write(experiment), "--dry-run").returncode == 0
    assert not (tmp_path / "elsewhere" / "runs").exists()


def test_schema_components_plugins(run):
    assert "message_passing" in json.loads(run("schema").stdout)["$defs"]["SharingScheme"]["discriminator"]["mapping"]
    assert "crf_tagger" in run("components", "head").stdout
    assert "hidden_dim: integer > 0; default 100" in run("components", "encoder", "lstm").stdout
    assert run("plugins").returncode == 0


def test_a_local_file_can_bring_a_component(registry, experiment, write, run, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import mtlkit\n\n\n"
        "@mtlkit.Tokenizer.register('letters')\n"
        "class Letters(mtlkit.Tokenizer):\n"
        "    def tokenize(self, text: str) -> list[str]:\n"
        "        return [letter for letter in text if letter != ' ']\n"
    )
    experiment["tasks"]["books"]["reader"]["tokenizer"] = {"type": "letters"}
    file = write(experiment)
    assert "no Tokenizer 'letters'" in run("check", file).stderr
    assert run("check", file, "--include-package", tmp_path / "mine.py").returncode == 0
