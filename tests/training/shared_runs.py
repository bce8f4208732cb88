"""Small runs that several processes share, and the same runs in one process: losses, scores and weights of each."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, final

import pytest
import torch
import torch.distributed as dist
from pydantic import create_model
from torch import nn
from torch.multiprocessing import start_processes

from mtlkit.config import Lazy, Spec, validate
from mtlkit.data import Corpus, Instance, TaskSplit, Text
from mtlkit.data.columns import Table
from mtlkit.embedders import Embedder, WordEmbedder, WordTable
from mtlkit.heads import Head
from mtlkit.kernels.compute import Compute, hand_down
from mtlkit.metrics import Accuracy, TokenAccuracy
from mtlkit.model import SHARED, MultiTaskModel
from mtlkit.process.group import Group
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.sharing import SharingScheme
from mtlkit.testing import TASKS
from mtlkit.testing.samples import INPUT_DIM, LABELS, sample_vocabulary
from mtlkit.training import EpochEnd, EvaluationTask, Trainer, TrainerSettings, random_state, seed_all, shared_tables
from mtlkit.training.selection import MeanSelection
from mtlkit.training.shards import SharedRows, with_rows
from tests.soak.forked import IMPORTED
from tests.training.states import through_a_file

SIZES = dict(zip(TASKS, (5, 9, 6), strict=True))
"""With batches of four, the last batch of the first two tasks is a single text, of which one process has none."""
WORDS = ("a", "warm", "witty", "film", "fun", "but", "long", "never", "again")
SECONDS = 800
"""How long processes wait for each other: the machine may be busy."""


@dataclass(frozen=True)
class Case:
    """A run, by the settings in which it differs from a plain one."""

    sharing: Mapping[str, Any] = field(default_factory=lambda: {"type": "fully_shared", "encoder": LSTM})
    head: Mapping[str, Any] = field(default_factory=lambda: {"type": "classifier"})
    trainer: Mapping[str, Any] = field(default_factory=dict)
    stop: int | None = None
    """The step after which the trainer's state goes through a file to a new trainer."""
    by_first_word: bool = False
    """Whether some of the embedder's parameters are used for some texts only."""
    large: bool = False
    """Whether the embedder has a part that processes can share out."""
    by_task: bool = False
    """Whether each task has an embedder of its own."""
    embedder: Callable[[], Embedder] | None = None
    """Makes another embedder, which is asked for columns."""
    smallest_table: int = 1
    """How many numbers a table has whose gradient is exchanged by rows."""


@final
class ByFirstWord(Embedder):
    """Adds one of two vectors to the words of a text. Without such a text in the batch, a vector has no gradient."""

    def __init__(self, words: Embedder) -> None:
        super().__init__()
        self.words, self.output_dim = words, words.output_dim
        self.added = nn.ParameterList(torch.full((self.output_dim,), 0.1) for _ in range(2))

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return self.words.columns(forms)

    def forward(self, text: Text) -> torch.Tensor:
        states_BTE: torch.Tensor = self.words(text)
        for number, added_E in enumerate(self.added):
            has_it_B = text.words_BT[:, 0] % 2 == number
            if has_it_B.any():
                states_BTE = states_BTE + (has_it_B[:, None] & text.mask_BT)[..., None] * added_E
        return states_BTE


@final
class Layer(nn.Module):
    """A layer of a small encoder, with a parameter that nothing reads."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.map, self.unread = nn.Linear(dim, dim), nn.Parameter(torch.ones(3, 2))

    def forward(self, states_BTE: torch.Tensor) -> torch.Tensor:
        return states_BTE + self.map(states_BTE).tanh()


@final
class Layers(nn.Module):
    """A small encoder, which has parameters outside of its layers, and one without rows."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(dim) for _ in range(3))
        self.norm, self.scale = nn.LayerNorm(dim), nn.Parameter(torch.tensor(1.5))
        self.added = nn.Parameter(torch.full((1, dim), 0.1))  # of which only one process has a row

    def forward(self, states_BTE: torch.Tensor) -> torch.Tensor:
        states_BTE = self.norm(states_BTE + self.added) * self.scale
        for layer in self.layers:
            states_BTE = layer(states_BTE)
        return states_BTE


@final
class LargeEmbedder(Embedder):
    """Reads vectors of words with an encoder."""

    def __init__(self, words: Embedder) -> None:
        super().__init__()
        self.words, self.output_dim = words, words.output_dim
        self.encoder = Layers(self.output_dim)

    def columns(self, forms: Sequence[str]) -> Mapping[str, Table]:
        return self.words.columns(forms)

    def forward(self, text: Text) -> torch.Tensor:
        states_BTE: torch.Tensor = self.encoder(self.words(text))
        return states_BTE * text.mask_BT[..., None]

    def large_parts(self) -> Sequence[nn.Module]:
        return [*self.encoder.layers, self.encoder]


LSTM = {"type": "lstm", "hidden_dim": 4}


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    losses: list[list[tuple[str, float]]]
    epochs: list[dict[str, Any]]
    weights: dict[str, torch.Tensor]
    state: dict[str, Any]
    """The trainer's, at the end or after the step at which it stopped."""
    rows: dict[str, torch.Tensor] = field(default_factory=dict)
    """The whole of what the optimizer keeps of sharded tables, in the first process."""
    num_kept: int = 0
    """How many numbers this process keeps of word tables, as weights and as the optimizer's memory of them."""
    bytes_kept: int = 0
    """How many bytes this process keeps of large parts, as weights and as the optimizer's memory of them."""


def run(case: Case, ranks: Ranks = ONE, begin: Result | None = None) -> Result:
    """Trains in float64, from the beginning or from where a result of the same case stopped."""
    trainer = _trainer(case, ranks)
    if begin is not None:
        trainer.model.load_state_dict(begin.weights)
        trainer.load_state(begin.state, begin.rows)
    losses, epochs = [], []
    for event in trainer.events():
        if isinstance(event, EpochEnd):
            epochs.append({**event.to_json(), "recorded": event.recorded})
        else:
            losses.append([(task, float(loss)) for task, loss in event.losses])
            if begin is None and event.step == case.stop:
                break
    weights = _whole(with_rows(trainer.model, trainer.model.state_dict()))
    rows = _whole(trainer.optimization.table_rows())
    kept = [
        tensor for part in trainer.model.modules() if isinstance(part, WordTable) for tensor in _kept(trainer, part)
    ]
    state = through_a_file(trainer.state())
    return Result(losses, epochs, weights, state, rows, sum(map(torch.numel, kept)), _bytes_of_large_parts(trainer))


def _whole(tensors: Mapping[str, torch.Tensor | SharedRows]) -> dict[str, torch.Tensor]:
    """Tensors by name; those whose rows processes share out are whole in the first process, and left out elsewhere."""
    found: dict[str, torch.Tensor] = {}
    for name, each in tensors.items():
        if isinstance(each, torch.Tensor):
            found[name] = each.clone()
        elif pieces := list(each.pieces()):
            found[name] = torch.cat(pieces)
            assert found[name].shape == each.shape
    return found


def _kept(trainer: Trainer, table: WordTable) -> list[torch.Tensor]:
    memory = trainer.optimization.optimizer.state.get(table.weight, {}).values()
    return [table.whole, *(each for each in memory if isinstance(each, torch.Tensor) and each.dim() == 2)]


def _bytes_of_large_parts(trainer: Trainer) -> int:
    if trainer.settings.shard not in ("encoders", "all"):
        return 0
    parts = [part for embedder in trainer.model.embedders.values() for part in embedder.large_parts()]  # type: ignore[operator]
    parameters = dict.fromkeys(each for part in parts for each in part.parameters() if each.dim())
    own = trainer.optimization.shards.own(parameters)
    memory = (value for each in own for value in trainer.optimization.optimizer.state.get(each, {}).values())
    return sum(each.nbytes for each in (*own, *memory) if isinstance(each, torch.Tensor) and each.dim())


def run_in_processes(cases: Mapping[str, Case | tuple[Case, Result]], number: int = 2) -> list[dict[str, Any]]:
    """The results of all cases, or of the rest of some, in each of several processes: a `Result`, or the exception."""
    return in_processes(run_all, dict(cases), number=number)


def run_all(group: Group, cases: Mapping[str, Case | tuple[Case, Result]]) -> dict[str, Any]:
    """The results of all cases in one of the processes."""
    results: dict[str, Any] = {}
    for name, case in cases.items():
        given = case if isinstance(case, tuple) else (case, None)
        shared_tables.SMALLEST["cpu"] = given[0].smallest_table
        try:
            results[name] = run(given[0], group, given[1])
        except Exception as error:
            results[name] = error
    return results


def in_processes(function: Callable[..., Any], *arguments: Any, number: int = 2) -> list[Any]:
    """What a function returns in each of several processes.

    Args:
        function: of a module; its first argument is the `Group`.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Forked from a process that has imported everything, which takes longer than all the cases.
        get_context("forkserver").set_forkserver_preload(IMPORTED)
        # By a file: each tensor of an argument would otherwise take a file descriptor, of which a process may send few.
        torch.save(arguments, Path(folder) / "arguments.pt")
        start_processes(_work, (number, folder, function), number, start_method="forkserver")
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(number)]


def _work(rank: int, number: int, folder: str, function: Callable[..., Any]) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", number)
    seconds = timedelta(seconds=SECONDS)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=number, timeout=seconds)
    group = Group(dist.PrefixStore("test", store), rank, number, torch.device("cpu"), SECONDS)
    arguments = torch.load(Path(folder) / "arguments.pt", weights_only=False)
    torch.save(function(group, *arguments), f"{folder}/{rank}.pt")
    group.finish()
    group.close()
    dist.destroy_process_group()


def _trainer(case: Case, ranks: Ranks) -> Trainer:
    seed_all(7)
    model = model_of(case).double()
    hand_down(model, replace(Compute(kernels="plain"), ranks=ranks))
    seed_all(8)
    value = {
        "epochs": 1,
        "batch_size": 4,
        "optimizer": {"type": "sgd", "lr": 0.5},
        "records": [],
        "evaluation_batch_size": 2,
        **case.trainer,
    }
    settings = validate(TrainerSettings, value, "test")
    kind = _lazy(Head, case.head).component.target_kind
    columns = model.embedders[SHARED].tables if case.embedder else None
    train, dev = ({task: split_of(task, size + more, kind, columns) for task, size in SIZES.items()} for more in (0, 1))
    scored = [
        EvaluationTask(split, LABELS, [Lazy.of(Accuracy if kind == "label" else TokenAccuracy)])
        for split in dev.values()
    ]
    return Trainer(model, train, scored, [], MeanSelection(), settings, 13)


def model_of(case: Case) -> MultiTaskModel:
    """The model of a case, in float32."""
    embedders = {name: _embedder_of(case) for name in (TASKS if case.by_task else [SHARED])}
    input_dim = next(iter(embedders.values())).output_dim
    sharing = _lazy(SharingScheme, case.sharing).build(input_dim=input_dim, tasks=list(TASKS))
    head = _lazy(Head, case.head)
    heads = {task: head.build(input_dim=sharing.output_dim, labels=list(LABELS), tag_scheme="iob2") for task in TASKS}
    weights = dict(zip(TASKS, (1.0, 0.5, 2.0), strict=True))
    return MultiTaskModel(embedders, sharing, heads, weights)


def _embedder_of(case: Case) -> Embedder:
    if case.embedder is not None:
        return case.embedder()
    words = WordEmbedder(dim=INPUT_DIM, vocabulary=sample_vocabulary(), vectors=None)
    return ByFirstWord(words) if case.by_first_word else LargeEmbedder(words) if case.large else words


@pytest.fixture(autouse=True)
def same_randomness() -> Iterator[None]:
    """Gives torch back its random numbers, in each module that imports it."""
    before = random_state.capture()
    yield
    random_state.restore(before)


def of_all(name: str, shared: Sequence[Mapping[str, Any]]) -> list[Result]:
    """The results of a case in each of the processes. Raises the error that it has ended with in one of them."""
    results = [each[name] for each in shared]
    if error := next((result for result in results if isinstance(result, Exception)), None):
        raise error
    return results


def check_equal(found: Result, expected: Result) -> None:
    """Makes sure that two runs have come to the same numbers, up to the rounding of float64."""
    assert [[task for task, _ in step] for step in found.losses] == [
        [task for task, _ in each] for each in expected.losses
    ]
    ours, theirs = ([loss for step in result.losses for _, loss in step] for result in (found, expected))
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12, nan_ok=True)
    assert len(found.epochs) == len(expected.epochs)
    for epoch, other in zip(found.epochs, expected.epochs, strict=True):
        assert epoch["dev"] == other["dev"] and epoch["work"] == other["work"]
        assert epoch.get("skipped") == other.get("skipped") and epoch.get("idle") == other.get("idle")
    for name, weight in expected.weights.items():
        torch.testing.assert_close(found.weights[name], weight, rtol=1e-8, atol=1e-10)


def joined(begun: Result, rest: Result) -> Result:
    """The result of a run that was begun, and gone on with by another trainer."""
    return Result(begun.losses + rest.losses, begun.epochs + rest.epochs, rest.weights, rest.state)


def split_of(task: str, size: int, kind: Any, columns: Any = None) -> TaskSplit:
    """Texts with labels or tags, some of which training does not know."""
    instances = []
    for number in range(size):
        words = tuple(WORDS[(number * step + len(task)) % len(WORDS)] for step in range(1, 2 + number % 5))
        # Every fourth target is one that training does not know, so that losses are means over fewer texts.
        label = "unheard-of" if number % 4 == 3 else LABELS[number % 3]
        instances.append(Instance(words, label if kind == "label" else (label, *("O" for _ in words[1:]))))
    return TaskSplit(task, Corpus.from_instances(instances, kind), sample_vocabulary(), columns=columns)


def _lazy(interface: Any, settings: Mapping[str, Any]) -> Any:
    return validate(_holder(interface), {"component": dict(settings)}, "test").component  # type: ignore[attr-defined]


@cache
def _holder(interface: Any) -> type[Spec]:
    return create_model("Holder", __base__=Spec, component=(Lazy[interface], ...))
