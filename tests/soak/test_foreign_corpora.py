"""A short form of the soak's foreign corpora, and proof that it would notice what is wrong."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from mtlkit.data import Corpus, CorpusLoader
from tests.soak.counts import Counts
from tests.soak.dressed_files import LETTERS, Dress, Sentence, tags, truth
from tests.soak.foreign_corpora import attempt, scores, spans_of

CORPORA = 60


@pytest.mark.parametrize("part", range(4))
def test_the_figures_of_foreign_corpora_are_right_or_they_are_refused(part: int, tmp_path: Path) -> None:
    counts = Counts()
    for number in range(part, CORPORA, 4):
        (folder := tmp_path / str(number)).mkdir()
        attempt(Random(f"test/{number}"), folder, f"corpus {number}", counts)
    assert (counts.failures, counts.silent_differences, counts.tracebacks) == ([], 0, 0)
    assert counts.survived == counts.tried > counts.refused > 0


def test_a_wrong_reading_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every corpus loses its last text; the soak must see that, or the corpus is refused for something else."""
    load = CorpusLoader.load

    def shortened(*given: Any) -> Corpus:
        corpus = load(*given)
        return corpus.head(len(corpus) - 1)

    monkeypatch.setattr(CorpusLoader, "load", shortened)
    counts = Counts()
    for number in range(12):
        (folder := tmp_path / str(number)).mkdir()
        attempt(Random(f"test/{number}"), folder, f"corpus {number}", counts)
    assert counts.silent_differences > 0
    assert counts.silent_differences + counts.refused + counts.survived >= counts.tried


def test_the_tags_of_each_scheme() -> None:
    sentence = Sentence(tuple("abcdefg"), (("X", 0, 1), ("X", 1, 4), ("Y", 4, 6)), tuple("NNNNNNN"), "")
    written = {scheme: " ".join(tags(sentence, scheme, "B-X")) for scheme in LETTERS}
    assert written["iob2"] == "B-X B-X I-X I-X B-Y I-Y O"
    assert written["iob1"] == "I-X B-X I-X I-X I-Y I-Y O"
    assert written["iobes"] == "S-X B-X I-X E-X B-Y E-Y O"
    assert written["bilou"] == "U-X B-X I-X L-X B-Y L-Y O"
    assert written["bmes"] == "S-X B-X M-X E-X B-Y E-Y O"
    assert written["bmewo"] == "W-X B-X M-X E-X B-Y E-Y O"
    assert " ".join(tags(sentence, "iob2", "X_B")) == "X_B X_B X_I X_I Y_B Y_I O"


def test_its_own_spans_are_those_of_the_truth() -> None:
    for number in range(200):
        (sentence,) = truth(Random(number), "spans", 1, Dress(), ["a"])
        assert spans_of(tags(sentence, "iob2", "B-X")) == set(sentence.spans)
    assert scores("spans", [["B-A", "O"]], [["B-A", "B-A"]]) == {
        "token_accuracy": 0.5,
        "f1": pytest.approx(2 / 3),
        "precision": 0.5,
        "recall": 1.0,
    }
