"""Records: what they say, and that training does not notice them."""

import json
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, validate
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import LstmEncoder
from mtlkit.errors import ConfigError, OutOfMemoryError
from mtlkit.heads import Classifier
from mtlkit.metrics import Accuracy
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import (
    AdversarialSharedPrivate,
    CrossStitch,
    FullyShared,
    MessagePassing,
    ModulePool,
    Private,
    SharingScheme,
)
from mtlkit.sharing.communicators import DirectCommunicator, IndirectCommunicator
from mtlkit.sharing.selectors import FixedPaths
from mtlkit.training import EpochEnd, EvaluationTask, Trainer, TrainerSettings, random_state, seed_all
from mtlkit.training.recording import Recording, plain
from mtlkit.training.records import GradientCosine, SharingRecord, spread_out
from mtlkit.training.selection import MeanSelection

WORDS = ["good", "bad", "film", "fun", "very"]
LABELS = ["no", "yes"]
TASKS = ["movie", "product", "tweet"]
VOCABULARY = Vocabulary.of(WORDS, [], {task: LABELS for task in TASKS})
LSTM: dict[str, Any] = {"encoder": Lazy.of(LstmEncoder, hidden_dim=3)}
BOTH = [{"type": "sharing", "texts": 5}, {"type": "gradient_cosine", "texts": 4}]
SCHEMES: dict[str, Lazy[Any]] = {
    "direct": Lazy.of(MessagePassing, communicator=Lazy.of(DirectCommunicator), hidden_dim=3),
    "indirect": Lazy.of(MessagePassing, communicator=Lazy.of(IndirectCommunicator), hidden_dim=3, bidirectional=True),
    "adversarial": Lazy.of(AdversarialSharedPrivate, **LSTM),
    "cross_stitch": Lazy.of(CrossStitch, **LSTM),
    "pool": Lazy.of(ModulePool, module=Lazy.of(LstmEncoder, hidden_dim=4), num_modules=3, max_length=2),
    "private": Lazy.of(Private, **LSTM),
}


@pytest.fixture(autouse=True)
def same_randomness() -> Any:
    before = random_state.capture()
    seed_all(3)
    yield
    random_state.restore(before)


def split(task: str, size: int) -> TaskSplit:
    texts = [tuple(WORDS[(index * step + len(task)) % 5] for step in range(1, 2 + index % 4)) for index in range(size)]
    instances = [Instance(words, LABELS["good" in words]) for words in texts]
    return TaskSplit(task, Corpus.from_instances(instances, "label"), VOCABULARY)


def new_model(scheme: Lazy[Any], tasks: list[str] = TASKS, dropout: float = 0.3) -> MultiTaskModel:
    seed_all(5)
    embedder = WordEmbedder(dim=4, dropout=dropout, vocabulary=VOCABULARY, vectors=None)
    sharing: SharingScheme = scheme.build(input_dim=4, tasks=tasks)
    heads = {task: Classifier(input_dim=sharing.output_dim, labels=LABELS) for task in tasks}
    return MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(tasks, 1.0), dropout)


def trained(name: str, records: list[dict[str, Any]], *, with_dev: bool) -> tuple[Trainer, list[EpochEnd]]:
    """Two epochs."""
    searches = {"update_strategy": {"type": "simultaneous_online", "num_samples": 2}} if name == "pool" else {}
    value = {"epochs": 2, "batch_size": 2, "records": records, **searches}
    train = {task: split(task, 6 + place) for place, task in enumerate(TASKS)}
    dev = [EvaluationTask(split(task, 7), LABELS, [Lazy.of(Accuracy)]) for task in TASKS] if with_dev else []
    settings = validate(TrainerSettings, value, "f")
    trainer = Trainer(new_model(SCHEMES[name]), train, dev, [], MeanSelection(), settings, 13)
    return trainer, [event for event in trainer.events() if isinstance(event, EpochEnd)]


def recording(model: MultiTaskModel, *records: dict[str, Any], sizes: tuple[int, ...] = (9, 7, 5)) -> Recording:
    settings = validate(TrainerSettings, {"records": list(records)}, "f")
    splits = {task: split(task, size) for task, size in zip(model.tasks, sizes, strict=False)}
    return Recording(model, settings.records, splits, "fp32")


@pytest.mark.parametrize("with_dev", [True, False])
@pytest.mark.parametrize("name", SCHEMES)
def test_training_comes_to_the_same_bits_with_and_without(name: str, with_dev: bool) -> None:
    without, plain_ends = trained(name, [], with_dev=with_dev)
    alone = random_state.capture()
    recorded, ends = trained(name, BOTH, with_dev=with_dev)
    assert [end.recorded for end in plain_ends] == [None, None]
    for end in ends:
        assert end.recorded is not None
        assert end.recorded.keys() == {"gradient_cosine"} | ({"sharing"} if name != "private" else set())
    assert [end.to_json() for end in ends] == [end.to_json() for end in plain_ends]
    expected, found = without.model.state_dict(), recorded.model.state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert all(torch.equal(*pair) for pair in zip(tensors(without.state()), tensors(recorded.state()), strict=True))
    assert torch.equal(random_state.capture()["torch"], alone["torch"])


def tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    return [tensor for item in items for tensor in tensors(item)]


def test_modes_random_generators_and_gradients_are_as_before() -> None:
    model = new_model(SCHEMES["direct"]).train()
    model.heads["movie"].eval()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    modes, before = [module.training for module in model.modules()], random_state.capture()
    seen = recording(model, *BOTH).observe()
    assert seen is not None and seen.keys() == {"sharing", "gradient_cosine"}
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(random_state.capture()["torch"], before["torch"])
    for parameter in model.parameters():
        assert parameter.grad is not None and torch.equal(parameter.grad, torch.ones_like(parameter))


def test_without_dev_data_texts_are_those_of_training() -> None:
    with_dev, _ = trained("direct", BOTH, with_dev=True)
    assert {task: len(each) for task, each in with_dev.recording.splits.items()} == dict.fromkeys(TASKS, 7)
    without, _ = trained("direct", BOTH, with_dev=False)
    assert without.recording.splits == without.train


@pytest.mark.parametrize("name", ["direct", "indirect"])
def test_what_is_shared_is_the_mean_over_texts_one_by_one(name: str) -> None:
    model = new_model(SCHEMES[name]).eval()
    texts = 6
    record = recording(model, {"type": "sharing", "texts": texts})
    observed = record.observe()
    assert observed is not None
    for task, each in record.splits.items():
        weights: list[list[float]] = []
        gates: list[float] = []
        places = [place * len(each) // min(texts, len(each)) for place in range(min(texts, len(each)))]
        for place in places:
            text = each.batch(torch.tensor([place])).text
            trace: Any = model(text, task, with_trace=True).trace
            for ways in ((trace.weights_BTN, trace.gates_BT), (trace.backward_BTN, trace.backward_gates_BT)):
                if ways[0] is not None:
                    weights += ways[0][0].tolist()
                    gates += ways[1][0].tolist()
        found = observed["sharing"][task]
        assert found["num_words"] == int(each.lengths[places].sum())
        assert found["gate"] == pytest.approx(sum(gates) / len(gates), rel=1e-4)
        if name == "direct":
            assert found["senders"] == [other for other in TASKS if other != task]
            means = [sum(column) / len(column) for column in zip(*weights, strict=True)]
            assert found["weights_N"] == pytest.approx(means, rel=1e-4)
        else:
            assert found["kind"] == "positions" and 0 <= found["spread"] <= 1


def test_a_path_is_read_off_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    model = new_model(SCHEMES["pool"]).eval()
    traced: list[int] = []
    forward = ModulePool.forward

    def counted(self: ModulePool, states_BTE: Tensor, *rest: Any, **options: Any) -> Any:
        traced.append(len(states_BTE))
        return forward(self, states_BTE, *rest, **options)

    monkeypatch.setattr(ModulePool, "forward", counted)
    observed = recording(model, {"type": "sharing"}).observe()
    assert traced == [1] * len(TASKS)
    assert observed is not None
    scheme: Any = model.sharing
    for task, said in observed["sharing"].items():
        assert said["kind"] == "path" and tuple(said["modules"]) == scheme.best(task)
        assert said["embedding_S"] == pytest.approx(scheme.selector.embedding(task).tolist(), rel=1e-4)


def naive_cosines(model: MultiTaskModel, splits: dict[str, TaskSplit], texts: int, begins: str) -> list[list[float]]:
    """One backward pass for each task, and sums over numbers."""
    gradients = {}
    for task, each in splits.items():
        model.zero_grad()
        model.loss(each.batch(spread_out(each, texts))).total.backward()  # type: ignore[no-untyped-call]
        named = {name: parameter for name, parameter in model.named_parameters() if name.startswith(begins)}
        gradients[task] = {name: each.grad.flatten().tolist() for name, each in named.items() if each.grad is not None}
    model.zero_grad()

    def cosine(left: dict[str, list[float]], right: dict[str, list[float]]) -> float:
        common = [name for name in left if name in right]
        pairs = [pair for name in common for pair in zip(left[name], right[name], strict=True)]
        squares = [math.fsum(each * each for each in numbers) for numbers in zip(*pairs, strict=True)]
        return math.fsum(one * two for one, two in pairs) / math.sqrt(math.prod(squares)) if pairs else math.nan

    return [[cosine(left, right) for right in gradients.values()] for left in gradients.values()]


@pytest.mark.parametrize("begins", ["sharing.", "embedders.", ""])
@pytest.mark.parametrize("name", SCHEMES)
def test_cosines_of_gradients(name: str, begins: str) -> None:
    model = new_model(SCHEMES[name]).double().eval()
    record = recording(model, {"type": "gradient_cosine", "pattern": f"^{begins}", "texts": 4})
    observed = record.observe()
    assert observed is not None
    assert observed["gradient_cosine"]["tasks"] == TASKS
    expected = naive_cosines(model, dict(record.splits), 4, begins)
    for found, row in zip(observed["gradient_cosine"]["cosines"], expected, strict=True):
        assert [math.nan if each is None else each for each in found] == pytest.approx(row, rel=1e-4, nan_ok=True)


def test_tasks_with_no_parameter_in_common_have_no_cosine() -> None:
    observed = recording(new_model(SCHEMES["private"]), {"type": "gradient_cosine"}).observe()
    assert observed is not None
    assert observed["gradient_cosine"]["cosines"] == [[1, None, None], [None, 1, None], [None, None, 1]]
    paths = {"movie": [0], "product": [1], "tweet": [0, 1]}
    scheme = Lazy.of(
        ModulePool,
        module=Lazy.of(LstmEncoder, hidden_dim=4),
        num_modules=2,
        selector=Lazy.of(FixedPaths, paths=paths),
    )
    observed = recording(new_model(scheme), {"type": "gradient_cosine"}).observe()
    assert observed is not None
    apart = [[each is None for each in row] for row in observed["gradient_cosine"]["cosines"]]
    assert apart == [[False, True, False], [True, False, False], [False, False, False]]


def test_a_scheme_that_tells_nothing_has_nothing_in_the_line() -> None:
    assert recording(new_model(Lazy.of(FullyShared, **LSTM)), {"type": "sharing"}).observe() == {}
    assert recording(new_model(Lazy.of(FullyShared, **LSTM))).observe() is None


@pytest.mark.parametrize("name", SCHEMES)
def test_weights_that_are_no_numbers_are_null(name: str) -> None:
    model = new_model(SCHEMES[name])
    for parameter in model.parameters():
        nn.init.constant_(parameter, torch.nan)
    observed = recording(model, *BOTH).observe()
    assert observed is not None
    text = json.dumps(observed, allow_nan=False)
    assert "null" in text


def test_numbers_are_rounded() -> None:
    value = {"a": (0.123456789, -math.inf, 3), "b": {"c": [True, None, "x", 1234567.0]}}
    assert plain(value) == {"a": [0.12346, None, 3], "b": {"c": [True, None, "x", 1234600.0]}}


def test_texts_lie_at_equal_distances() -> None:
    each = split("movie", 9)
    assert sorted(spread_out(each, 3).tolist()) == [0, 3, 6]
    assert sorted(spread_out(each, 100).tolist()) == list(range(9))
    lengths = each.lengths[spread_out(each, 5)].tolist()
    assert lengths == sorted(lengths)


@pytest.mark.parametrize(
    ("tasks", "settings", "sentence"),
    [
        (TASKS[:1], {}, "'movie' is the only one; leave the record out, or give a second task"),
        (TASKS, {"pattern": "nowhere"}, "pattern: no trained parameter is named like 'nowhere' .names begin with"),
    ],
)
def test_cosines_that_cannot_be(tasks: list[str], settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        recording(new_model(Lazy.of(FullyShared, **LSTM), tasks), {"type": "gradient_cosine", **settings})


def test_what_is_frozen_has_no_gradient_to_compare() -> None:
    model = new_model(Lazy.of(FullyShared, **LSTM))
    model.sharing.requires_grad_(False)
    with pytest.raises(ConfigError, match="no trained parameter is named like"):
        recording(model, {"type": "gradient_cosine"})


def test_records_come_by_default() -> None:
    (record,) = TrainerSettings().records
    assert record.component is SharingRecord
    assert GradientCosine.registered_name == "gradient_cosine"


def test_memory_that_runs_out_is_told_with_the_record_and_leaves_the_model_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def observe(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(SharingRecord, "observe", observe)
    model = new_model(SCHEMES["direct"]).train()
    with pytest.raises(
        OutOfMemoryError, match=r"taking the record sharing after an epoch; give it fewer texts, or leave"
    ):
        recording(model, {"type": "sharing"}).observe()
    assert all(module.training for module in model.modules())
