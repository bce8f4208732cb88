"""Summaries of the traces of many texts: how much a task takes of each source, on average.

Shapes: B batch, T words, N sources, L layers, K tasks, S steps or the size of an embedding, A actions.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, assert_never, final

import torch
from pydantic import Discriminator, Tag, ValidatorFunctionWrapHandler, WrapValidator
from torch import Tensor

from mtlkit.sharing.selectors import ModulePath
from mtlkit.sharing.traces import GuessTrace, MixtureTrace, PathTrace, Trace, WordTrace

Vector: TypeAlias = tuple[float, ...]


@final
@dataclass(frozen=True)
class WordSummary:
    """The mean of word traces over all words of some texts, and over both networks of a bidirectional scheme."""

    num_words: int
    senders: tuple[str, ...] | None
    """The tasks that are read; None where the sources are positions of the text."""
    weights_N: Vector | None
    """The mean weight of each sender; None where the sources are positions."""
    distance: float | None
    """The mean distance, in words, from a word to the positions that it reads; None where the sources are tasks."""
    spread: float
    """The mean entropy of a word's weights, divided by the largest possible: 0 where each word reads one source, 1
    where each reads all alike. Words with a single source, and words that read nothing, do not count."""
    gate: float | None = None
    """The mean gate, from 0 to 1; None where there is none."""

    def to_json(self) -> dict[str, Any]:
        """The summary as `sharing.jsonl` keeps it. Fields that are None are left out."""
        return {"kind": "positions" if self.senders is None else "tasks", **_known(self)}


@final
@dataclass(frozen=True)
class PathSummary:
    """The path of a task, which is the same for all its texts; the fields are those of `PathTrace`."""

    modules: ModulePath
    policy_SA: tuple[Vector, ...] | None
    embedding_S: Vector | None = None

    def to_json(self) -> dict[str, Any]:
        """The summary as `sharing.jsonl` keeps it. Fields that are None are left out."""
        return {"kind": "path", **_known(self)}


@final
@dataclass(frozen=True)
class MixtureSummary:
    """The mixture of a task, which is the same for all its texts; the fields are those of `MixtureTrace`."""

    tasks: tuple[str, ...]
    weights_LK: tuple[Vector, ...]

    def to_json(self) -> dict[str, Any]:
        """The summary as `sharing.jsonl` keeps it. Fields that are None are left out."""
        return {"kind": "mixture", **_known(self)}


@final
@dataclass(frozen=True)
class GuessSummary:
    """Which tasks a discriminator takes the texts of a task to be from."""

    num_texts: int
    tasks: tuple[str, ...]
    probabilities_K: Vector
    """The mean probability of each task over texts."""
    accuracy: float
    """The share of texts whose most probable task is the true one."""

    def to_json(self) -> dict[str, Any]:
        """The summary as `sharing.jsonl` keeps it. Fields that are None are left out."""
        return {"kind": "guess", **_known(self)}


Summary: TypeAlias = WordSummary | PathSummary | MixtureSummary | GuessSummary

LEFT_OUT = ("senders", "weights_N", "distance", "gate", "policy_SA", "embedding_S")
"""Fields that may be None, in which case `to_json` leaves them out."""


def _from_json(value: Any, validated: ValidatorFunctionWrapHandler) -> Summary:
    """Reads what `to_json` returned after it went through a file, in which null stands for a number that is not finite.

    Raises:
        ValueError: the value is not a summary of its kind, or its sizes do not fit each other.
    """
    if not isinstance(value, Mapping):
        raise ValueError("not an object")
    summary: Summary = validated({**dict.fromkeys(LEFT_OUT), **_with_nan(value)})
    if summary.to_json()["kind"] != value["kind"] or not _fits(summary):
        raise ValueError("sizes that do not fit each other")
    return summary


RecordedSummary: TypeAlias = Annotated[
    Annotated[WordSummary, Tag("tasks")]
    | Annotated[WordSummary, Tag("positions")]
    | Annotated[PathSummary, Tag("path")]
    | Annotated[MixtureSummary, Tag("mixture")]
    | Annotated[GuessSummary, Tag("guess")],
    Discriminator(lambda value: value.get("kind")),
    WrapValidator(_from_json),
]
"""The type of a field of a pydantic model that is read from a run's record; fields of later versions are ignored."""


def _with_nan(value: Any) -> Any:
    match value:
        case None:
            return math.nan
        case Mapping():
            return {name: _with_nan(item) for name, item in value.items()}
        case list():
            return [_with_nan(item) for item in value]
        case _:
            return value


def _fits(summary: Summary) -> bool:
    """Whether the sizes of the fields agree, and numbers of modules and counts are not negative."""
    match summary:
        case WordSummary(num_words, None, None, distance):
            return num_words >= 0 and distance is not None
        case WordSummary(num_words, senders, weights_N, None):
            return num_words >= 0 and senders is not None and weights_N is not None and len(senders) == len(weights_N)
        case WordSummary():
            return False
        case PathSummary(modules, policy_SA):
            steps, sizes = len(policy_SA or ()) - len(modules), {len(policy_A) for policy_A in policy_SA or ()}
            # A policy has one step more than the path, which is Stop, unless the path is as long as it may be.
            is_along = policy_SA is None or (steps in (0, 1) and len(sizes) <= 1)
            return (
                is_along
                and min(modules, default=0) >= 0
                and max(modules, default=-1) + 1 < min(sizes, default=math.inf)
            )
        case MixtureSummary(tasks, weights_LK):
            return all(len(weights_K) == len(tasks) for weights_K in weights_LK)
        case GuessSummary(num_texts, tasks, probabilities_K):
            return num_texts >= 0 and len(probabilities_K) == len(tasks)
        case _:
            assert_never(summary)


def summarise(traces: Iterable[tuple[Trace, Tensor]], task: str) -> Summary | None:
    """Summarises the traces of a task's batches.

    Paths and mixtures are the same for every text, so that only the first trace is taken from the iterable. Numbers
    that are not finite stay so.

    Args:
        traces: the trace of each batch with its mask (B, T).
        task: the task of the batches.

    Returns:
        The summary, of the kind of the traces; None where there are no traces.
    """
    sums: _WordSums | _GuessSums | None = None
    for trace, mask_BT in traces:
        match trace:
            case WordTrace():
                sums = sums if isinstance(sums, _WordSums) else _WordSums(trace.senders)
                sums.add(trace, mask_BT)
            case GuessTrace():
                sums = sums if isinstance(sums, _GuessSums) else _GuessSums(trace.tasks, task)
                sums.add(trace)
            case PathTrace():
                embedding_S = None if trace.embedding_S is None else tuple(trace.embedding_S.tolist())
                return PathSummary(trace.modules, _rows(trace.policy_SA), embedding_S)
            case MixtureTrace():
                return MixtureSummary(trace.tasks, _rows(trace.weights_LK) or ())
            case _:
                assert_never(trace)
    return None if sums is None else sums.summary()


@final
class _Mean:
    """A mean whose sums stay on their device until `value` is called, so that no batch waits for the one before."""

    def __init__(self) -> None:
        self.total: Tensor | float = 0.0
        self.count: Tensor | int = 0

    def add(self, values: Tensor, count: Tensor | int) -> None:
        """Adds `count` values, given as their sum, of any shape."""
        self.total = self.total + values
        self.count = self.count + count

    def value(self) -> Tensor:
        """The mean of all values added so far; 0 if there are none."""
        return torch.as_tensor(self.total, dtype=torch.float64) / max(int(self.count), 1)


@final
class _WordSums:
    """Sums over word traces."""

    def __init__(self, senders: tuple[str, ...] | None) -> None:
        self.senders = senders
        self.num_words: Tensor | int = 0
        self.weights = _Mean()
        self.distance = _Mean()
        self.spread = _Mean()
        self.gate = _Mean()

    def add(self, trace: WordTrace, mask_BT: Tensor) -> None:
        self.num_words = self.num_words + mask_BT.sum()
        for weights_BTN in (trace.weights_BTN, trace.backward_BTN):
            if weights_BTN is not None:
                # In float64, since sums run over whole corpora; zero at padding, where weights are arbitrary.
                self._add(weights_BTN.double().masked_fill(~mask_BT.unsqueeze(2), 0), mask_BT)
        for gates_BT in (trace.gates_BT, trace.backward_gates_BT):
            if gates_BT is not None:
                self.gate.add(gates_BT.double().masked_fill(~mask_BT, 0).sum(), mask_BT.sum())

    def summary(self) -> WordSummary:
        to_tasks = self.senders is not None
        return WordSummary(
            int(self.num_words),
            self.senders,
            tuple(self.weights.value().tolist()) if to_tasks else None,
            None if to_tasks else float(self.distance.value()),
            float(self.spread.value()),
            float(self.gate.value()) if int(self.gate.count) else None,
        )

    def _add(self, weights_BTN: Tensor, mask_BT: Tensor) -> None:
        num_sources = weights_BTN.shape[2]
        totals_BT = weights_BTN.sum(dim=2)
        reads_BT = mask_BT & (totals_BT != 0)  # NaN counts too, so that it shows in the summary
        # Weights that are gates need not sum to 1: distance and spread are of their distribution.
        shares_BTN = weights_BTN / totals_BT.masked_fill(~reads_BT, 1).unsqueeze(2)
        if self.senders is not None:
            self.weights.add(weights_BTN.sum(dim=(0, 1)), mask_BT.sum())
            sources_B = mask_BT.new_full((len(mask_BT),), num_sources, dtype=torch.float64)
        else:
            sources_B = mask_BT.sum(dim=1).double()
            places_T = torch.arange(num_sources, device=mask_BT.device)
            distances_TN = (places_T.unsqueeze(1) - places_T).abs().double()
            self.distance.add((shares_BTN * distances_TN).sum(), reads_BT.sum())
        counts_BT = reads_BT & (sources_B > 1).unsqueeze(1)
        entropies_BT = torch.special.entr(shares_BTN).sum(dim=2) / sources_B.clamp(min=2).log().unsqueeze(1)
        self.spread.add(entropies_BT.masked_fill(~counts_BT, 0).sum(), counts_BT.sum())


@final
class _GuessSums:
    """Sums over guess traces."""

    def __init__(self, tasks: tuple[str, ...], task: str) -> None:
        self.tasks = tasks
        self.place = tasks.index(task) if task in tasks else len(tasks)
        self.probabilities = _Mean()
        self.accuracy = _Mean()

    def add(self, trace: GuessTrace) -> None:
        probabilities_BK = trace.probabilities_BK.double()
        right_B = (probabilities_BK.argmax(dim=1) == self.place) & probabilities_BK.isfinite().all(dim=1)
        self.probabilities.add(probabilities_BK.sum(dim=0), len(right_B))
        self.accuracy.add(right_B.sum(), len(right_B))

    def summary(self) -> GuessSummary:
        probabilities_K: Vector = tuple(self.probabilities.value().tolist())
        return GuessSummary(int(self.accuracy.count), self.tasks, probabilities_K, float(self.accuracy.value()))


def _known(summary: Summary) -> dict[str, Any]:
    return {name: value for name, value in vars(summary).items() if value is not None}


def _rows(matrix: Tensor | None) -> tuple[Vector, ...] | None:
    return None if matrix is None else tuple(map(tuple, matrix.tolist()))
