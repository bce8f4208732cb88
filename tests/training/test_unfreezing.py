"""Parameters that are frozen for the first epochs."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load
from torch import Tensor

import mtlkit
from mtlkit.errors import ConfigError
from mtlkit.experiment import load_experiment
from mtlkit.runs.checks import check_experiment
from mtlkit.training.trainer import Trainer
from tests.generated_texts import write_corpus
from tests.interrupted_runs import check_same_weights, interrupted_at, weights_of

Names = dict[str, Tensor]
WORDS, ENCODER, BOTH = r"^embedders\.", r"^sharing\.", ".*"


@pytest.fixture
def experiment(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Makes an experiment with the given rules; 12 texts a task are three steps for each, six an epoch."""

    def make(*rules: dict[str, Any], **trainer: Any) -> dict[str, Any]:
        tasks = {}
        for number, name in enumerate(("books", "films")):
            file = tmp_path / f"{name}.tsv"
            write_corpus(file, 12, number)
            task = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}}
            tasks[name] = task | {"train": str(file), "dev": str(file)}
        return {
            "tasks": tasks,
            "model": {
                "embedder": {"type": "words", "dim": 4},
                "sharing": {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}},
            },
            "trainer": {"epochs": 4, "batch_size": 4, "unfreeze": list(rules), **trainer},
        }

    return make


def trained_in_each_epoch(experiment: dict[str, Any], directory: Path, patch: pytest.MonkeyPatch) -> list[set[str]]:
    """The parts of the model whose values change in each epoch."""
    seen: list[Names] = []
    end_epoch = Trainer._end_epoch

    def end(self: Trainer) -> Any:
        seen.append({name: each.detach().clone() for name, each in self.model.named_parameters()})
        return end_epoch(self)

    begin = Trainer.events

    def events(self: Trainer) -> Any:
        seen.append({name: each.detach().clone() for name, each in self.model.named_parameters()})
        return begin(self)

    with patch.context() as inside:
        inside.setattr(Trainer, "_end_epoch", end)
        inside.setattr(Trainer, "events", events)
        mtlkit.train(experiment, directory)
    return [
        {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
        for before, after in pairwise(seen)
    ]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adadelta", "sgd"])
def test_parts_are_trained_from_their_epoch_on(
    optimizer: str, experiment: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weight decay does not touch what is frozen either."""
    decay = {"type": optimizer, "weight_decay": 0.01}
    given = experiment({"pattern": ENCODER, "after": 1}, {"pattern": WORDS, "after": 3}, optimizer=decay)
    found = trained_in_each_epoch(given, tmp_path / "run", monkeypatch)
    later = {"heads", "sharing"}
    assert found == [{"heads"}, later, later, later | {"embedders"}]


def test_the_first_rule_counts(
    experiment: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = experiment({"pattern": WORDS, "after": 2}, {"pattern": r"^(embedders|sharing)\.", "after": 1}, epochs=3)
    found = trained_in_each_epoch(given, tmp_path / "run", monkeypatch)
    assert found == [{"heads"}, {"heads", "sharing"}, {"heads", "sharing", "embedders"}]


def test_rules_for_after_the_last_epoch_freeze_for_good(
    experiment: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """To the same bits as `frozen`, and without a word about parts that have had no gradient."""
    given = experiment({"pattern": WORDS, "after": 9}), experiment(frozen=[WORDS])
    weights, said = [], []
    for number, each in enumerate(given):
        mtlkit.train(each, tmp_path / str(number), say=said.append)
        weights.append(list(weights_of(tmp_path / str(number)).values()))
    assert weights[0] == weights[1] and not any("no gradient" in line for line in said)


@pytest.mark.parametrize("step", [4, 8, 12])
def test_an_interrupted_run_unfreezes_as_it_would_have(
    step: int, experiment: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    rules = {"pattern": ENCODER, "after": 1}, {"pattern": WORDS, "after": 2}
    record = {"type": "gradient_cosine"}
    given = experiment(*rules, checkpoint_every=2, epochs=3, records=[{"type": "sharing"}, record])
    mtlkit.train(given, tmp_path / "whole")
    with interrupted_at(step), pytest.raises(KeyboardInterrupt):
        mtlkit.train(given, tmp_path / "broken")
    mtlkit.train(given, tmp_path / "broken", resume=True)
    check_same_weights(tmp_path / "whole", tmp_path / "broken")
    assert all(load(each) for each in weights_of(tmp_path / "whole").values())


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"pattern": "no_such", "after": 1}], r"trainer.unfreeze.0: no parameter that is trained is named like"),
        ([{"pattern": WORDS, "after": 1}, {"pattern": "table", "after": 2}], r"trainer.unfreeze.1: .*earlier entry"),
        ([{"pattern": BOTH, "after": 1}], "trainer.unfreeze: leaves nothing to train for books, films in the first"),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    rules: list[dict[str, Any]], said: str, experiment: Callable[..., dict[str, Any]]
) -> None:
    loaded = load_experiment(experiment(*rules))
    with pytest.raises(ConfigError, match=said):
        check_experiment(loaded.experiment, "experiment.json")
