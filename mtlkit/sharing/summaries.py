"""What the traces of many texts come to: how much a task takes of each source, on average.

Shapes: B batch, T words, N sources, L layers, K tasks, S steps, A actions.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never, final

import torch
from torch import Tensor

from mtlkit.selectors import ModulePath
from mtlkit.sharing.traces import MixtureTrace, PathTrace, Trace, WordTrace


@final
@dataclass(frozen=True)
class WordSummary:
    """Of all words of some texts; of two networks that read both ways, the mean of both."""

    num_words: int
    senders: tuple[str, ...] | None
    """None: the sources are positions of the text."""
    weights_N: tuple[float, ...] | None
    """The mean over words of what they took of each sender; None where the sources are positions."""
    distance: float | None
    """From a word to the positions that it reads, in words, on average; None where the sources are tasks."""
    spread: float
    """Entropy of a word's weights, as a share of the largest there can be: 0 reads one source, 1 all alike. Words with
    one source only do not count."""

    def to_json(self) -> dict[str, Any]:
        """A line of a run's record."""
        kind = "tasks" if self.senders is not None else "positions"
        return {"kind": kind, **{name: value for name, value in vars(self).items() if value is not None}}


@final
@dataclass(frozen=True)
class PathSummary:
    """The one path of all texts of a task."""

    modules: ModulePath
    policy_SA: tuple[tuple[float, ...], ...] | None

    def to_json(self) -> dict[str, Any]:
        """A line of a run's record."""
        return {"kind": "path", **{name: value for name, value in vars(self).items() if value is not None}}


@final
@dataclass(frozen=True)
class MixtureSummary:
    """The one mixture of all texts of a task."""

    tasks: tuple[str, ...]
    weights_LK: tuple[tuple[float, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """A line of a run's record."""
        return {"kind": "mixture", **vars(self)}


Summary: TypeAlias = WordSummary | PathSummary | MixtureSummary


def summarise(traces: Iterable[tuple[Trace, Tensor]]) -> Summary | None:
    """One summary of the traces of a task's batches, each with its mask (B, T); None where there is none."""
    sums: _WordSums | None = None
    for trace, mask_BT in traces:
        match trace:
            case WordTrace():
                sums = sums or _WordSums(trace.senders)
                sums.add(trace, mask_BT)
            case PathTrace():
                return PathSummary(trace.modules, None if trace.policy_SA is None else _rows(trace.policy_SA))
            case MixtureTrace():
                return MixtureSummary(trace.tasks, _rows(trace.weights_LK))
            case _:
                assert_never(trace)
    return None if sums is None else sums.summary()


@final
class _WordSums:
    """Adds up word traces on their device."""

    def __init__(self, senders: tuple[str, ...] | None) -> None:
        self.senders = senders
        self.num_words = 0
        self.num_networks = 1
        self.weights_N: Tensor | float = 0.0
        self.distance: Tensor | float = 0.0
        self.entropy: Tensor | float = 0.0
        self.num_spread: Tensor | int = 0

    def add(self, trace: WordTrace, mask_BT: Tensor) -> None:
        networks = [each for each in (trace.weights_BTN, trace.backward_BTN) if each is not None]
        self.num_networks = len(networks)
        self.num_words += int(mask_BT.sum())
        for weights_BTN in networks:
            self._add(weights_BTN.float() * mask_BT.unsqueeze(2), mask_BT)

    def summary(self) -> WordSummary:
        words = max(self.num_words * self.num_networks, 1)
        weights_N = None if self.senders is None else tuple((torch.as_tensor(self.weights_N) / words).tolist())
        distance = float(self.distance) / words if self.senders is None else None
        spread = float(self.entropy) / max(float(self.num_spread), 1)
        return WordSummary(self.num_words, self.senders, weights_N, distance, spread)

    def _add(self, weights_BTN: Tensor, mask_BT: Tensor) -> None:
        num_sources = weights_BTN.shape[2]
        if self.senders is not None:
            self.weights_N = self.weights_N + weights_BTN.sum(dim=(0, 1))
            sources_B = mask_BT.new_full((len(mask_BT),), num_sources, dtype=torch.float32)
        else:
            sources_B = mask_BT.sum(dim=1).float()
            places_T = torch.arange(num_sources, device=mask_BT.device)
            distances_TN = (places_T.unsqueeze(1) - places_T).abs().float()
            self.distance = self.distance + (weights_BTN * distances_TN).sum()
        # Gates need not sum to 1: what is measured is how their total is spread.
        shares_BTN = weights_BTN / weights_BTN.sum(dim=2, keepdim=True).clamp(min=1e-12)
        entropy_BT = torch.special.entr(shares_BTN).sum(dim=2) / sources_B.clamp(min=2).log().unsqueeze(1)
        counts_BT = mask_BT & (sources_B > 1).unsqueeze(1)
        self.entropy = self.entropy + entropy_BT[counts_BT].sum()
        self.num_spread = self.num_spread + counts_BT.sum()


def _rows(matrix: Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(value if math.isfinite(value) else 0.0 for value in row) for row in matrix.tolist())
