"""A short form of the soak, and what it has found before."""

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlkit.errors import ConfigError
from mtlkit.experiment import load_experiment
from mtlkit.runs.checks import check_experiment
from tests.soak.counts import Counts
from tests.soak.mutated_experiments import NAMES, attempt, mutant, originals, soak


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutants")


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(generator=st.randoms(use_true_random=True))
def test_a_mutant_is_valid_or_is_told_why_not(generator: Random, folder: Path) -> None:
    counts = Counts()
    attempt(mutant(generator), folder, "a mutant", counts)
    assert (counts.failures, counts.survived, counts.tracebacks) == ([], 1, 0)


def test_what_has_gone_wrong_is_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(file: Path) -> None:
        raise KeyError(file.name)

    originals()
    monkeypatch.setattr("tests.soak.mutated_experiments.load_experiment", fails)
    counts = soak(0.2, seed=1)
    assert counts.tried == counts.tracebacks == len(counts.failures) > 0 and counts.survived == 0
    assert counts.failures[0].startswith("mutant 0 of seed 1: ") and "KeyError" in counts.failures[0]


def check(value: Any, folder: Path) -> None:
    file = folder / "experiment.json"
    file.write_text(json.dumps(value))
    check_experiment(load_experiment(file).experiment, str(file))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tasks.movie.train", "x" * 5000, "tasks.movie.train: no split of the VADER corpora and no file: 'xxx"),
        (
            "tasks.movie.max_length",
            2**31,
            "tasks.movie.max_length: should be at most 2,147,483,647 (got 2,147,483,648)",
        ),
        ("vocabulary.pretrained", "x" * 5000, "vocabulary.pretrained: no file xxx"),
        (
            "model.pretrained",
            [{"archive": "x" * 5000, "parameters": ["a"]}],
            "model.pretrained.0.archive: cannot be read (File name too long)",
        ),
        ("tasks.movie.reader.tokenizer", {"type": "regex", "pattern": "[[a]&&(]("}, "is not a regular expression"),
        ("tasks.movie.train", "a\ud800", "tasks.movie.train: a text with half a surrogate pair"),
        ("tasks.movie.reader.\udfff", 1, r"tasks.movie.reader.'\udfff': a text with half a surrogate pair"),
        ("model.sharing.encoder.hidden_dim", 2**31 - 1, "model.sharing: PyTorch cannot make a part of these sizes ("),
        ("model.embedder.dim", 2**31 - 1, "model: has 3,461,743,803,376 parameters, which no machine holds"),
        ("model.sharing", {"type": "pool", "num_modules": 10**9}, "num_modules: should be less than or equal to 1000"),
        ("tasks.movie.reader", {"type": "planted", "rule": "a", "num_words": 10**12}, "less than or equal to 100000"),
    ],
)
def test_what_it_has_found(path: str, value: Any, message: str, folder: Path) -> None:
    experiment = copy.deepcopy(originals()[NAMES.index("single_task")])
    *parents, last = path.split(".")
    place = experiment
    for name in parents:
        place = place[name]
    place[last] = value
    with pytest.raises(ConfigError) as error:
        check(experiment, folder)
    assert message in str(error.value)
