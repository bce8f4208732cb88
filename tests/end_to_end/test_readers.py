"""Message passing without LSTMs, from the experiment to the report."""

import json

import pytest
import torch
from torch.testing import assert_close

from mtlkit.archive import open_archive
from mtlkit.data import Text

TEXTS = ["a warm and kind book", "bleak", "the film was rather dull"]
TRANSFORMER = {"type": "transformer_layer", "heads": 2, "feedforward_dim": 8}
BILSTM = {"type": "bilstm", "hidden_dim": 6}
LAYERS = {"type": "layer", "layer": {"type": "stacked", "layers": [TRANSFORMER, TRANSFORMER]}}


def sharing(communicator, **settings):
    return {"type": "message_passing", "communicator": {"type": communicator}, "reader": LAYERS, **settings}


SCHEMES = {
    "direct": sharing("direct"),
    "indirect": sharing("indirect"),
    "speaker": sharing("indirect", speaker=BILSTM, bidirectional=True),
}


@pytest.fixture
def trained(trained_once):
    """A run of two epochs with each scheme."""
    trainer = {"epochs": 2, "batch_size": 8, "optimizer": {"type": "adam", "lr": 0.01}, "kernels": "plain"}
    return lambda scheme: trained_once(f"readers-{scheme}", SCHEMES[scheme], trainer)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_explain_shows_weights_and_gates_of_the_trace(scheme, trained, run):
    archive = trained(scheme) / "archive.tar.gz"
    result = run("explain", archive, "--task", "books", "--format", "json", *TEXTS)
    assert result.returncode == 0, result.stderr
    with open_archive(archive, torch.device("cpu")) as opened:
        model, words = opened.model_for("books").double(), opened.vocabulary["words"]
        for record in map(json.loads, result.stdout.splitlines()):
            numbers = torch.tensor([[words.index(word) for word in record["words"]]])
            text = Text(torch.ones_like(numbers, dtype=torch.bool), {"words": numbers})
            trace, shared = model(text, "books", with_trace=True).trace, record["shared"]
            assert shared["sources"] == (["films"] if scheme == "direct" else record["words"])
            ways = {"left_to_right": trace.weights_BTN, "gates": trace.gates_BT}
            if scheme == "speaker":
                ways |= {"right_to_left": trace.backward_BTN, "backward_gates": trace.backward_gates_BT}
            for name, expected in ways.items():
                found = torch.tensor(shared[name], dtype=torch.float64)
                assert_close(found, expected[0].detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_was_read_is_recorded_and_drawn(scheme, trained, run, tmp_path):
    directory = trained(scheme)
    records = [json.loads(line) for line in (directory / "sharing.jsonl").read_text().splitlines()]
    of_tasks = [summary for record in records for summary in record.get("sharing", {}).values()]
    assert len(of_tasks) >= 2 * 2, "two epochs of two tasks"
    assert all(0 < summary["gate"] < 1 for summary in of_tasks)
    assert all(summary["kind"] == ("tasks" if scheme == "direct" else "positions") for summary in of_tasks)
    page = tmp_path / "page.html"
    reported = run("report", directory, "--output", page)
    assert reported.returncode == 0, reported.stderr
    section = "Whom words read" if scheme == "direct" else "What words read of the shared network"
    assert section in page.read_text("utf-8")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_recurrence_is_said_to_have_run(scheme, trained):
    meta = json.loads((trained(scheme) / "meta.json").read_text())
    assert "recurrence" not in meta["ran"]


@pytest.mark.parametrize(
    ("settings", "sentence", "remedy"),
    [
        (
            {"hidden_dim": 12},
            "model.sharing: hidden_dim: has no use, since the reader 'layer' gives its states a size of its own; leave "
            "it out",
            {},
        ),
        (
            {"speaker": {**BILSTM, "hidden_dim": 7}},
            "model.sharing: speaker: its states have 14 numbers and those of the reader 12",
            {"speaker": BILSTM},
        ),
        (
            {"speaker": BILSTM, "detach_senders": True, "communicator": {"type": "direct"}},
            "model.sharing: detach_senders: nothing would train the speaker of task 'books'",
            {"detach_senders": True, "communicator": {"type": "direct"}},
        ),
        (
            {"reader": {"type": "layer", "layer": {**TRANSFORMER, "heads": 5}}},
            "model.sharing: heads: 5 heads cannot share an input of 12 numbers evenly; take 4",
            {"reader": {"type": "layer", "layer": {**TRANSFORMER, "heads": 4}}},
        ),
        ({"reader": {"type": "layer"}}, "model.sharing.reader.layer: ", {"reader": LAYERS}),
        ({"reader": BILSTM}, "model.sharing.reader.type: no Reader 'bilstm'", {"reader": LAYERS}),
    ],
)
def test_what_cannot_be_is_refused_before_data_are_read(settings, sentence, remedy, experiment, write, run):
    experiment["model"]["sharing"] = sharing("indirect") | settings
    refused = run("check", write(experiment))
    assert refused.returncode == 2 and sentence in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
    experiment["model"]["sharing"] = sharing("indirect") | remedy
    checked = run("check", write(experiment))
    assert checked.returncode == 0, checked.stderr
