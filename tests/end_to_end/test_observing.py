"""What a report sees of an archive in its one pass, against the equations, the verbs and a plain count."""

import random
import weakref
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from mtlkit.archive import open_archive
from mtlkit.plugins import load_plugins
from mtlkit.report.analysis import observing
from mtlkit.report.analysis.observing import observe
from mtlkit.runs import Wanted, evaluate_archive
from mtlkit.sharing.summaries import PathSummary
from tests.end_to_end.equations import weights_of_equations

GATED = Path(__file__).parents[2] / "plugins" / "mtlkit-gated" / "mtlkit_gated.py"
PLUGIN = [] if find_spec("mtlkit_gated") else [str(GATED)]
PATHS = {"books": [2, 0], "films": [], "plays": [1]}
LSTM = {"type": "lstm", "hidden_dim": 12}


def passing(communicator, **settings):
    return {"type": "message_passing", "hidden_dim": 12, "communicator": {"type": communicator}, **settings}


SCHEMES = {
    "direct": passing("direct"),
    "indirect": passing("indirect"),
    "both_ways": passing("indirect", bidirectional=True),
    "gated": passing("gated"),
    "fixed": {"type": "pool", "module": LSTM, "selector": {"type": "fixed", "paths": PATHS}},
    "fully_shared": {"type": "fully_shared", "encoder": LSTM},
}


@pytest.fixture
def opened(experiment, write, run, tmp_path):
    """Trains a scheme for a moment on three tasks, from parameters so large that attention is far from uniform."""
    experiment["tasks"]["plays"] = experiment["tasks"]["films"]
    archives = []

    def train(scheme, **changes):
        experiment["model"]["sharing"] = SCHEMES[scheme]
        experiment["model"]["initializers"] = [{"pattern": "", "initializer": {"type": "normal", "std": 0.8}}]
        experiment["trainer"] = {"epochs": 1, **changes}
        options = [part for package in PLUGIN for part in ("--include-package", package)]
        result = run("train", write(experiment), "-s", tmp_path / scheme, "--limit", 20, *options)
        assert result.returncode == 0, result.stderr
        path = tmp_path / scheme / "archive.tar.gz"
        archives.append(open_archive(path, torch.device("cpu"), load_plugins(PLUGIN)))
        return archives[-1].__enter__()

    yield train
    for archive in archives:
        archive.__exit__(None, None, None)


@pytest.mark.parametrize("scheme", ["direct", "indirect", "both_ways"])
def test_weights_of_shown_texts_are_those_of_the_equations(opened, scheme):
    archive = opened(scheme)
    observed = observe(archive, Wanted())
    ways = ["left_to_right", "right_to_left"] if scheme == "both_ways" else ["left_to_right"]
    for text in observed["books"].texts:
        words = text.reading.words
        assert text.reading.tasks == (("films", "plays") if scheme == "direct" else None)
        assert (text.reading.right_to_left is not None) == (scheme == "both_ways")
        for way in ways:
            weights_TN = torch.tensor(getattr(text.reading, way), dtype=torch.float64)
            assert_close(weights_TN, weights_of_equations(archive, words, "books", way).detach(), rtol=1e-4, atol=1e-6)
            assert_close(weights_TN.sum(dim=1), torch.ones(len(words), dtype=torch.float64), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scheme", ["direct", "indirect", "gated", "fixed", "fully_shared"])
def test_answers_are_those_of_evaluate(opened, scheme):
    archive = opened(scheme, evaluation_batch_size=7)
    said, told = [], []
    observed = observe(archive, Wanted(), said.append)
    for found in evaluate_archive(archive, Wanted(), told.append).predictions:
        seen = observed[found.task].predictions
        assert (seen.predicted, seen.gold, seen.texts) == (found.predicted, found.gold, found.texts)
        assert seen.figures() == found.figures()
    assert said == told and list(observed) == ["books", "films", "plays"]


def test_texts_are_shown_as_they_are(opened):
    archive = opened("indirect", evaluation_batch_size=7)
    observed = observe(archive, Wanted())["films"]
    corpus = Path(archive.experiment.tasks["films"].test).read_text().splitlines()
    assert len(observed.texts) == 6 and {each.number for each in observed.texts} <= set(range(1, 21))
    for text in observed.texts:
        label, words = corpus[text.number - 1].split("\t")
        assert (text.gold, " ".join(text.reading.words)) == (label, words)
        assert text.predicted == observed.predictions.predicted[text.number - 1]
    for pattern in observed.patterns:
        words = corpus[pattern.example.number - 1].split("\t")[1].split()
        assert (words[pattern.example.place], words[pattern.example.source]) == (pattern.word, pattern.source)


def test_what_is_seen_fits_together(opened):
    observed = observe(opened("indirect"), Wanted())["books"]
    summary, offsets = observed.summary, observed.offsets
    assert observed.patterns and not observed.affinities
    assert sum(offsets.weights) == pytest.approx(1, abs=1e-5)  # no text is longer than the offsets reach
    distance = sum(abs(place - offsets.reach) * weight for place, weight in enumerate(offsets.weights))
    assert distance == pytest.approx(summary.distance, rel=1e-4)


def test_words_that_read_tasks(opened):
    observed = observe(opened("direct"), Wanted())["books"]
    assert observed.offsets is None and not observed.patterns
    usual = {each.sender: each.usual for each in observed.affinities}
    assert usual == pytest.approx(dict(zip(observed.summary.senders, observed.summary.weights_N, strict=True)))


def test_gates_of_a_plugin_need_no_code_of_their_own(opened):
    observed = observe(opened("gated"), Wanted())["books"]
    assert observed.affinities and len(observed.texts) == 6
    for text in observed.texts:
        assert text.reading.tasks == ("films", "plays")
        assert all(0 <= weight <= 1 for row in text.reading.left_to_right for weight in row)


def test_schemes_without_words_that_read(opened):
    observed = observe(opened("fixed"), Wanted())
    assert isinstance(observed["books"].summary, PathSummary) and not observed["books"].texts
    assert all(len(each.predictions.predicted) == 20 for each in observed.values())


def test_a_model_without_numbers_is_observed(opened):
    archive = opened("indirect")
    with torch.no_grad():
        archive.model_for("books").sharing.left_to_right.channels["shared"].communicator.attention.score.weight.fill_(
            float("nan")
        )
    said = []
    observed = observe(archive, Wanted(tasks=["books"]), said.append)["books"]
    assert not observed.texts and not observed.patterns and len(observed.predictions.predicted) == 20
    assert not observed.is_finite and "not finite" in said[-1] and "worth nothing" in said[-1]


def test_as_many_texts_are_taken_at_once_as_are_wanted(opened, monkeypatch):
    sizes, add = [], observing._Watch.add

    def watched(self, trace, mask_BT, indices_B):
        sizes.append(len(indices_B))
        add(self, trace, mask_BT, indices_B)

    monkeypatch.setattr(observing._Watch, "add", watched)
    observed = observe(opened("indirect"), Wanted(tasks=["books"], batch_size=8))["books"]
    assert sorted(sizes) == [4, 8, 8] and observed.is_finite


def test_no_batch_is_kept(opened, tmp_path, monkeypatch):
    """Weights of at most two batches are alive at any time, however many texts there are."""
    archive = opened("indirect", evaluation_batch_size=2)
    lines = [f"positive\t{' '.join(random.Random(seed).choices(['a', 'book'], k=9))}" for seed in range(200)]
    (tmp_path / "many.tsv").write_text("\n".join(lines) + "\n")
    alive, most = [], 0
    add = observing._Watch.add

    def watched(self, trace, *rest):
        nonlocal most
        alive.append(weakref.ref(trace.weights_BTN))
        add(self, trace, *rest)
        most = max(most, sum(each() is not None for each in alive))

    monkeypatch.setattr(observing._Watch, "add", watched)
    observe(archive, Wanted(tasks=["books"], file=str(tmp_path / "many.tsv")))
    assert len(alive) == 100 and most <= 2
