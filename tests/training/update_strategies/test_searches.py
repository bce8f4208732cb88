"""The order of updates and rewards, what each of them is, and runs that are stopped and resumed."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.config import Lazy, validate
from mtlkit.data import Batch, Corpus, Instance, TaskSplit, Vocabulary
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import LstmEncoder
from mtlkit.heads import Classifier
from mtlkit.metrics import Accuracy
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import ModulePool
from mtlkit.sharing.selectors import PoolSelector
from mtlkit.training import EpochEnd, EvaluationTask, Trainer, TrainerSettings, UpdateStrategy, seed_all
from mtlkit.training.optimization import Optimization
from mtlkit.training.optimizers import SGD
from mtlkit.training.selection import MeanSelection
from mtlkit.training.update_strategies.policy_gradient import PolicyGradient
from mtlkit.training.update_strategies.search_strategy import SearchStrategy
from tests.training.states import through_a_file

WORDS = ["good", "bad", "film", "fun", "very"]
LABELS = ["no", "yes"]
SIZES = {"movie": 5, "tweet": 9}
VOCABULARY = Vocabulary.of(WORDS, [], {task: LABELS for task in SIZES})
SIZE = 4


def split(task: str, size: int) -> TaskSplit:
    texts = [tuple(WORDS[(index * step) % 5] for step in range(1, 2 + index % 4)) for index in range(size)]
    instances = [Instance(words, LABELS["good" in words]) for words in texts]
    return TaskSplit(task, Corpus.from_instances(instances, "label"), VOCABULARY)


def new_model(selector: str = "controller", dropout: float = 0.3, weight: float = 1.0) -> MultiTaskModel:
    seed_all(3)
    lazy: Lazy[PoolSelector] = Lazy.of(PoolSelector.by_name(selector))
    embedder = WordEmbedder(dim=SIZE, dropout=dropout, vocabulary=VOCABULARY, vectors=None)
    module = Lazy.of(LstmEncoder, hidden_dim=SIZE)
    sharing = ModulePool(module, num_modules=3, max_length=2, selector=lazy, input_dim=SIZE, tasks=list(SIZES))
    heads = {task: Classifier(pool="mean", input_dim=SIZE, labels=LABELS) for task in SIZES}
    return MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(SIZES, weight))


def trainer(model: MultiTaskModel, epochs: int = 2, lr: float = 0.05, **strategy: Any) -> Trainer:
    settings = {
        "epochs": epochs,
        "batch_size": 2,
        "optimizer": {"type": "adam", "lr": lr},
        "update_strategy": {"controller_optimizer": {"type": "adam", "lr": 0.01}, **strategy},
    }
    train = {task: split(task, size) for task, size in SIZES.items()}
    dev = [EvaluationTask(split(task, 7), LABELS, [Lazy.of(Accuracy)]) for task in SIZES]
    return Trainer(model, train, dev, [], MeanSelection(), validate(TrainerSettings, settings, "f"), 13)


def weights(model: MultiTaskModel) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


STRATEGIES: list[dict[str, Any]] = [
    {"type": "simultaneous_online", "num_samples": 2},
    {"type": "simultaneous_online", "num_samples": 3, "reward_on": "dev", "reward_time": "before", "baseline": "mean"},
    {"type": "accumulated", "num_samples": 2, "tau": None, "baseline": "ema"},
    {"type": "alternating", "module_steps": 4, "search_rounds": 2, "entropy": 0.01},
    {"type": "alternating", "module_steps": 3, "num_samples": 1, "tau": None, "baseline": "ema"},
]


@pytest.mark.parametrize("selector", ["controller", "uniform_then_greedy", "random"])
@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_resuming_after_any_event_ends_in_the_same_bits(strategy: dict[str, Any], selector: str) -> None:
    whole = trainer(new_model(selector), **strategy)
    saved, events = [], []
    for event in whole.events():
        events.append(event)
        saved.append((through_a_file(whole.state()), weights(whole.model)))
    for position in (0, 4, len(events) // 2, len(events) - 2):
        state, tensors = saved[position]
        resumed = trainer(new_model(selector), **strategy)
        resumed.model.load_state_dict(tensors)
        torch.rand(position)  # whatever was drawn meanwhile
        resumed.load_state(state)
        list(resumed.events())
        for name, tensor in weights(whole.model).items():
            assert torch.equal(tensor, resumed.model.state_dict()[name]), f"{name}, resumed after event {position}"


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_searching_changes_modules_and_selector(strategy: dict[str, Any]) -> None:
    run = trainer(new_model(), **strategy)
    before = weights(run.model)
    list(run.events())
    moved = {name for name, tensor in weights(run.model).items() if not torch.equal(tensor, before[name])}
    for part in ("embedders.", "sharing.pool.", "sharing.selector.", "heads."):
        assert any(name.startswith(part) for name in moved)


def prepared(model: MultiTaskModel, lr: float = 0.1, **settings: Any) -> tuple[SearchStrategy, Optimization]:
    """A strategy, and the optimisation of all but the selector."""
    lazy = Lazy.of(UpdateStrategy.by_name(settings.pop("type")), **settings)
    strategy = lazy.build()
    assert isinstance(strategy, SearchStrategy)
    dev = trainer(model, type="alternating").dev_streams
    parameters = strategy.prepare(model, dev, None)
    return strategy, Optimization(Lazy.of(SGD, lr=lr).build().create(parameters), parameters, None)


def batches(*tasks: str) -> list[Batch]:
    return [split(task, 4).batch(torch.arange(4)) for task in tasks]


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order: `draw`, `loss PATH` and `reward PATH`, `theta` and `phi` updates."""
    lines: list[str] = []
    losses, apply, teach, sample = MultiTaskModel.losses, Optimization.apply, PolicyGradient.step, ModulePool.sample

    def told_losses(model: MultiTaskModel, batch: Batch, paths: Any) -> Any:
        kind = "loss" if torch.is_grad_enabled() else "reward"
        assert model.training == (kind == "loss"), "rewards are found without dropout"
        lines.extend(f"{kind} {batch.task} {batch.size} {path}" for path in paths)
        return losses(model, batch, paths)

    def told_apply(optimization: Optimization) -> None:
        lines.append("update")
        apply(optimization)

    def told_teach(policy: PolicyGradient, rewarded: Any) -> None:
        lines.append("phi")
        teach(policy, rewarded)

    def told_sample(scheme: ModulePool, task: str, num_samples: int) -> Any:
        paths = sample(scheme, task, num_samples)
        lines.append(f"draw {task} {paths.modules}")
        return paths

    monkeypatch.setattr(MultiTaskModel, "losses", told_losses)
    monkeypatch.setattr(Optimization, "apply", told_apply)
    monkeypatch.setattr(PolicyGradient, "step", told_teach)
    monkeypatch.setattr(ModulePool, "sample", told_sample)
    return lines


def paths_in(line: str) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = eval(line.split(maxsplit=2)[2])
    return found


def test_algorithm_1_in_its_order(diary: list[str]) -> None:
    """N paths; a step on theta along each; N rewards; one step on phi."""
    model = new_model().train()
    strategy, optimization = prepared(model, type="simultaneous_online", num_samples=3)
    strategy.step(model, batches("movie"), optimization, "fp32")
    paths = paths_in(diary[0])
    expected = [line for path in paths for line in (f"loss movie 4 {path}", "update")]
    expected += [f"reward movie 4 {path}" for path in paths]
    assert diary[1:] == [*expected, "phi", "update"]


def test_rewards_before_the_updates(diary: list[str]) -> None:
    model = new_model().train()
    strategy, optimization = prepared(model, type="simultaneous_online", num_samples=2, reward_time="before")
    strategy.step(model, batches("movie"), optimization, "fp32")
    assert [line.split()[0] for line in diary] == [
        *("draw", "reward", "reward"),
        *("loss", "update", "loss", "update", "phi", "update"),
    ]


def test_one_step_on_theta_for_all_paths(diary: list[str]) -> None:
    model = new_model().train()
    strategy, optimization = prepared(model, type="accumulated", num_samples=3)
    strategy.step(model, batches("movie", "tweet"), optimization, "fp32")
    kinds = [" ".join(line.split()[:2]) for line in diary]
    losses = ["loss movie"] * 3 + ["loss tweet"] * 3
    rewards = ["reward movie"] * 3 + ["reward tweet"] * 3
    assert kinds == ["draw movie", "draw tweet", *losses, "update", *rewards, "phi", "update"]


def test_modules_and_selector_take_turns(diary: list[str]) -> None:
    """Two steps on the modules, then two rounds in which each task has its paths tried on dev data."""
    model = new_model().train()
    settings = {"module_steps": 2, "search_rounds": 2, "num_samples": 2}
    strategy, optimization = prepared(model, type="alternating", **settings)
    for _ in range(3):
        strategy.step(model, batches("movie"), optimization, "fp32")
    kinds = [" ".join(line.split()[:2]) for line in diary]
    module_step = ["draw movie", "loss movie", "update"]
    rounds = [line for task in SIZES for line in (f"draw {task}", *[f"reward {task}"] * 2, "phi", "update")]
    assert kinds == [*module_step * 2, *rounds * 2, *module_step]


def test_rewards_on_dev_data(diary: list[str]) -> None:
    model = new_model().train()
    strategy, optimization = prepared(model, type="simultaneous_online", num_samples=2, reward_on="dev")
    strategy.step(model, batches("tweet"), optimization, "fp32")
    assert [line.split()[:3] for line in diary if line.startswith("reward")] == [["reward", "tweet", "2"]] * 2
    assert [line.split()[:3] for line in diary if line.startswith("loss")] == [["loss", "tweet", "4"]] * 2


def test_the_reward_is_the_mean_log_probability_whatever_the_tasks_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    rewarded: list[Any] = []
    monkeypatch.setattr(PolicyGradient, "step", lambda policy, given: rewarded.extend(given))
    model = new_model(weight=0.1).train()
    strategy, optimization = prepared(model, type="simultaneous_online", num_samples=2)
    (batch,) = batches("movie")
    strategy.step(model, [batch], optimization, "fp32")
    ((task, paths, rewards_N),) = rewarded
    assert task == "movie"
    assert batch.targets is not None
    model.eval()
    for path, reward in zip(paths.modules, rewards_N, strict=True):
        states_BTD = model(batch.text, "movie", path=path).states_BTD
        pooled_BD = torch.stack(
            [row[mask].mean(dim=0) for row, mask in zip(states_BTD, batch.text.mask_BT, strict=True)]
        )
        head: Any = model.head("movie")
        log_probs_B = head.output(pooled_BD).log_softmax(dim=1)[torch.arange(4), batch.targets]
        torch.testing.assert_close(reward, log_probs_B.mean())


@pytest.mark.parametrize("accumulated", [False, True])
def test_steps_on_theta_are_gradient_descent_along_the_paths(accumulated: bool) -> None:
    """Path by path, or on the mean over paths; in both cases over the batches of the step."""
    model, by_hand = new_model(dropout=0.0).train(), new_model(dropout=0.0).train()
    name = "accumulated" if accumulated else "simultaneous_online"
    strategy, optimization = prepared(model, lr=0.3, type=name, num_samples=2)
    given = batches("movie", "tweet")
    torch.manual_seed(7)
    result = strategy.step(model, given, optimization, "fp32")

    torch.manual_seed(7)
    drawn = [by_hand.sharing.sample(batch.task, 2).modules for batch in given]  # type: ignore[attr-defined]
    rounds = list(zip(*drawn, strict=True))
    theta = {name: each for name, each in by_hand.named_parameters() if ".selector." not in name}

    def descend(rounds: Sequence[Any]) -> None:
        pairs = [(batch, path) for chosen in rounds for batch, path in zip(given, chosen, strict=True)]
        mean = torch.stack([by_hand.loss(batch, path=path).total for batch, path in pairs]).mean()
        gradients = torch.autograd.grad(mean, list(theta.values()), allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(theta.values(), gradients, strict=True):
                if gradient is not None:
                    parameter -= 0.3 * gradient

    with torch.no_grad():
        first = by_hand.loss(given[0], path=rounds[0][0]).total
    if accumulated:
        descend(rounds)
    else:
        for chosen in rounds:
            descend([chosen])
    for name, parameter in theta.items():
        torch.testing.assert_close(dict(model.named_parameters())[name], parameter)
    assert [task for task, _ in result.losses] == ["movie", "tweet"]
    assert result.losses[0][1].item() == pytest.approx(first.item(), rel=0.5)


@pytest.mark.parametrize("accumulated", [False, True])
def test_a_step_counts_its_passes(diary: list[str], accumulated: bool) -> None:
    """Rewards, and theta's passes where theta stays: what paths have in common counts once."""
    model = new_model().train()
    settings = {"type": "accumulated" if accumulated else "simultaneous_online", "num_samples": 6}
    strategy, optimization = prepared(model, **settings)
    work = strategy.step(model, batches("movie"), optimization, "fp32").work
    paths = paths_in(diary[0])
    separate = sum(map(len, paths))
    once = len({path[: end + 1] for path in paths for end in range(len(path))})
    assert once < separate, "the paths have something in common"
    assert work == {"module_passes": once + (once if accumulated else separate), "separate_module_passes": 2 * separate}


def test_an_epoch_tells_how_many_passes_were_saved() -> None:
    run = trainer(new_model(), epochs=1, type="accumulated", num_samples=8)
    *_, end = run.events()
    assert isinstance(end, EpochEnd)
    assert 0 < end.shares["module_passes"] < 1
    assert end.to_json()["shares"] == end.shares


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_a_search_learns(strategy: dict[str, Any]) -> None:
    run = trainer(new_model(dropout=0.0), epochs=25, lr=0.01, **strategy)
    ends = [event for event in run.events() if isinstance(event, EpochEnd)]
    assert all(ends[-1].losses[task] < 0.6 * ends[0].losses[task] for task in SIZES)
