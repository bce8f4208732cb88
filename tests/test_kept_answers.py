"""What is kept of a run's answers to single texts gives the run's figures, and the same intervals as the answers."""

import importlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mtlkit.comparison import read_record
from mtlkit.comparison.outcomes import stratum_of
from mtlkit.config import Lazy
from mtlkit.errors import ConfigError, RunError
from mtlkit.metrics import Accuracy, SpanF1, TokenAccuracy
from mtlkit.runs.predictions import read_predictions, write_predictions
from mtlkit.training import Predictions
from tests.comparison.conftest import GOLD, answers, make_run

ROOT = Path(__file__).parent.parent
MakeRun = Callable[..., Path]
__all__ = ["make_run"]


@pytest.fixture
def kept_answers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "results"))
    return importlib.import_module("kept_answers")


def test_the_figures_of_a_run_come_of_what_is_kept(kept_answers: ModuleType, make_run: MakeRun) -> None:
    clean = [True, False, True, True, True, False, True, True, True, True]
    run = make_run("ic-1", 1, {"a": "++++-+++--", "b": "+++++-----"}, clean={"a": clean})
    kept = json.loads(json.dumps(kept_answers.kept_answers(run)))
    figures = read_record(run).figures["test"]
    for task in ("a", "b"):
        found = kept_answers.answers_of(run, kept, task, "accuracy")
        assert found.texts == "the texts"
        assert found.figure("accuracy") == figures[f"{task}/accuracy"]
        assert found.figure("accuracy", clean=True) == figures.get(
            f"{task}/clean_accuracy", figures[f"{task}/accuracy"]
        )
    assert found.counts_nC[:, 0].tolist() == [1.0] * 5 + [0.0] * 5
    assert kept_answers.answers_of(run, kept, "a", "f1") is None
    assert kept_answers.answers_of(run, kept, "c", "accuracy") is None


def test_spans_are_resampled_as_from_the_answers(kept_answers: ModuleType, tmp_path: Path) -> None:
    """F1 and token accuracy of tagged sentences, one of which has no target."""
    generator = random.Random(0)
    gold = [tuple(generator.choices(("O", "B-x", "I-x"), k=generator.randrange(1, 9))) for _ in range(40)]
    predicted = [tuple(generator.choices(("O", "B-x", "I-x"), k=len(tags))) for tags in gold]
    metrics = [Lazy.of(TokenAccuracy), Lazy.of(SpanF1)]
    predictions = Predictions("chunk", "t", predicted, [None, *gold[1:]], metrics, np.array([True, False] * 20))
    kept = kept_answers._packed(predictions)
    for lazy, score in zip(metrics, ("token_accuracy", "f1"), strict=True):
        found = kept_answers.answers_of(tmp_path, {"chunk": kept}, "chunk", score)
        for clean in (False, True):
            stratum = stratum_of([predictions], lazy, score, clean)
            assert stratum is not None
            counts_nC = found.counts_nC[found.clean] if clean else found.counts_nC
            assert len(counts_nC) == stratum.size == (19 if clean else 39)
            times_Rn = np.random.default_rng(1).integers(3, size=(5, stratum.size)).astype(float)
            expected_R = stratum.score(times_Rn)[:, 0]
            assert (found.metric.scores((times_Rn @ counts_nC).T)[score] == expected_R).all()


def test_damaged_answers_are_refused(kept_answers: ModuleType, make_run: MakeRun) -> None:
    run = make_run("ic-1", 1, {"a": "++++-+++--"}, clean={"a": [True] * 9 + [False]})
    kept = kept_answers.kept_answers(run)["a"]
    (metric,) = kept["metrics"]
    for changed in (
        {"size": 9},
        {"size": 100},
        {"clean": ""},
        {"clean": "?"},
        {"metrics": [{**metric, "counts": metric["counts"][:8]}]},
        {"metrics": [{**metric, "counts": "eJw="}]},
    ):
        with pytest.raises(RunError, match=r"ic-1: answers\.a: is damaged; collect the run again"):
            kept_answers.answers_of(run, {"a": {**kept, **changed}}, "a", "accuracy")
    with pytest.raises(ConfigError, match=r"answers\.a"):
        kept_answers.answers_of(run, {"a": {"size": "many"}}, "a", "accuracy")


def test_answers_that_do_not_come_to_the_figures_are_not_kept(kept_answers: ModuleType, make_run: MakeRun) -> None:
    run = make_run("ic-1", 1, {"a": "++++++++--"})
    (file,) = (run / "predictions" / "test").iterdir()
    found = read_predictions(file)
    other = Predictions("a", found.texts, answers("+" * 10), GOLD, [Lazy.of(Accuracy)], found.clean)
    write_predictions(run / "predictions", {"test": [other]})
    with pytest.raises(RunError, match=r"its answers come to a/accuracy 100.00%.*write them again by mtlkit evaluate"):
        kept_answers.kept_answers(run)
    file.unlink()
    assert kept_answers.kept_answers(run) == {}
