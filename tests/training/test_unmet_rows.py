"""Rows that training never reads, kept apart: the same bits as with all rows in every step, and states of all rows."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.config import Lazy, validate
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.embedders import ConcatenatedEmbedder, Embedder, WordEmbedder, WordTable
from mtlkit.encoders import LstmEncoder
from mtlkit.errors import ComponentError
from mtlkit.experiment import load_experiment
from mtlkit.heads import Classifier
from mtlkit.metrics import Accuracy
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.runs.inspection import inspect_experiment
from mtlkit.sharing import Private
from mtlkit.training import EpochEnd, EvaluationTask, Optimizer, Trainer, TrainerSettings, seed_all
from mtlkit.training.selection import MeanSelection
from mtlkit.training.unmet_rows import UNIT
from mtlkit.training.update_strategies import Joint, UpdateStrategy
from tests.training.states import through_a_file

MET, ALL = 70, 300
"""Words of training texts; words, most of which only the file of the vectors would have."""
WORDS = [f"w{number}" for number in range(ALL)]
VOCABULARY = Vocabulary.of(WORDS, [], {"t": ["no", "yes"]})
CUT = 2 * UNIT
NAME = "embedders.shared.table.weight"


def split(first: int, last: int) -> TaskSplit:
    texts = [tuple(WORDS[(n * 7 + step) % (last - first) + first] for step in range(1 + n % 9)) for n in range(60)]
    instances = [Instance(words, ["no", "yes"][n % 2]) for n, words in enumerate(texts)]
    return TaskSplit("t", Corpus.from_instances(instances, "label"), VOCABULARY)


def trainer(whole: bool = False, embedder: Embedder | None = None, last: int = MET, **settings: Any) -> Trainer:
    """Twenty steps and more; with `whole`, in which all rows take part."""
    seed_all(3)
    embedder = embedder or WordEmbedder(dim=5, dropout=0.2, vocabulary=VOCABULARY, vectors=None)
    sharing = Private(Lazy.of(LstmEncoder, hidden_dim=3), input_dim=5, tasks=["t"])
    heads = {"t": Classifier(input_dim=3, labels=["no", "yes"])}
    model = MultiTaskModel({SHARED: embedder}, sharing, heads, {"t": 1.0})
    value = {"epochs": 2, "batch_size": 4, "optimizer": {"type": "adam", "lr": 0.05}, **settings}
    dev = [EvaluationTask(split(50, ALL), ["no", "yes"], [Lazy.of(Accuracy)])]
    with pytest.MonkeyPatch.context() as patch:
        if whole:
            patch.setattr(Joint, "trains_on_batches_only", False)
        return Trainer(
            model, {"t": split(0, last)}, dev, [], MeanSelection(), validate(TrainerSettings, value, "f"), 13
        )


def table_of(run: Trainer) -> WordTable:
    (table,) = (module for module in run.model.modules() if isinstance(module, WordTable))
    return table


def num_trained(run: Trainer) -> int:
    return len(table_of(run).weight)


def weights(run: Trainer) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def assert_same(one: Any, other: Any) -> None:
    """Asserts equal values, tensors to the bit, in nested dictionaries and lists."""
    if isinstance(one, Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name, value in one.items():
            assert_same(value, other[name])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    else:
        assert one == other


OPTIMIZERS: list[dict[str, Any]] = [
    {"type": "adam", "lr": 0.05},
    {"type": "adamw", "lr": 0.05, "weight_decay": 0.0},
    {"type": "adadelta"},
    {"type": "sgd", "lr": 0.5},
    {"type": "sgd", "lr": 0.1, "momentum": 0.9},
]


def test_every_registered_optimizer_is_tested() -> None:
    assert {settings["type"] for settings in OPTIMIZERS} == set(Optimizer.list_available())


@pytest.mark.parametrize("clip", [None, 0.01])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_all_bits_are_those_of_training_all_rows(optimizer: dict[str, Any], clip: float | None) -> None:
    """Weights, scores of dev texts with words that training never met, and all that a checkpoint holds."""
    before = weights(trainer())
    runs = []
    for whole in (False, True):
        run = trainer(whole, optimizer=optimizer, gradient_clip=clip)
        assert num_trained(run) == (ALL + 2 if whole else CUT)
        ends = [event.to_json() for event in run.events() if isinstance(event, EpochEnd)]
        assert run.progress.step > 20
        runs.append({"ends": ends, "weights": weights(run), "state": run.state()})
    assert_same(*runs)
    after = runs[0]["weights"]
    assert torch.equal(before[NAME][MET + 2 :], after[NAME][MET + 2 :])
    assert not torch.equal(before[NAME][2 : MET + 2], after[NAME][2 : MET + 2])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize(("saved", "resumed"), [(False, True), (True, False), (False, False)])
def test_a_state_of_either_kind_goes_on_as_the_other(optimizer: dict[str, Any], saved: bool, resumed: bool) -> None:
    """As those of an mtlkit without this, before and after it."""
    first = trainer(saved, optimizer=optimizer)
    events = first.events()
    for _ in range(5):
        next(events)
    state, tensors = through_a_file(first.state()), weights(first)
    list(events)
    second = trainer(resumed, optimizer=optimizer)
    second.model.load_state_dict(tensors)
    second.load_state(state)
    assert num_trained(second) == (ALL + 2 if resumed else CUT)
    list(second.events())
    assert_same(weights(second), weights(first))
    assert_same(second.state(), first.state())


@pytest.mark.parametrize(
    "optimizer",
    [
        {"type": "adamw"},
        {"type": "adam", "weight_decay": 0.01},
        {"type": "adam", "groups": [{"pattern": "^embedders", "weight_decay": 0.01}]},
    ],
    ids=str,
)
def test_rows_that_decay_stay_in_training(optimizer: dict[str, Any]) -> None:
    run = trainer(optimizer=optimizer)
    assert num_trained(run) == ALL + 2
    before = weights(run)[NAME]
    list(run.events())
    assert not torch.equal(before[-1], weights(run)[NAME][-1])


def test_decay_of_other_parameters_alone_keeps_nothing_in_training() -> None:
    run = trainer(optimizer={"type": "adamw", "groups": [{"pattern": "^embedders", "weight_decay": 0.0}]})
    assert num_trained(run) == CUT


def test_rows_that_still_move_stay_in_training() -> None:
    """As after an epoch with weight decay, which was then taken away: Adam goes on in their direction for a while."""
    before = trainer(optimizer={"type": "adam", "weight_decay": 0.1})
    events = before.events()
    for _ in range(5):
        next(events)
    state, tensors = before.state(), weights(before)
    runs = [trainer(whole) for whole in (False, True)]
    for run in runs:
        run.model.load_state_dict(tensors)
        run.load_state(through_a_file(state))
        assert num_trained(run) == ALL + 2
        list(run.events())
    assert_same(weights(runs[0]), weights(runs[1]))
    assert not torch.equal(weights(runs[0])[NAME][-1], tensors[NAME][-1])


def test_a_decay_that_is_added_later_brings_the_rows_back() -> None:
    first = trainer()
    next(first.events())
    second = trainer(optimizer={"type": "adam", "lr": 0.05, "weight_decay": 0.1})
    second.load_state(through_a_file(first.state()))
    assert num_trained(second) == ALL + 2
    third = trainer()
    third.load_state(through_a_file(second.state()))
    assert num_trained(third) == CUT, "nothing has moved yet"


def test_a_table_that_is_frozen_or_read_to_its_end_is_left_as_it_is() -> None:
    assert num_trained(trainer(frozen=["^embedders"])) == ALL + 2
    assert num_trained(trainer(last=ALL - 10)) == ALL + 2


def test_nested_tables_are_cut_and_those_of_other_embedders_are_not() -> None:
    words = Lazy.of(WordEmbedder, dim=3), Lazy.of(WordEmbedder, dim=2, trainable=False)
    nested = ConcatenatedEmbedder(embedders=list(words), vocabulary=VOCABULARY, vectors=None, fresh=True)
    tables = [module for module in nested.modules() if isinstance(module, WordTable)]
    met = TaskSplit("t", split(0, MET).corpus, VOCABULARY, columns=nested.tables)
    highest = max(VOCABULARY["words"].index(form) for form in met.corpus.forms)
    assert nested.rows_read(met.words()) == [(table, highest + 1) for table in tables]

    class Outer(Embedder):
        """Holds another one, and may give it any word."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = WordEmbedder(dim=5, vocabulary=VOCABULARY, vectors=None)
            self.output_dim = 5

        def columns(self, forms: Any) -> Any:
            return self.inner.columns(forms)

        def forward(self, text: Any) -> Tensor:
            return self.inner(text)  # type: ignore[no-any-return]

    assert num_trained(trainer(embedder=Outer())) == ALL + 2


def test_a_strategy_that_does_not_say_what_it_trains_on_trains_all_rows() -> None:
    assert UpdateStrategy.trains_on_batches_only is False


@pytest.fixture
def cut_table() -> WordTable:
    table = WordTable(6, 2)
    with torch.no_grad():
        table.weight.copy_(torch.arange(12.0).view(6, 2))
    table.train_first(4)
    return table


def test_without_gradients_all_rows_are_read(cut_table: WordTable) -> None:
    words = torch.tensor([[1, 5]])
    for without in (torch.no_grad, torch.inference_mode):
        with without():
            assert cut_table(words).tolist() == [[[2, 3], [10, 11]]]
    vectors = cut_table.eval()(words)  # as where the gradient of a score to the vectors is asked for
    assert vectors.tolist() == [[[2, 3], [10, 11]]]
    (gradient,) = torch.autograd.grad(vectors.sum(), cut_table.weight)
    assert gradient.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]


def test_a_word_that_would_not_be_learned_is_refused_in_training(cut_table: WordTable) -> None:
    with pytest.raises(ComponentError, match=r"occurs in no training text is read in training.*must not declare"):
        cut_table.train()(torch.tensor([4]))


def test_what_training_changes_is_seen_in_all_rows(cut_table: WordTable) -> None:
    with torch.no_grad():
        cut_table.weight += 1
        expected = torch.arange(12.0).view(6, 2) + (torch.arange(6) < 4).unsqueeze(1)
        assert torch.equal(cut_table.whole, expected)
        assert torch.equal(cut_table.state_dict()["weight"], expected)
        assert torch.equal(cut_table(torch.arange(6)), expected)


@pytest.mark.parametrize("how", ["deepcopy", "double", "state"])
def test_a_copy_is_a_table_of_its_own(cut_table: WordTable, how: str) -> None:
    before = cut_table.whole.clone()
    other = copy.deepcopy(cut_table)
    if how == "double":
        other = other.double()
    if how == "state":
        other.load_state_dict(cut_table.state_dict())
    with torch.no_grad():
        other.weight += 1
        assert torch.equal(other.whole[:4], before[:4].to(other.weight) + 1)
        assert torch.equal(other.whole[4:], before[4:].to(other.weight))
        assert torch.equal(other(torch.arange(6)), other.whole)
    assert torch.equal(cut_table.whole, before)


def test_a_state_of_another_size_is_refused_in_words_of_all_rows(cut_table: WordTable) -> None:
    message = "torch.Size([4, 2]) from checkpoint, the shape in current model is torch.Size([6, 2])"
    with pytest.raises(RuntimeError, match=re.escape(message)):
        cut_table.load_state_dict({"weight": torch.zeros(4, 2)})
    assert len(cut_table.weight) == 4
    cut_table.train_all()
    assert len(cut_table.weight) == 6


def test_the_parameters_of_an_experiment_are_counted_with_all_rows(tmp_path: Path) -> None:
    """`mtlkit check --data` says how many there are, whatever training goes through."""
    (tmp_path / "train.tsv").write_text("yes\ta b\nno\tc d\n")
    (tmp_path / "vectors.txt").write_text("".join(f"w{number} 1 2 3\n" for number in range(200)))
    task = {"reader": {"type": "text_classification"}, "train": str(tmp_path / "train.tsv")}
    encoder = {"type": "lstm", "hidden_dim": 2}
    experiment = {
        "tasks": {"t": {**task, "head": {"type": "classifier"}}},
        "vocabulary": {"pretrained": str(tmp_path / "vectors.txt")},
        "model": {"embedder": {"type": "words", "dim": 3}, "sharing": {"type": "private", "encoder": encoder}},
    }
    found = inspect_experiment(load_experiment(experiment), torch.device("cpu"))
    assert found.tasks[0].parameters == found.parameters > 3 * 200
    assert found.state_bytes < 4 * 4 * found.parameters, "but memory is needed for the rows that are trained"
