"""The loop: what it runs, in which order, when it stops, and that it goes on to the same bits."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.config import Lazy, validate
from mtlkit.data import Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import LstmEncoder
from mtlkit.errors import RunError
from mtlkit.heads import Classifier
from mtlkit.metrics import Accuracy
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import Private
from mtlkit.training import EpochEnd, EvaluationTask, Step, Trainer, TrainerSettings, random_state, seed_all
from mtlkit.training.selection import MeanSelection
from tests.training.states import through_a_file

WORDS = ["good", "bad", "film", "fun", "very"]
LABELS = ["no", "yes"]
SIZES = {"small": 5, "large": 11}
VOCABULARY = Vocabulary.of(WORDS, [], {task: LABELS for task in SIZES})


@pytest.fixture(autouse=True)
def same_randomness() -> Any:
    before = random_state.capture()
    seed_all(3)
    yield
    random_state.restore(before)


def split(task: str, size: int) -> TaskSplit:
    texts = [tuple(WORDS[(index * step) % 5] for step in range(1, 2 + index % 4)) for index in range(size)]
    instances = [Instance(words, LABELS["good" in words]) for words in texts]
    return TaskSplit(task, Corpus.from_instances(instances, "label"), VOCABULARY)


def new_model(dropout: float = 0.3) -> MultiTaskModel:
    embedder = WordEmbedder(dim=4, dropout=dropout, vocabulary=VOCABULARY, vectors=None)
    sharing = Private(Lazy.of(LstmEncoder, hidden_dim=3), input_dim=4, tasks=list(SIZES))
    heads = {task: Classifier(input_dim=3, labels=LABELS) for task in SIZES}
    return MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(SIZES, 1.0))


def trainer(model: MultiTaskModel | None = None, *, with_dev: bool = True, **settings: Any) -> Trainer:
    value = {"epochs": 2, "batch_size": 2, "optimizer": {"type": "adam", "lr": 0.05}, **settings}
    train = {task: split(task, size) for task, size in SIZES.items()}
    metrics = [Lazy.of(Accuracy)]
    dev = [EvaluationTask(split(task, 7), LABELS, metrics) for task in SIZES] if with_dev else []
    return Trainer(model or new_model(), train, dev, dev, MeanSelection(), validate(TrainerSettings, value, "f"), 13)


def steps(events: Sequence[Step | EpochEnd]) -> list[Step]:
    return [event for event in events if isinstance(event, Step)]


def ends(events: Sequence[Step | EpochEnd]) -> list[EpochEnd]:
    return [event for event in events if isinstance(event, EpochEnd)]


def weights(model: MultiTaskModel) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_a_step_has_its_place() -> None:
    events = list(trainer().events())
    assert [type(event) for event in events] == [*[Step] * 9, EpochEnd] * 2
    found = steps(events)
    assert [step.step for step in found] == list(range(1, 19))
    assert [step.step_in_epoch for step in found] == list(range(1, 10)) * 2
    assert [step.epoch for step in found] == [1] * 9 + [2] * 9
    assert {step.steps_per_epoch for step in found} == {9}
    assert [(end.epoch, end.step) for end in ends(events)] == [(1, 9), (2, 18)]


def test_an_epoch_shows_each_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trainer(epochs=1)
    seen: Counter[tuple[str, int]] = Counter()
    loss = MultiTaskModel.loss

    def counted(model: MultiTaskModel, batch: Any) -> Any:
        seen.update((batch.task, index) for index in batch.indices_B.tolist())
        return loss(model, batch)

    monkeypatch.setattr(MultiTaskModel, "loss", counted)
    list(run.events())
    assert seen == {(task, index): 1 for task, size in SIZES.items() for index in range(size)}


def test_steps_and_epochs_count_words_and_padding() -> None:
    run = trainer(batch_size=4)
    events = list(run.events())
    found = [step.work for step in steps(events) if step.epoch == 1]
    num_words = sum(int(train.lengths.sum()) for train in run.train.values())
    assert sum(work["tokens"] for work in found) == num_words
    batches = [run.streams[task].next() for tasks in run.plan(0) for task in tasks]  # of a later pass, as long
    padded = sum(batch.text.mask_BT.numel() for batch in batches)
    for end in ends(events):
        assert end.work == {"tokens": num_words, "padded_tokens": padded}
        assert end.to_json()["shares"] == {"padding": 1 - num_words / padded}


def test_a_budget_of_tokens_makes_smaller_batches() -> None:
    run = trainer(batch_size=4, batch_tokens=6, epochs=1)
    found = steps(list(run.events()))
    assert max(step.work["padded_tokens"] for step in found) == 6
    assert len(found) > len(steps(list(trainer(batch_size=4, epochs=1).events())))


@pytest.mark.parametrize(("accumulate", "num_steps"), [(1, 9), (2, 5), (4, 3), (100, 1)])
def test_accumulation_makes_fewer_steps(accumulate: int, num_steps: int) -> None:
    run = trainer(accumulate=accumulate, epochs=1)
    found = steps(list(run.events()))
    assert len(found) == run.steps_per_epoch == num_steps
    assert sum(len(step.losses) for step in found) == 9
    assert len(found[0].losses) == min(accumulate, 9)


def test_an_accumulated_step_is_a_step_on_the_mean_loss() -> None:
    model = new_model(dropout=0.0)
    before = weights(model)
    run = trainer(model, accumulate=2, optimizer={"type": "sgd", "lr": 0.5}, gradient_clip=None)
    tasks = run.plan(0)[0]
    batches = [run.streams[task].next() for task in tasks]
    loss = sum(model.loss(batch).total for batch in batches) / 2
    gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    for stream in run.streams.values():
        stream.load_state_dict({"pass": 0, "position": 0})
    next(run.events())
    for (name, parameter), gradient in zip(model.named_parameters(), gradients, strict=True):
        moved = before[name] - (0 if gradient is None else 0.5 * gradient)
        torch.testing.assert_close(parameter.detach(), moved)


@pytest.mark.parametrize(
    "settings",
    [
        {"task_sampler": {"type": "uniform"}, "batch_tokens": 5},
        {"accumulate": 2, "schedule": {"type": "linear"}, "task_sampler": {"type": "proportional"}},
        {"optimizer": {"type": "sgd", "lr": 0.1, "momentum": 0.9}, "task_sampler": {"type": "annealed"}},
    ],
)
def test_resuming_after_any_event_ends_in_the_same_bits(settings: dict[str, Any]) -> None:
    whole = trainer(**settings)
    saved = [(whole.state(), weights(whole.model))]
    events = []
    for event in whole.events():
        events.append(event)
        saved.append((through_a_file(whole.state()), weights(whole.model)))
    for position in (1, 4, len(events) // 2 - 1, len(events) // 2, len(events) - 1):
        state, tensors = saved[position]
        model = new_model()
        model.load_state_dict(tensors)
        resumed = trainer(model, **settings)
        torch.rand(position)  # whatever was drawn meanwhile
        resumed.load_state(state)
        rest = list(resumed.events())
        assert [end.to_json() for end in ends(rest)] == [end.to_json() for end in ends(events[position:])]
        for name, tensor in weights(whole.model).items():
            assert torch.equal(tensor, model.state_dict()[name]), f"{name}, resumed after event {position}"


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        seed_all(3)
        run = trainer()
        runs.append([end.to_json() for end in ends(list(run.events()))])
    assert runs[0] == runs[1]


def test_training_learns() -> None:
    found = ends(list(trainer(new_model(dropout=0.0), epochs=15).events()))
    assert found[-1].dev["average/accuracy"] == 1.0
    assert all(found[-1].losses[task] < 0.5 * found[0].losses[task] for task in SIZES)


def test_patience_stops() -> None:
    run = trainer(epochs=50, patience=3, optimizer={"type": "sgd", "lr": 1e-12})
    found = ends(list(run.events()))
    assert [end.improved for end in found] == [["model"], [], [], []]
    assert run.finished and run.progress.epoch == 4


def test_only_a_better_epoch_improves() -> None:
    run = trainer(epochs=12)
    best = -1.0
    for end in ends(list(run.events())):
        assert end.improved == (["model"] if end.scores["model"] > best else [])
        best = max(best, end.scores["model"])
    assert run.progress.best == {"model": best}


def test_without_dev_data_nothing_is_chosen() -> None:
    (end,) = ends(list(trainer(with_dev=False, epochs=1).events()))
    assert (end.dev, end.scores, end.improved) == ({}, {}, [])


def test_test_data_are_scored_only_if_asked_for() -> None:
    assert ends(list(trainer(epochs=1).events()))[0].test == {}
    asked = ends(list(trainer(epochs=1, test_every_epoch=True).events()))[0]
    assert asked.test.keys() == asked.dev.keys()


def test_the_schedule_sets_the_rate_of_every_step() -> None:
    run = trainer(schedule={"type": "linear", "warmup": 0.0}, optimizer={"type": "sgd", "lr": 0.5})
    rates = [run.optimization.optimizer.param_groups[0]["lr"] for event in run.events() if isinstance(event, Step)]
    assert rates == pytest.approx([0.5 * (18 - step) / 18 for step in range(18)])


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    model = new_model()
    with torch.no_grad():
        next(iter(model.heads["large"].parameters())).fill_(float("nan"))
    with pytest.raises(RunError, match="the loss is not finite in step 2, of epoch 1, on texts 9, 1 of large's"):
        list(trainer(model).events())


def test_the_state_of_a_trainer_of_other_parameters_is_refused() -> None:
    """Their shapes are the same: the optimiser alone would take one for the other."""
    small = trainer(frozen=["^heads.small"])
    next(iter(small.events()))
    with pytest.raises(ValueError, match="other parameters are trained"):
        trainer(frozen=["^heads.large"]).load_state(small.state())


def kept_subnormals() -> int:
    """1 if this thread computes with subnormal numbers, 0 if it has zeros in their place."""
    return int(torch.tensor(1e-20) * torch.tensor(1e-20) != 0)


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor cannot flush subnormals")
def test_steps_of_training_flush_forward_and_backward_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    one = trainer(epochs=1)
    seen: dict[str, set[int]] = {"forward": set(), "backward": set(), "optimizer": set(), "dev": set()}
    head = next(iter(one.model.heads.values()))
    loss = head.loss

    def noted(*arguments: Any) -> Tensor:
        seen["forward"].add(kept_subnormals())
        value: Tensor = loss(*arguments)
        value.register_hook(lambda gradient: seen["backward"].add(kept_subnormals()))
        return value

    def spied(where: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def spy(*arguments: Any, **options: Any) -> Any:
            seen[where].add(kept_subnormals())
            return function(*arguments, **options)

        return spy

    monkeypatch.setattr(head, "loss", noted)
    monkeypatch.setattr(one.optimization.optimizer, "step", spied("optimizer", one.optimization.optimizer.step))
    monkeypatch.setattr(head, "decode", spied("dev", head.decode))
    for event in one.events():
        assert kept_subnormals() == 1, event
    assert isinstance(event, EpochEnd)
    assert seen == {"forward": {0}, "backward": {0}, "optimizer": {0}, "dev": {1}}
