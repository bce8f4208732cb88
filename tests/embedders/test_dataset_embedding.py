"""Vectors of data sets, and which of them a batch gets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from safetensors.torch import load

import mtlkit
from mtlkit.config import Lazy
from mtlkit.data import Corpus, Instance, TaskSplit, bucketed_order
from mtlkit.data.batch import Text
from mtlkit.data.columns import Table
from mtlkit.embedders import ConcatenatedEmbedder, DatasetEmbedder, Embedder, WordEmbedder
from mtlkit.errors import ComponentError, ConfigError
from mtlkit.experiment import load_experiment
from mtlkit.report.analysis.structure import structure_of
from mtlkit.runs.checks import check_experiment
from mtlkit.testing.samples import TASKS, sample, sample_vocabulary
from tests.generated_texts import write_corpus
from tests.soak.tiny_archive import read_members

WORDS = Lazy.of(WordEmbedder, dim=5)


def build(**settings: object) -> DatasetEmbedder:
    torch.manual_seed(3)
    values = {"vocabulary": sample_vocabulary(), "vectors": None, "fresh": True, "tasks": TASKS}
    return Lazy.of(DatasetEmbedder, embedder=WORDS, **settings).build(**values)


def of_task(embedder: DatasetEmbedder, task: str | None) -> Text:
    return replace(sample(embedder.tables).text, task=task)


def test_each_task_has_a_vector_of_its_own_behind_those_of_words() -> None:
    embedder = build(dim=3)
    for task in TASKS:
        text = of_task(embedder, task)
        found = embedder(text)
        words = embedder.embedder(text.part("embedder"))
        own = embedder.get_parameter(f"datasets.of_{task}")
        assert torch.equal(found[..., :5], words) and own.any()
        assert torch.equal(found[text.mask_BT][:, 5:], own.expand(int(text.mask_BT.sum()), 3))


def test_an_added_vector_changes_nothing_at_first() -> None:
    embedder = build(dim=None)
    text = of_task(embedder, "two")
    words = embedder.embedder(text.part("embedder"))
    assert embedder.output_dim == 5 and torch.equal(embedder(text), words)
    with torch.no_grad():
        embedder.get_parameter("datasets.of_two").fill_(2.0)
    assert torch.equal(embedder(text), (words + 2) * text.mask_BT[..., None])
    assert torch.equal(embedder(of_task(embedder, "one")), words)


def test_tasks_on_one_data_set_share_a_vector() -> None:
    embedder = build(datasets={"one": "web", "three": "web"})
    assert [name for name, _ in embedder.datasets.named_parameters()] == ["of_web", "of_two"]
    first, second, third = (embedder(of_task(embedder, task)) for task in TASKS)
    assert torch.equal(first, third) and not torch.equal(first, second)


def test_tasks_of_other_stages_may_have_data_sets() -> None:
    embedder = build(datasets={"one": "web", "four": "web"})
    assert [name for name, _ in embedder.datasets.named_parameters()] == ["of_web", "of_two", "of_three"]


def test_a_text_of_no_task_is_told() -> None:
    embedder = build()
    with pytest.raises(ComponentError, match="no data set for the task None of a text"):
        embedder(of_task(embedder, None))


def test_its_weights_do_not_depend_on_the_vocabulary() -> None:
    embedder = build()
    assert embedder.namespaces_of("datasets.of_one") == ()
    assert embedder.namespaces_of("embedder.table.weight") == ("words",)


def experiment_with(folder: Path, **settings: Any) -> dict[str, Any]:
    tasks = {}
    for number, name in enumerate(("books", "films")):
        write_corpus(folder / f"{name}.tsv", 12, number)
        file = str(folder / f"{name}.tsv")
        task = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, "train": file, "dev": file}
        tasks[name] = task
    embedder = {"type": "dataset_embedding", "embedder": {"type": "words", "dim": 4}, "dim": None, **settings}
    sharing = {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}}
    return {
        "tasks": tasks,
        "model": {"embedder": embedder, "sharing": sharing},
        "trainer": {"epochs": 1, "batch_size": 4},
    }


@pytest.mark.parametrize("share", [True, False])
def test_a_run_trains_the_vectors_and_its_archive_has_them(tmp_path: Path, share: bool) -> None:
    experiment = experiment_with(tmp_path)
    experiment["model"]["share_embedder"] = share
    run = mtlkit.train(experiment, tmp_path / "run")
    [weights] = [load(each) for name, each in read_members(run.archive).items() if name.startswith("weights/")]
    owner = "shared" if share else "films"
    assert weights[f"embedders.{owner}.datasets.of_films"].any()
    [answer] = run.predict(["a bright film"], "films")
    assert answer["label"] in ("positive", "negative")


def test_a_run_of_stages_whose_tasks_share_a_data_set(tmp_path: Path) -> None:
    """In each stage, and in the archive of the last, only some of the tasks are there."""
    experiment = experiment_with(tmp_path, datasets={"books": "reviews", "films": "reviews"})
    trainer = experiment.pop("trainer")
    experiment["stages"] = [{"name": name, "tasks": [name], "trainer": trainer} for name in ("books", "films")]
    run = mtlkit.train(experiment, tmp_path / "run")
    [weights] = [load(each) for name, each in read_members(run.archive).items() if name.startswith("weights/")]
    assert [name for name in weights if ".datasets." in name] == ["embedders.shared.datasets.of_reviews"]
    assert structure_of(load_experiment(experiment).experiment).shared("books") > 0


def test_a_data_set_of_a_task_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    experiment = experiment_with(tmp_path, datasets={"flims": "reviews"})
    with pytest.raises(ConfigError, match="given to the task 'flims', which does not exist; did you mean 'films'"):
        check_experiment(load_experiment(experiment).experiment, "x")


@final
@Embedder.register("letters_for_costs")
class Letters(Embedder):
    """Costs as many units as a word has letters."""

    def __init__(self) -> None:
        super().__init__()
        self.output_dim = 1

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return {"letters": np.array([len(form) for form in forms])}

    def costs(self, tables: Mapping[str, Table]) -> Table:
        return tables["letters"]

    def forward(self, text: Text) -> torch.Tensor:
        return text.column("letters")[..., None].float()


def test_batches_are_sorted_and_limited_by_what_the_embedder_says_that_texts_cost() -> None:
    texts = ["a b c d e f", "long-winded", "of it", "incomprehensible readings"]
    corpus = Corpus.from_instances([Instance(tuple(text.split()), "x") for text in texts], "label")
    values = {"vocabulary": sample_vocabulary(), "vectors": None, "fresh": True, "tasks": TASKS}
    letters = Lazy.of(Letters)
    parts = ConcatenatedEmbedder, {"embedders": [WORDS, Lazy.of(DatasetEmbedder, embedder=letters)]}
    for lazy in (letters, Lazy.of(parts[0], **parts[1])):
        embedder = lazy.build(**values)
        split = TaskSplit(TASKS[0], corpus, sample_vocabulary(), columns=embedder.tables, costs=embedder.costs)
        assert split.costs.tolist() == [6, 11, 4, 24] and split.lengths.tolist() == [6, 1, 2, 2]
        order = bucketed_order(split.costs, 4, None, batch_tokens=12)
        assert [indices.tolist() for indices in order] == [[2, 0], [1], [3]]
    plain = WORDS.build(**{name: values[name] for name in ("vocabulary", "vectors", "fresh")})
    assert TaskSplit(TASKS[0], corpus, sample_vocabulary(), costs=plain.costs).costs.tolist() == [6, 1, 2, 2]
