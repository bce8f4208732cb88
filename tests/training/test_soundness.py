"""Losses and gradients that are not finite: the step is not taken, and named."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy, validate
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import BilstmEncoder
from mtlkit.errors import DivergedError
from mtlkit.heads import Classifier
from mtlkit.metrics import Accuracy
from mtlkit.model import SHARED, MultiTaskModel, TaskLoss
from mtlkit.sharing import ModulePool, Private, SharingScheme
from mtlkit.training import EpochEnd, EvaluationTask, Optimizer, Step, Trainer, TrainerSettings, seed_all
from mtlkit.training.optimization import Optimization
from mtlkit.training.selection import MeanSelection
from tests.training.states import through_a_file

WORDS = ["good", "bad", "film", "fun", "very"]
LABELS = ["no", "yes"]
SIZES = {"small": 5, "large": 11}
VOCABULARY = Vocabulary.of(WORDS, [], {task: LABELS for task in SIZES})
SEARCHES: list[dict[str, Any]] = [
    {"type": "simultaneous_online", "num_samples": 2},
    {"type": "simultaneous_online", "num_samples": 2, "tau": None, "baseline": "ema", "reward_on": "dev"},
    {"type": "accumulated", "num_samples": 2, "reward_time": "before"},
    {"type": "alternating", "module_steps": 2, "search_rounds": 1, "num_samples": 2},
]
OPTIMIZERS: list[dict[str, Any]] = [
    {"type": "adam", "lr": 0.05},
    {"type": "adamw", "lr": 0.05},
    {"type": "adadelta"},
    {"type": "sgd", "lr": 0.1, "momentum": 0.9},
]


def split(task: str, size: int) -> TaskSplit:
    texts = [tuple(WORDS[(index * step) % 5] for step in range(1, 2 + index % 4)) for index in range(size)]
    instances = [Instance(words, LABELS["good" in words]) for words in texts]
    return TaskSplit(task, Corpus.from_instances(instances, "label"), VOCABULARY)


def trainer(strategy: dict[str, Any] | None = None, **settings: Any) -> Trainer:
    seed_all(3)
    encoder = Lazy.of(BilstmEncoder, hidden_dim=2)
    sharing: SharingScheme = (
        ModulePool(encoder, 3, 2, input_dim=4, tasks=list(SIZES))
        if strategy
        else Private(encoder, input_dim=4, tasks=list(SIZES))
    )
    heads = {task: Classifier(input_dim=4, labels=LABELS) for task in SIZES}
    embedder = WordEmbedder(dim=4, dropout=0.2, vocabulary=VOCABULARY, vectors=None)
    model = MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(SIZES, 1.0))
    value = {"epochs": 2, "batch_size": 2, "optimizer": {"type": "adam", "lr": 0.05}, **settings}
    if strategy:
        value["update_strategy"] = strategy
    train = {task: split(task, size) for task, size in SIZES.items()}
    dev = [EvaluationTask(split(task, 7), LABELS, [Lazy.of(Accuracy)]) for task in SIZES]
    return Trainer(model, train, dev, [], MeanSelection(), validate(TrainerSettings, value, "f"), 13)


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.fixture(params=["loss", "gradient"])
def spoil(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the loss of a text of a task no number, or its gradient alone."""

    def at(task: str, text: int) -> None:
        whole = MultiTaskModel._loss

        def spoilt(model: MultiTaskModel, batch: Any, shared: Any) -> TaskLoss:
            found = whole(model, batch, shared)
            if batch.task != task or text not in batch.indices_B.tolist():
                return found
            head = model.heads[task].output.bias.sum()
            # The root has the value 0 and an infinite slope there.
            worse = head * math.nan if request.param == "loss" else (head - head.detach()).abs().sqrt()
            return TaskLoss(found.total + worse, {"task": found.parts["task"] + worse})

        monkeypatch.setattr(MultiTaskModel, "_loss", spoilt)

    at.what = request.param  # type: ignore[attr-defined]
    return at


def test_stop_names_the_texts_and_takes_no_step(spoil: Any) -> None:
    spoil("large", 4)
    run = trainer()
    before, steps = weights(run.model), 0
    with pytest.raises(DivergedError) as error:
        for _ in run.events():
            before, steps = weights(run.model), steps + 1
    message = str(error.value)
    assert f"the {spoil.what} is not finite in step {steps + 1}, of epoch 1, on texts " in message
    texts = message.split(" on texts ")[1].split(" of ")[0].split(", ")
    assert "5" in texts and len(texts) == 2 and "of large's train split; what was saved before is kept; " in message
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.model.state_dict().items())


def test_of_accumulated_batches_those_are_named_whose_loss_it_is(spoil: Any) -> None:
    spoil("large", 4)
    with pytest.raises(DivergedError) as error:
        list(trainer(accumulate=9).events())
    assert ("small" in str(error.value)) == (spoil.what == "gradient")


def test_raise_is_for_a_debugger(spoil: Any) -> None:
    spoil("large", 4)
    with pytest.raises(FloatingPointError, match=f"the {spoil.what} is not finite in step"):
        list(trainer(on_nonfinite="raise").events())


@pytest.mark.parametrize("strategy", [None, *SEARCHES], ids=str)
def test_skip_leaves_the_step_out_and_says_so(strategy: dict[str, Any] | None, spoil: Any) -> None:
    spoil("large", 4)
    run = trainer(strategy, on_nonfinite="skip")
    for event in run.events():
        assert all(tensor.isfinite().all() for tensor in run.model.state_dict().values())
        if isinstance(event, EpochEnd):
            assert sum(4 in dict(each["texts"]).get("large", []) for each in event.skipped) == 1
            on_dev = strategy and (strategy["type"] == "alternating" or strategy.get("reward_on") == "dev")
            assert len(event.skipped) == 1 or on_dev  # whose fifth text is spoilt as well
            assert event.to_json()["skipped"] == event.skipped
            assert event.losses.keys() == SIZES.keys()
            assert all(math.isfinite(loss) for loss in event.losses.values())
    assert run.progress.epoch == 2


@pytest.mark.parametrize("strategy", [None, *SEARCHES[:2]], ids=str)
def test_a_run_that_skips_resumes_to_the_same_bits(strategy: dict[str, Any] | None, spoil: Any) -> None:
    spoil("large", 4)
    whole = trainer(strategy, on_nonfinite="skip")
    saved: list[tuple[dict[str, Any], dict[str, Tensor]]] = []
    events: list[Step | EpochEnd] = []
    for event in whole.events():
        events.append(event)
        saved.append((through_a_file(whole.state()), weights(whole.model)))
    for position in (1, 5, 8, 9, 10, 15):
        resumed = trainer(strategy, on_nonfinite="skip")
        resumed.model.load_state_dict(saved[position - 1][1])
        resumed.load_state(saved[position - 1][0])
        assert ends(list(resumed.events())) == ends(events[position:])
        assert all(
            torch.equal(tensor, resumed.model.state_dict()[name]) for name, tensor in weights(whole.model).items()
        )


def ends(events: Sequence[Step | EpochEnd]) -> list[dict[str, object]]:
    return [event.to_json() for event in events if isinstance(event, EpochEnd)]


def test_an_epoch_of_nothing_but_skipped_steps_stops_the_run() -> None:
    run = trainer(on_nonfinite="skip")
    with torch.no_grad():
        next(run.model.embedders.parameters()).fill_(math.nan)
    with pytest.raises(DivergedError, match="of all 9 steps of an epoch is not finite, so nothing is learned"):
        list(run.events())


def test_what_is_watched_changes_no_bit() -> None:
    found = [ends(list(trainer(on_nonfinite=policy).events())) for policy in ("stop", "skip", "raise")]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("unsound", [0, 1, 2])
def test_a_device_undoes_a_step_without_a_trace(settings: dict[str, Any], unsound: int) -> None:
    """What runs on a GPU, where nobody waits to know whether a step is sound, beside one that is not taken."""
    made = Optimizer.by_name(settings["type"])
    found = []
    for takes_all in (True, False):
        parameter = nn.Parameter(torch.tensor([1.0, -2.0]))
        optimizer = Lazy.of(made, **{key: each for key, each in settings.items() if key != "type"}).build()
        optimization = Optimization(optimizer.create([parameter]), [parameter], None, undoes=True)
        for step in range(4):
            gradient = torch.tensor([0.5 * step + 1, math.inf if step == unsound else 0.25])
            sound = gradient.isfinite().all()
            if takes_all or sound:
                parameter.grad = gradient
                optimization._step_undone_unless(sound)
                parameter.grad = None
        found.append((parameter.detach(), optimization.optimizer.state[parameter]))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=0, atol=0)
    for name, value in found[1][1].items():
        torch.testing.assert_close(found[0][1][name], value, rtol=0, atol=0)
