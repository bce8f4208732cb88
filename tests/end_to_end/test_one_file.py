"""Dev and test texts drawn from the only file that there is, and one file named for several splits."""

import json
import shutil
from pathlib import Path

import pytest

CASE = Path(__file__).parents[1] / "cases" / "30-one-file"


@pytest.fixture
def one_file(run, tmp_path, monkeypatch):
    """Runs a verb on the case: `dev` and `t` are files, `test` is a number of texts."""
    shutil.copytree(CASE, tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")

    def run_verb(verb, *options, dev=None, test=None, t=None):
        values = {"dev": dev, "test": test, "t": t}
        variables = [text for name, value in values.items() for text in ("--var", f"{name}={json.dumps(value)}")]
        result = run(*verb.split(), "o.jsonnet", *variables, *options)
        assert "Traceback" not in result.stderr
        return result

    return run_verb


def row(result, name):
    line = next(line for line in result.stdout.splitlines() if line.startswith(f"│ {name} "))
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_dev_and_test_are_drawn_from_a_train_file_alone(one_file, run, tmp_path):
    assert row(one_file("data audit"), "t")[1:5] == ["0 / 0", "40", "0", "0"]
    assert row(one_file("data audit", test=40), "t")[1:] == [
        "0 / 0 / 0",
        *["40", "0", "0", "40", "0", "0", "0", "40", "0"],
    ]
    trained = one_file("train", "-s", "run", test=40)
    assert trained.returncode == 0, trained.stderr
    assert "texts of t: 120 train, 40 dev, 40 test" in trained.stderr and "also" not in trained.stderr
    metrics, meta = (json.loads(Path("run", name).read_text()) for name in ("metrics.json", "meta.json"))
    assert meta["seen_texts"] == {"dev": {}, "test": {}} and meta["identities"].keys() == {"t"}
    assert list(meta["data"]) == ["u.tsv"]
    for split in ("dev", "test"):
        for data in ((), ("--data", "../case")):
            scored = run("evaluate", "run", "--split", split, "--output", "figures.json", *data)
            assert scored.returncode == 0 and f"scoring t: {split} drawn from " in scored.stderr
            assert json.loads(Path("figures.json").read_text()) == metrics[split]
    assert one_file("train", "-s", "run", "--resume", test=40).returncode == 0


@pytest.mark.parametrize("verb", ["check", "check --data", "train -s run", "data audit", "data stats"])
@pytest.mark.parametrize("named", [("dev",), ("test",), ("dev", "test")], ids=" ".join)
def test_a_file_that_is_pooled_twice_is_refused(one_file, verb, named):
    dev, t = ("u.tsv" if split in named else None for split in ("dev", "test"))
    refused = one_file(verb, dev=dev, test=40, t=t)
    assert refused.returncode == 2
    for split in named if verb in ("check", "train -s run") else named[:1]:
        message = f"tasks.t.{split}: u.tsv holds the same texts as train; leave {split} out, since resplit draws it"
        assert message in refused.stderr
    assert not Path("run").exists()


def test_dev_texts_that_are_drawn_serve_wherever_dev_data_are_needed(one_file):
    for option in (
        "trainer.patience=2",
        "trainer.test_every_epoch=true",
        "drop_dev_texts=true",
        "drop_test_texts=true",
    ):
        checked = one_file("check", "-o", option, test=40)
        assert checked.returncode == 0, checked.stderr
    swept = one_file("sweep", "--grid", "model.dropout=0,0.1", "-s", "sweep")
    assert swept.returncode == 0, swept.stderr


@pytest.mark.parametrize(
    ("option", "needs"),
    [("trainer.patience=2", "{ dev: N }"), ("trainer.test_every_epoch=true", "{ dev: N, test: M }")],
)
def test_what_is_advised_where_a_split_is_missing_leaks_nothing(one_file, option, needs):
    refused = one_file("check", "-o", option, "-o", "tasks.t.resplit=null")
    assert refused.returncode == 2 and f", or its resplit: {needs}, or leave it out" in refused.stderr
    followed = one_file("check", "--data", "-o", option, "-o", 'tasks.t.resplit={"dev": 20, "test": 20}')
    assert followed.returncode == 0, followed.stderr
    assert "also" not in followed.stderr


@pytest.mark.parametrize("verb", ["check --data", "train -s run", "data audit"])
def test_one_file_for_two_splits_is_reported_before_training(one_file, verb):
    result = one_file(verb, "-o", "tasks.t.resplit=null", dev="u.tsv", t="u.tsv")
    assert result.returncode == 0, result.stderr
    assert "tasks.t.dev: all 200 texts are train texts of the task, so that dev figures say nothing" in result.stderr
    assert "tasks.t.test: all 200 texts are train or dev texts of the task, so that test figures" in result.stderr
    if verb == "data audit":
        assert row(result, "t")[2:10] == ["200", "200", "0", "200", "200", "200", "0", "0"]
    if verb.startswith("train"):
        order = [result.stderr.index(part) for part in ("tasks.t.dev: all", "tasks.t.test: all", "epoch 1/1")]
        assert order == sorted(order)
        assert json.loads(Path("run/meta.json").read_text())["seen_texts"] == {"dev": {"t": 200}, "test": {"t": 200}}


def test_the_audit_names_the_tasks_whose_train_texts_are_dev_texts_of_others(experiment, write, run, tmp_path):
    dev, train = tmp_path / "books.dev.tsv", tmp_path / "films.train.tsv"
    dev.write_text("".join(train.read_text().splitlines(keepends=True)[:7]))
    audit = run("data", "audit", write(experiment))
    assert "dev texts of books in films: 7" in audit.stdout
