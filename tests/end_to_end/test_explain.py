"""What `explain` says of an archive, against the equations with the archive's parameters in double precision."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

import mtlkit
from mtlkit.archive import open_archive
from mtlkit.data import Text
from tests.end_to_end.equations import weights_of_equations

TEXTS = ["a warm and kind book", "bleak", "the film was rather dull"]
GATED = Path(__file__).parents[2] / "plugins" / "mtlkit-gated" / "mtlkit_gated.py"
PLUGIN = [] if find_spec("mtlkit_gated") else ["--include-package", GATED]
TAKES = {"type": "controller", "allow_empty": True}
LSTM = {"type": "lstm", "hidden_dim": 12}
SCHEMES = {
    "direct": {"type": "message_passing", "hidden_dim": 12, "communicator": {"type": "direct", "include_self": True}},
    "indirect": {"type": "message_passing", "hidden_dim": 12, "communicator": {"type": "indirect"}},
    "both_ways": {
        "type": "message_passing",
        "hidden_dim": 12,
        "bidirectional": True,
        "communicator": {"type": "indirect"},
    },
    "gated": {"type": "message_passing", "hidden_dim": 12, "communicator": {"type": "gated"}},
    "adversarial": {"type": "adversarial_shared_private", "encoder": LSTM},
    "cross_stitch": {"type": "cross_stitch", "encoder": LSTM},
    "pool": {"type": "pool", "module": LSTM, "num_modules": 3, "max_length": 2, "selector": TAKES},
    "fixed": {"type": "pool", "module": LSTM, "selector": {"type": "fixed", "paths": {"books": [2, 0], "films": []}}},
    "fully_shared": {"type": "fully_shared", "encoder": LSTM},
}


@pytest.fixture
def trained(experiment, write, run, tmp_path):
    """Trains a scheme for a moment, from parameters so large that attention is far from uniform."""

    def train(scheme):
        experiment["model"]["sharing"] = SCHEMES[scheme]
        experiment["model"]["initializers"] = [{"pattern": "", "initializer": {"type": "normal", "std": 0.8}}]
        experiment["trainer"] = {"epochs": 1}
        if scheme == "pool":
            experiment["trainer"]["update_strategy"] = {"type": "simultaneous_online", "num_samples": 2}
        result = run("train", write(experiment), "-s", tmp_path / scheme, "--limit", 8, *PLUGIN)
        assert result.returncode == 0, result.stderr
        return tmp_path / scheme / "archive.tar.gz"

    return train


def explained(run, archive, texts=TEXTS, task="books"):
    result = run("explain", archive, "--task", task, "--format", "json", *PLUGIN, *texts)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def expected_weights(archive, words, task, way="left_to_right"):
    """(T, N) of one text alone, after the printed equations."""
    with open_archive(archive, torch.device("cpu")) as opened:
        return weights_of_equations(opened, words, task, way)


def expected_gates(archive, words, task):
    """(T) of each network, of one text alone in double precision; tests/sharing holds them to the equations."""
    with open_archive(archive, torch.device("cpu")) as opened:
        model = opened.model_for(task).double()
        numbers = torch.tensor([[opened.vocabulary["words"].index(word) for word in words]])
        trace = model(Text(torch.ones_like(numbers, dtype=torch.bool), {"words": numbers}), task, with_trace=True).trace
    return [gates_BT[0] for gates_BT in (trace.gates_BT, trace.backward_gates_BT) if gates_BT is not None]


@pytest.mark.parametrize("scheme", ["direct", "indirect", "both_ways"])
def test_weights_are_those_of_the_equations(trained, run, scheme):
    archive = trained(scheme)
    for record in explained(run, archive):
        shared, words = record["shared"], record["words"]
        assert shared["sources"] == (["films", "books"] if scheme == "direct" else words)
        ways = ["left_to_right", "right_to_left"] if scheme == "both_ways" else ["left_to_right"]
        assert [name for name in shared if name.endswith("t")] == ways
        for way in ways:
            weights_TN = torch.tensor(shared[way], dtype=torch.float64)
            expected_TN = expected_weights(archive, words, "books", way).detach()
            assert_close(weights_TN, expected_TN, rtol=1e-4, atol=1e-6)
            assert_close(weights_TN.sum(dim=1), torch.ones(len(words), dtype=torch.float64), rtol=0, atol=1e-5)
            assert len(words) == 1 or expected_TN.std() > 0.05, "far from uniform, or the test would say little"
        gates = ["gates", "backward_gates"] if scheme == "both_ways" else ["gates"]
        assert [name for name in shared if name.endswith("gates")] == gates
        for name, expected_T in zip(gates, expected_gates(archive, words, "books"), strict=True):
            assert_close(torch.tensor(shared[name], dtype=torch.float64), expected_T, rtol=1e-4, atol=1e-6)


def test_a_communicator_of_a_plugin_needs_no_code_of_its_own(trained, run):
    archive = trained("gated")
    for record in explained(run, archive):
        assert record["shared"]["kind"] == "tasks" and record["shared"]["sources"] == ["films"]
        gates = [gate for row in record["shared"]["left_to_right"] for gate in row]
        assert len(gates) == len(record["words"]) and all(0 <= gate <= 1 for gate in gates)
    shown = run("explain", archive, "--task", "books", *PLUGIN, TEXTS[0])
    assert "│ warm " in shown.stdout and "│ films 0." in shown.stdout


def test_the_path_of_a_pool(trained, run):
    archive = trained("pool")
    (record,) = explained(run, archive, texts=["warm"])
    with open_archive(archive, torch.device("cpu")) as opened:
        selector = opened.model_for("books").sharing.selector
        path = selector.best("books")
        log_prob = selector.score("books", [path]).log_probs_N
    steps = record["shared"]["steps"]
    assert tuple(step["module"] for step in steps if step["module"] is not None) == path
    likely = torch.tensor([step["probability"] for step in steps])
    assert_close(likely.log().sum(), log_prob[0].detach())
    for step in steps:
        assert step["probability"] == max(step["policy"]) and len(step["policy"]) == 4
    assert "instead of" in run("explain", archive, "--task", "books", "warm").stdout


def test_a_path_that_was_given_has_no_probabilities(trained, run):
    archive = trained("fixed")
    (record,) = explained(run, archive, texts=["warm"])
    steps = [{"module": module, "probability": None, "policy": None} for module in (2, 0)]
    assert record["shared"] == {"kind": "path", "steps": steps}
    assert explained(run, archive, texts=["warm"], task="films")[0]["shared"]["steps"] == []


def test_coefficients_of_cross_stitch(trained, run):
    archive = trained("cross_stitch")
    (record,) = explained(run, archive, texts=["warm"], task="films")
    with open_archive(archive, torch.device("cpu")) as opened:
        mixtures_NKK = opened.model_for("films").sharing.mixtures_NKK
    assert record["shared"] == {"kind": "mixture", "sources": ["books", "films"], "layers": mixtures_NKK[:, 1].tolist()}


def test_what_a_discriminator_takes_a_text_for(trained, run):
    archive = trained("adversarial")
    (record,) = explained(run, archive, texts=[TEXTS[0]], task="films")
    shared = record["shared"]
    with open_archive(archive, torch.device("cpu")) as opened:
        model = opened.model_for("films").double()
        numbers = torch.tensor([[opened.vocabulary["words"].index(word) for word in TEXTS[0].split()]])
        mask_BT = torch.ones_like(numbers, dtype=torch.bool)
        states_BTS = model.sharing.shared(model.embed(Text(mask_BT, {"words": numbers}), "films"), mask_BT)
        expected_K = model.sharing.discriminator(states_BTS[0, -1]).softmax(dim=0).detach()
    assert (shared["kind"], shared["sources"]) == ("guess", ["books", "films"])
    assert_close(torch.tensor(shared["probabilities"]).double(), expected_K, rtol=1e-4, atol=1e-6)
    shown = run("explain", archive, "--task", "films", TEXTS[0]).stdout
    assert "takes it for" in shown and "books" in shown


def test_answers_are_those_of_predict(archive, run):
    for task in ("books", "films"):
        answers = [
            {name: record[name] for name in record if name != "shared"} for record in explained(run, archive, task=task)
        ]
        predicted = run("predict", archive, "-", "--task", task, text="\n".join(TEXTS))
        assert answers == [json.loads(line) for line in predicted.stdout.splitlines()]


def test_tags_and_words_that_are_cut(experiment, write, run, tmp_path):
    for name in ("books", "films"):
        for split in ("train", "dev", "test"):
            file = tmp_path / f"{name}.{split}.txt"
            file.write_text("warm B\nfilm O\n\ndull B\n\n")
            experiment["tasks"][name][split] = str(file)
        experiment["tasks"][name] |= {
            "reader": {"type": "columns", "tags": 1},
            "head": {"type": "crf_tagger"},
            "max_length": 2,
        }
    experiment["trainer"] = {"epochs": 1}
    assert run("train", write(experiment), "-s", tmp_path / "run").returncode == 0
    (record,) = explained(run, tmp_path / "run", texts=["a warm film"])
    assert record["words"] == record["shared"]["sources"] == ["a", "warm"] and len(record["tags"]) == 2
    shown = run("explain", tmp_path / "run", "--task", "books", "a warm film").stdout
    assert shown.startswith(f"books: a/{record['tags'][0]} warm/{record['tags'][1]}\n")


def test_hostile_text(archive, run):
    text = "\x1b[31m [bold]red[/bold] \u202e :smile:"
    words = text.split(" ")
    (record,) = explained(run, archive, texts=[text])
    assert record["words"] == record["shared"]["sources"] == words
    shown = run("explain", archive, "--task", "books", text).stdout
    for word in ("\\u001b[31m (1)", "[bold]red[/bold] (2)", "\\u202e (3)", ":smile: (4)"):
        assert word in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert not {"\x1b", "\u202e"} & set(run("explain", archive, "--task", "books", "--format", "json", text).stdout)


def test_a_file_holds_what_a_terminal_shows(archive, run, elsewhere):
    arguments = ["explain", archive, "--task", "books", *TEXTS]
    shown = run(*arguments)
    for _ in range(2):  # the second time in place of an older output
        written = run(*arguments, "--output", "shown.txt")
        assert written.returncode == 0 and not written.stdout
    assert (elsewhere / "shown.txt").read_text() == shown.stdout
    assert shown.stdout.count("books: ") == 3
    for _ in range(2):
        assert run(*arguments, "--output", "e.json", "--format", "json").returncode == 0
    assert [json.loads(line) for line in (elsewhere / "e.json").read_text().splitlines()] == explained(run, archive)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--task", "boks", "warm"], "--task boks: the archive's tasks are books, films"),
        (["warm"], "--task is not given; the archive's tasks are books, films"),
        (["--task", "books"], "there is no text; give at least one, in quotes, after the archive"),
        (["--task", "books", "warm", " "], "text 2: the text holds no words; remove it or fill it in"),
        (["--task", "books", "warm", "--output", "missing/e"], "--output missing/e: there is no folder"),
    ],
)
def test_mistakes_end_in_a_sentence(archive, run, arguments, sentence):
    result = run("explain", archive, *arguments)
    assert result.returncode == 2 and not result.stdout
    assert result.stderr.startswith(sentence) and len(result.stderr.splitlines()) == 1


def test_a_scheme_with_nothing_to_tell(trained, run):
    result = run("explain", trained("fully_shared"), "--task", "books", "warm")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    assert "the sharing scheme 'fully_shared' tells nothing of what it shares for a text" in result.stderr


def test_several_tasks_are_asked_in_turn(archive, run):
    result = run("explain", archive, "--task", "films", "--task", "books", "--format", "json", TEXTS[0])
    assert [json.loads(line)["task"] for line in result.stdout.splitlines()] == ["films", "books"]


def test_archives_in_python(archive, run):
    loaded = mtlkit.load_archive(archive.parent)
    archive.unlink()
    assert loaded.tasks == ["books", "films"]
    explanation = loaded.explain(TEXTS[0], "books")
    assert isinstance(explanation, mtlkit.Explanation)
    assert '<th scope="row"' in explanation._repr_html_()
    good, bad = loaded.predict([TEXTS[0], ""], task="books")
    assert good["label"] == explanation.label and good["probability"] == explanation.probability
    assert bad["error"].startswith("text 2: ")
    no_task = "there is no task 'boks'; the archive's tasks are books, films"
    for ask, given in ((loaded.predict, ["warm"]), (loaded.explain, "warm")):
        with pytest.raises(mtlkit.ConfigError, match=no_task):
            ask(given, "boks")
    assert repr(loaded) == f"<archive {archive}: books, films>"
    for ask, given, said in (
        (loaded.predict, ["warm", 3], "text 2 is not a string but of type int"),
        (loaded.explain, ["warm"], "the text is not a string but of type list"),
    ):
        with pytest.raises(mtlkit.ConfigError, match=said):
            ask(given, "books")
    with pytest.raises(mtlkit.ConfigError, match="device gpu: no such device; use auto, cpu, cuda or cuda:N"):
        mtlkit.load_archive(archive, device="gpu")
    with pytest.raises(mtlkit.ConfigError, match="predict takes many texts; give a list"):
        loaded.predict("warm", "books")
