"""Tag schemes from files to figures: the same spans in any scheme give the same run."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture
def case(tmp_path, monkeypatch):
    """Copies a folder of cases, and works in it."""

    def copy(name):
        shutil.copytree(CASES / name, tmp_path / name)
        monkeypatch.chdir(tmp_path / name)

    return copy


def answers(run):
    with gzip.open(f"{run}/predictions/test/ner.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in file]


def test_a_run_does_not_depend_on_the_scheme_of_its_tags(case, run):
    case("02-iob1")
    said = {"iob2": "IOB2\n", "iob1": "IOB1, read", "iobes": "IOBES, read", "suffix": "IOB2 in the form x-B, read"}
    for scheme, title in said.items():
        trained = run("train", "ner.jsonnet", "--str", f"scheme={scheme}", "-o", "trainer.epochs=2", "-s", scheme)
        assert trained.returncode == 0, trained.stderr
        assert f"tags of ner: {title}" in trained.stderr
    figures = {scheme: json.loads(Path(scheme, "metrics.json").read_text()) for scheme in said}
    assert figures["iob1"] == figures["iob2"] == figures["iobes"] == figures["suffix"]
    assert figures["iob2"]["test"]["ner/f1"] > 0.5  # it has learned something
    assert answers("iob1") == answers("iob2") == answers("suffix")
    shown = run("data", "stats", "ner.jsonnet", "--str", "scheme=iob1").stdout
    assert "IOB1, read as IOB2" in shown and "B-LOC" in shown
    # The archive knows its scheme, and a file in another one is recognised.
    own = run("evaluate", "iob1").stdout
    other = run("evaluate", "iob1", "--file", "iobes.test.txt")
    assert own.splitlines()[1:] == other.stdout.splitlines()[1:] and "IOBES, read as IOB2" in other.stderr
    resumed = run("train", "ner.jsonnet", "--str", "scheme=iob1", "-o", "trainer.epochs=2", "-s", "iob1", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(Path("iob1/metrics.json").read_text()) == figures["iob1"]


def test_parts_of_speech_are_scored_by_token_accuracy_which_chooses_the_epoch(case, run):
    case("04-tag-styles")
    checked = run("check", "pos.jsonnet", "--data")
    assert "tags of pos: no spans" in checked.stderr and "token_accuracy is the metric in place" in checked.stderr
    trained = run("train", "pos.jsonnet", "-s", "run")
    assert trained.returncode == 0 and "token_accuracy is the metric in place" in trained.stderr
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["dev"] == {"pos/token_accuracy": 1.0} and metrics["headlines"] == {"pos": "token_accuracy"}
    assert "notes" not in metrics
    assert run("evaluate", "run", "--split", "dev").returncode == 0
    refused = run("train", "pos.jsonnet", "-s", "other", "-o", 'tasks.pos.metrics=[{"type": "span_f1"}]')
    assert refused.returncode == 2 and "'span_f1' scores spans, and no tag of the task marks one" in refused.stderr
    assert not Path("other").exists()


def test_a_score_that_never_moves_is_said_and_stands_in_the_run_and_its_report(case, run):
    case("04-tag-styles")
    trained = run("train", "pos.jsonnet", "-s", "run", "-o", "trainer.optimizer.lr=1e-9")
    assert trained.returncode == 0, trained.stderr
    notes = json.loads(Path("run/metrics.json").read_text())["notes"]
    assert any(note.startswith("patience ended the training after epoch 3, although its score") for note in notes)
    for note in notes:
        assert note in trained.stderr
    last = json.loads(Path("run/metrics.jsonl").read_text().splitlines()[-1])
    assert "a score that does not move chooses no epoch" in last["notes"][-1]
    assert run("report", "run").returncode == 0
    page = Path("run/report.html").read_text()
    assert "although its score never moved" in page


def test_files_for_a_trained_model_are_mended_and_not_its_settings(case, run):
    case("02-iob1")
    options = ("--str", "scheme=iob2", "-o", "trainer.epochs=1", "-s", "run")
    assert run("train", "ner.jsonnet", *options).returncode == 0
    contents = {
        "marked": "Ann B-PER\nsaw _\n\nBo O\n",
        "ids": "1-2 O\n1 O\n2 O\n\n1 O\n2 O\n",
        "brackets": "Ann (PER*)\nsaw *\n",
        "outside": "saw O\nmet O\n",
    }
    for name, content in contents.items():
        Path(f"{name}.txt").write_text(content)
    remedy = "; mend the file, since the settings of a trained model's reader stay as they are"
    for name, what in (
        ("marked", "marked.txt:2: the tag `_` may mark a"),
        ("ids", "ids.txt:1: `1-2` looks like the id"),
    ):
        refused = run("evaluate", "run", "--file", f"{name}.txt")
        assert refused.returncode == 2 and what in refused.stderr and remedy in refused.stderr
    predicted = run("predict", "run", "--format", "reader", "ids.txt")
    assert predicted.returncode == 2 and predicted.stderr.strip().endswith(remedy)
    refused = run("evaluate", "run", "--file", "brackets.txt")
    assert refused.returncode == 2 and "; write the file's tags in IOB2, as those of the training" in refused.stderr
    # Of a file without spans, nothing but 0 can come.
    scored = run("evaluate", "run", "--file", "outside.txt", "--output", "scores.json")
    assert scored.returncode == 0
    assert "ner: no tag marks a span, so scores of spans are 0 whatever the model gives" in json.dumps(
        json.loads(Path("scores.json").read_text())["notes"]
    )
