"""Checks of the swappable parts of training."""

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.data import Batch, BatchStream, Corpus, Instance, TaskSplit
from mtlkit.embedders import WordEmbedder
from mtlkit.encoders import Encoder, LstmEncoder
from mtlkit.files.ownership import temporary_folder
from mtlkit.heads import Classifier
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.sharing import FullyShared, ModulePool, SharingScheme
from mtlkit.sharing.selectors import ModulePath
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import LABELS, MAX_LENGTH, NUM_MODULES, SENTENCES, TASKS, sample, sample_vocabulary
from mtlkit.training import (
    EpochEnd,
    Logger,
    ModelSelection,
    Optimizer,
    PathDerivation,
    Record,
    Schedule,
    Step,
    TaskSampler,
    UpdateStrategy,
)
from mtlkit.training.optimization import Optimization
from mtlkit.training.recording import plain

NUM_BATCHES = dict(zip(TASKS, (3, 7, 1), strict=True))
NUM_EPOCHS = 3
STEPS_PER_EPOCH, TOTAL_STEPS = 5, 20


def check_task_sampler(lazy: Lazy[TaskSampler]) -> None:
    """Checks that plans name known tasks, and depend on nothing but the arguments."""
    with doing("when it is built"):
        sampler = lazy.build()

    def plan(num_batches: Mapping[str, int], epoch: int) -> list[str]:
        with doing(f"for epoch {epoch}"):
            return sampler.plan(num_batches, epoch, NUM_EPOCHS, torch.Generator().manual_seed(epoch))

    before = torch.get_rng_state()
    plans = [plan(NUM_BATCHES, epoch) for epoch in range(NUM_EPOCHS)]
    alone = plan({TASKS[0]: 4}, 0)
    promise(torch.equal(torch.get_rng_state(), before), "it draws from torch's own generator, not from the one given")
    again = [plan(NUM_BATCHES, epoch) for epoch in range(NUM_EPOCHS)]
    promise(plans == again, "the same generator gives it another plan the second time")
    for order in (*plans, alone):
        promise(bool(order), "its plan of an epoch is empty")
        promise(set(order) <= set(TASKS), f"its plan names tasks that there are not: {sorted(set(order) - set(TASKS))}")
    promise(set(alone) == {TASKS[0]}, "it names tasks that it was not given")
    lengths = {len(order) for order in plans}
    promise(len(lengths) == 1, f"its epochs have different numbers of batches, {sorted(lengths)}; schedules need one")


def check_optimizer(lazy: Lazy[Optimizer]) -> None:
    """Checks that steps reduce the loss, that parameters may get their first gradient late, and that a saved state
    resumes to the same bits.
    """
    early, late = nn.Parameter(torch.zeros(8)), nn.Parameter(torch.zeros(8))
    optimizer = _new_optimizer(lazy, [early, late])
    promise(isinstance(optimizer, torch.optim.Optimizer), "create() gives no torch.optim.Optimizer")
    promise(all("lr" in group for group in optimizer.param_groups), "its parameter groups have no learning rate `lr`")
    with doing("when it takes a step"):
        first, second = _descend(optimizer, early), _descend(optimizer, early)
    promise(second < first, f"a step does not lower a convex loss: {first:.6f}, then {second:.6f}")
    promise(not late.any(), "it moves a parameter that has no gradient, such as those of the tasks of other batches")
    with doing("when a parameter gets its first gradient later than others, as those of tasks do,"):
        _descend(optimizer, early, late)
    promise(bool(late.any()), "a parameter that gets its first gradient later than others does not move")

    copies = [nn.Parameter(parameter.detach().clone()) for parameter in (early, late)]
    resumed = _new_optimizer(lazy, copies)
    with doing("when its state is saved and loaded"):
        saved = io.BytesIO()
        torch.save(optimizer.state_dict(), saved)
        saved.seek(0)
        resumed.load_state_dict(torch.load(saved, weights_only=True))
    _descend(optimizer, early, late)
    _descend(resumed, *copies)
    promise(
        torch.equal(early, copies[0]) and torch.equal(late, copies[1]),
        "after its state was saved and loaded, it takes another step",
    )


def _new_optimizer(lazy: Lazy[Optimizer], parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    with doing("when it is created"):
        return lazy.build().create(parameters)


def _descend(optimizer: torch.optim.Optimizer, *parameters: nn.Parameter) -> float:
    """Takes a step on the loss of some parameters, which is minimal at 1, and returns the loss before the step."""
    loss = 0.5 * (torch.cat(parameters) - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
    optimizer.step()
    return loss.item()


def check_schedule(lazy: Lazy[Schedule]) -> None:
    """Checks that factors depend only on the step, and are finite and not negative over whole runs."""
    with doing("when it is built"):
        schedule = lazy.build()
    for total, per_epoch in ((TOTAL_STEPS, STEPS_PER_EPOCH), (1, 1)):
        with doing(f"in a run of {total} steps"):
            factors = [schedule.factor(step, total, per_epoch) for step in range(total)]
            again = [schedule.factor(step, total, per_epoch) for step in reversed(range(total))][::-1]
        sound = all(math.isfinite(factor) and factor >= 0 for factor in factors)
        promise(sound, f"its factors are negative or not finite: {factors}")
        promise(any(factors), "its factors are all 0, so nothing is learned")
        promise(factors == again, "its factor depends on more than the step, so a resumed run would differ")


def check_model_selection(lazy: Lazy[ModelSelection]) -> None:
    """Checks that scores never fall when a task improves, and that there are weights for every task."""
    with doing("when it is built"):
        selection = lazy.build(tasks=list(TASKS))
    headlines = dict(zip(TASKS, (0.3, 0.5, 0.4), strict=True))
    with doing("when it scores an epoch"):
        scores = selection.scores(headlines)
        alone = selection.scores({TASKS[0]: 0.3})
    finite = all(math.isfinite(score) for score in (*scores.values(), *alone.values()))
    promise(finite, f"its scores are not finite: {scores}, {alone}")
    for task in TASKS:
        better = selection.scores({**headlines, task: 0.9})
        promise(better.keys() == scores.keys(), "the names of its scores depend on their values")
        lower = [name for name, score in scores.items() if better[name] < score]
        promise(not lower, f"when {task} gets better, its score '{''.join(lower[:1])}' gets lower")
        serving = selection.weights_for(task)
        promise(serving in scores, f"weights_for('{task}') is '{serving}', which is none of its scores {list(scores)}")
    best = selection.scores(dict.fromkeys(TASKS, 0.9))
    promise(any(best[name] > scores[name] for name in scores), "when all tasks get better, none of its scores does")


def check_update_strategy(lazy: Lazy[UpdateStrategy]) -> None:
    """Checks that steps change parameters and return each batch's loss, and that a saved state resumes to the same
    bits.
    """
    dev = {task: _stream(task) for task in TASKS}
    model, strategy, optimization = _prepared(lazy, dev)
    parameters = list(model.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    batches = [_batch(task) for task in TASKS[:2]]
    with doing("when it takes a step"):
        result = strategy.step(model.train(), batches, optimization, "fp32")
    changed = any(not torch.equal(old, new) for old, new in zip(before, parameters, strict=True))
    promise(changed, "a step changes no parameter")
    tasks = [task for task, _ in result.losses]
    promise(tasks == [batch.task for batch in batches], f"its losses are those of {tasks}, not one for each batch")
    for task, loss in result.losses:
        promise(isinstance(loss, Tensor) and loss.dim() == 0, f"its loss of {task} is not a scalar tensor")
        promise(not loss.requires_grad, f"its loss of {task} is not detached")
        promise(bool(loss.isfinite()), f"its loss of {task} is not finite")
    left = any(parameter.grad is not None and parameter.grad.any() for parameter in parameters)
    promise(not left, "it leaves gradients behind, which the next step would add to")
    _check_resumed(lazy, model, strategy, optimization, dev)


def _check_resumed(
    lazy: Lazy[UpdateStrategy],
    model: MultiTaskModel,
    strategy: UpdateStrategy,
    optimization: Optimization,
    dev: Mapping[str, BatchStream],
) -> None:
    """Compares a second step of the strategy with the same step of another instance that loaded its state."""
    same_dev = {task: _stream(task) for task in TASKS}
    for task, stream in dev.items():
        same_dev[task].load_state_dict(stream.state_dict())
    copy, other, its_optimization = _prepared(lazy, same_dev)
    copy.load_state_dict(model.state_dict())
    with doing("when its state is saved and loaded"):
        saved = io.BytesIO()
        torch.save(strategy.state_dict(), saved)
        saved.seek(0)
        other.load_state_dict(torch.load(saved, weights_only=True))
    for tried, its_model, by in ((strategy, model, optimization), (other, copy, its_optimization)):
        torch.manual_seed(1)
        tried.step(its_model.train(), [_batch(TASKS[0])], by, "fp32")
    same = all(torch.equal(left, right) for left, right in zip(model.parameters(), copy.parameters(), strict=True))
    promise(same, "after its state was saved and loaded, it takes another step")


def _prepared(
    lazy: Lazy[UpdateStrategy], dev: Mapping[str, BatchStream]
) -> tuple[MultiTaskModel, UpdateStrategy, Optimization]:
    """Returns a model that the strategy can train, the strategy, and the arguments that the trainer would pass."""
    torch.manual_seed(0)
    model = _model(searchable=lazy.component.searches)
    with doing("when it is built"):
        strategy = lazy.build()
    with doing("when it is prepared for a model"):
        parameters = strategy.prepare(model, dev, gradient_clip=None)
    return model, strategy, Optimization(torch.optim.SGD(parameters, lr=0.1), parameters, gradient_clip=None)


def check_path_derivation(lazy: Lazy[PathDerivation]) -> None:
    """Checks that each task gets a valid path, that the search is left unchanged, and that scores are requested only if
    `needs_dev`.
    """
    with doing("when it is built"):
        derivation = lazy.build()
    scored: list[ModulePath] = []

    def score(task: str, path: ModulePath) -> float:
        scored.append(path)
        return float(sum(path))

    scheme = _model(searchable=True).eval().sharing
    assert isinstance(scheme, ModulePool)
    before = {name: tensor.clone() for name, tensor in scheme.state_dict().items()}
    for task in TASKS:
        with doing(f"when it derives the path of {task}"):
            path = derivation.derive(scheme, task, score)
        legal = 0 < len(path) <= MAX_LENGTH and all(0 <= number < len(scheme.pool) for number in path)
        promise(legal, f"the path of {task}, {path}, is none through a pool of {len(scheme.pool)} modules")
    same = all(tensor.equal(before[name]) for name, tensor in scheme.state_dict().items())
    promise(same, "it changes the weights that the search has ended with")
    promise(derivation.needs_dev or not scored, "it scores paths on dev data, and its needs_dev is false")


def check_record(lazy: Lazy[Record]) -> None:
    """Checks that a record is the same for the same weights, can be written as JSON, and leaves the model unchanged."""
    splits = {task: _split(task) for task in TASKS}
    for searchable in (False, True):
        torch.manual_seed(0)
        model = _model(searchable).eval()
        trained = [name for name, _ in model.named_parameters()]
        with doing("when it is built"):
            record = lazy.build(tasks=list(TASKS), parameters=trained)
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        with doing("when it observes a model"):
            said, again = (plain(record.observe(model, splits)) for _ in range(2))
        with doing("when what it says is written as JSON"):
            text = json.dumps(said, allow_nan=False)
        promise(json.loads(text) == said, "what it says is something else after a way through JSON")
        promise(said == again, "it says something else the second time, though nothing was trained")
        same = all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())
        promise(same, "it changes the weights of the model")
        left = any(parameter.grad is not None for parameter in model.parameters())
        promise(not left, "it leaves gradients behind, which the next step would add to")
        promise(all(parameter.requires_grad for parameter in model.parameters()), "it freezes parameters")


def check_logger(lazy: Lazy[Logger]) -> None:
    """Checks that a logger accepts every event of a run, and can be closed."""
    with temporary_folder() as folder:
        with doing("when it is built"):
            logger = lazy.build(folder=Path(folder), step=0)
        with doing("during a run"):
            for step in range(1, 101):
                logger.step(Step(1, step, step, 100, [(TASKS[0], torch.tensor(0.5))]))
            scored = {f"{TASKS[0]}/accuracy": 0.5}
            logger.epoch(EpochEnd(1, 100, {TASKS[0]: 0.5}, scored, scored, {"model": 0.5}, ["model"]))
            logger.epoch(EpochEnd(2, 200, {}, {}, {}, {}))
        with doing("when it is closed"):
            logger.close()


def _model(searchable: bool) -> MultiTaskModel:
    embedder = WordEmbedder(dim=4, vocabulary=sample_vocabulary(), vectors=None)
    encoder: Lazy[Encoder] = Lazy.of(LstmEncoder, hidden_dim=4)
    sharing: SharingScheme = (
        ModulePool(encoder, NUM_MODULES, MAX_LENGTH, input_dim=4, tasks=list(TASKS))
        if searchable
        else FullyShared(encoder, input_dim=4)
    )
    heads = {task: Classifier(input_dim=4, labels=list(LABELS)) for task in TASKS}
    return MultiTaskModel({SHARED: embedder}, sharing, heads, dict.fromkeys(TASKS, 1.0))


def _stream(task: str) -> BatchStream:
    return BatchStream(_split(task), 2, seed=0)


def _split(task: str) -> TaskSplit:
    instances = [Instance(tuple(text.split()), label) for text, label in zip(SENTENCES, (*LABELS, "O"), strict=True)]
    return TaskSplit(task, Corpus.from_instances(instances, "label"), sample_vocabulary())


def _batch(task: str) -> Batch:
    text = sample().text
    return Batch(task, text, torch.tensor([0, 1, 2, 0]), torch.arange(len(text.mask_BT)))
